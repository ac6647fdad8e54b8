<?php
define('DB_NAME','n');
if (php_sapi_name() == 'cli') { define('DB_NAME', 'cli'); define('DB_HOST', 'x'); }
define('DB_HOST','h');
require_once ABSPATH . 'wp-settings.php';
