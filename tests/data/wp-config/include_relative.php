<?php
define('DB_NAME','n');
include 'local.php';
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
