<?php
define('DB_NAME','n');
if (empty($_SERVER['HTTP_HOST']) && false) exit;
if (isset($_GET['x'])) { exit('bye'); }
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
