<?php
define('DB_NAME', '1' == '01' ? 'a' : 'b');
define('DB_USER', 'x' == 'y' ? 'a' : 'b');
define('DB_HOST', 'abc' == 0 ? 'a' : 'b');
require_once ABSPATH . 'wp-settings.php';
