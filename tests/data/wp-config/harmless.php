<?php
declare(ticks=1);
ini_set('display_errors', 0);
error_reporting(E_ALL ^ E_NOTICE);
@set_time_limit(0);
date_default_timezone_set('UTC');
header('X-A: b');
if (isset($_SERVER['HTTP_X_FORWARDED_PROTO']) && strpos($_SERVER['HTTP_X_FORWARDED_PROTO'], 'https') !== false) $_SERVER['HTTPS'] = 'on';
define('WP_HOME', 'https://' . $_SERVER['HTTP_HOST']);
define('WP_SITEURL', "https://$_SERVER[HTTP_HOST]/wp");
$_SERVER['REMOTE_ADDR'] = '127.0.0.1';
umask(0022);
define('DB_NAME', 'n');
define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT);
define('WP_MEMORY_LIMIT', 64 * 2 . 'M');
require_once ABSPATH . 'wp-settings.php';
