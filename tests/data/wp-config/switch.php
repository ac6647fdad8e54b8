<?php
switch ($_SERVER['SERVER_NAME']) { case 'a': define('DB_NAME','a'); break; default: define('DB_NAME','b'); }
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
