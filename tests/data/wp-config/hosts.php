<?php
$host = preg_replace('/:.*/', "", $_SERVER['HTTP_HOST']);
$host = preg_replace("/[^a-zA-Z0-9.\\-]/", "", $host);
$main = preg_replace("/^[^.]*\\./", "", $host);
if (file_exists(__DIR__ . '/none-' . $host)) { require_once __DIR__ . '/none-' . $host; }
define('DB_NAME', 'x-' . strtolower($host));
define('DB_USER', 'u');
define('DB_HOST', $main);
define('DB_CHARSET', isset($_SERVER['HTTP_HOST']) ? 'set' : 'none');
if (!isset($table_prefix)) {
    $table_prefix = 'wp_';
}
if (isset($_SERVER['HTTP_X_FORWARDED_PROTO'])) { $_SERVER['HTTPS'] = 'on'; }
require_once ABSPATH . 'wp-settings.php';
