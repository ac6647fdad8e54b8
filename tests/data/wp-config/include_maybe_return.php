<?php
include __DIR__ . '/inc/maybe.php';
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
