<?php
$table_prefix='a';
$table_prefix++;
define('DB_NAME', $table_prefix);
require_once ABSPATH . 'wp-settings.php';
