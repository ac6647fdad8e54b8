<?php
define('DB_NAME','n');
$v='table_prefix';
$table_prefix='wp_';
$$v='x_';
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
