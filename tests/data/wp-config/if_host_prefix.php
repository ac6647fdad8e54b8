<?php
define('DB_NAME','n');
$table_prefix = 'wp_';
if (isset($_SERVER['HTTP_HOST'])) {
	$table_prefix = 'x_';
}
require_once ABSPATH . 'wp-settings.php';
