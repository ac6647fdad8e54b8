<?php
set_error_handler(function () { define('DB_USER', 'x'); });
define('DB_NAME','n');
define('DB_NAME','m');
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
