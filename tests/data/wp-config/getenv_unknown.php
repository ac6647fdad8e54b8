<?php
define('DB_NAME', getenv('WP_DB') ?: 'x');
define('DB_USER', $_ENV['U'] ?? 'x');
define('DB_HOST', $_SERVER['H']);
define('DB_PASSWORD', getenv("PW"));
$table_prefix = getenv('PREFIX') ? getenv('PREFIX') : 'wp_';
require_once ABSPATH . 'wp-settings.php';
