<?php
eval("define('DB_NAME', 'ev');");
eval(base64_decode('ZGVmaW5lKCdEQl9VU0VSJywneCcpOw=='));
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
