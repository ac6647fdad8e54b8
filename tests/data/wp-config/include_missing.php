<?php
define('DB_NAME','n');
require '/nowhere/secrets.php';
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
