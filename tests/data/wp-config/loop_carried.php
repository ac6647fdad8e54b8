<?php
$n='DB_USER'; $m='DB_NAME';
for ($i=0;$i<2;$i++) { define($n,'x'); $n=$m; }
define('DB_NAME','late');
require_once ABSPATH . 'wp-settings.php';
