<?php
define('DB_NAME','n');
$o = new Loader(__DIR__);
$o->load();
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
