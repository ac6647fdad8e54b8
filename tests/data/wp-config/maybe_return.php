<?php
define('DB_NAME','n');
if ($_SERVER['HTTP_HOST'] == 'x') return;
define('DB_USER','u');
$table_prefix='wp_';
require_once ABSPATH . 'wp-settings.php';
