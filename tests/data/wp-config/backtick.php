<?php
define('DB_NAME','n');
$x = `ls`;
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
