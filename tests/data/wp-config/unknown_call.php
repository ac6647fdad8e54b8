<?php
define('DB_NAME','n');
my_setup();
define('DB_USER','u');
$table_prefix='wp_';
require_once ABSPATH . 'wp-settings.php';
