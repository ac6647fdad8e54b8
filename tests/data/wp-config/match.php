<?php
define('DB_NAME','n');
define('DB_USER', match(true) { default => 'u' });
define('DB_HOST','h');
require_once ABSPATH . 'wp-settings.php';
