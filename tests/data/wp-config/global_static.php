<?php
global $table_prefix;
$table_prefix='wp_';
unset($x);
define('DB_NAME','n');
unset($table_prefix);
require_once ABSPATH . 'wp-settings.php';
