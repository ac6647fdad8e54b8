<?php
$table_prefix='wp_';
define('CUSTOM_USER_TABLE', $table_prefix.'my_users');
define('MULTISITE', TRUE);
define('WP_CONTENT_DIR', dirname(__DIR__) . '/content');
require_once ABSPATH . 'wp-settings.php';
