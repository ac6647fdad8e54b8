<?php
Loader::boot();
define('DB_NAME','n');
require_once ABSPATH . 'wp-settings.php';
