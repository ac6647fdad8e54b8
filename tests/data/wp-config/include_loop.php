<?php
define('DB_NAME','n');
require __DIR__ . '/inc/loop.php';
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
