<?php
define('DB_NAME','n');
die('closed');
require_once ABSPATH . 'wp-settings.php';
