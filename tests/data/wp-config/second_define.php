<?php
define('DB_NAME', 'first');
define('DB_NAME', 'second');
const DB_USER='u1';
define('DB_USER','u2');
require_once ABSPATH . 'wp-settings.php';
