<?php
define('DB_NAME','n');
$table_prefix='wp_';
foreach ($x as $k => $v) define($k, $v);
require_once ABSPATH . 'wp-settings.php';
