<?php
define('DB_NAME','n');
include $_SERVER['DOCUMENT_ROOT'] . '/../local.php';
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
