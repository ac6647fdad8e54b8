<?php
define('DB_NAME', 'wp'); // c
# d
define('DB_USER', getenv('X'));
require_once ABSPATH . 'wp-settings.php';
