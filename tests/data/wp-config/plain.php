<?php
define( 'DB_NAME', 'wp' );
define( 'DB_USER', 'u' );
define( 'DB_PASSWORD', 'p\'w"d$' );
define( 'DB_HOST', 'localhost:/run/my.sock' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
$table_prefix = 'wp_';
define( 'WP_DEBUG', false );
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
