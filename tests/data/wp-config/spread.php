<?php
define(...['DB_NAME','x']);
define('DB_NAME','n');
require_once ABSPATH . 'wp-settings.php';
