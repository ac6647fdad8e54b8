<?php
define('DB_NAME', 'from_a');
$from_a = 'wp_';
return ['user' => 'u_a'];
define('DB_HOST', 'never');
