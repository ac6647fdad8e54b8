<?php
define('DB_NAME', (string) 5 . (int) '7' . (bool) 'x');
define('DB_USER', (int) '7abc');
require_once ABSPATH . 'wp-settings.php';
