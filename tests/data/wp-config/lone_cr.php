<?php// commentdefine('DB_NAME', 'wp');define('DB_USER', foo());require_once ABSPATH . 'wp-settings.php';
