<?php
if (!function_exists('str_contains')) { function str_contains($a, $b) { define('DB_NAME', 'x'); } }
if (str_contains('a','a')) { define('DB_USER','u'); }
define('DB_NAME','n');
require_once ABSPATH . 'wp-settings.php';
