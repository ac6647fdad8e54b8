<?php
$host = preg_replace('/[^a-z0-9.-]/', '', $_SERVER['HTTP_HOST']);
$file = '/etc/wordpress/config-' . $host . '.php';
if (file_exists($file)) { require_once($file); } else { header('HTTP/1.0 404 Not Found'); exit(1); }
require_once ABSPATH . 'wp-settings.php';
