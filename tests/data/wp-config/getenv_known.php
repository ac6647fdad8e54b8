<?php
define('DB_NAME', getenv('WP_DB') ?: 'x');
define('DB_HOST', getenv('NONE') ?: 'h');
define('DB_USER', $_ENV['WP_U']);
define('DB_CHARSET', $_ENV['NONE'] ?? 'x');
define('DB_COLLATE', $_SERVER['WP_U']);
if (getenv('NONE') === false) { define('DB_PASSWORD', 'p'); }
require_once ABSPATH . 'wp-settings.php';
