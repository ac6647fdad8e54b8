<?php
define('DB_NAME', 0x1F);
define('DB_USER', 017);
define('DB_HOST', 1_000);
define('DB_CHARSET', 0b11);
define('DB_COLLATE', -5);
define('DB_PASSWORD', 1.5);
define('WP_CACHE_KEY_SALT', 10/2);
require_once ABSPATH . 'wp-settings.php';
