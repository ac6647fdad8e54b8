<?php
define('DB_NAME','n');
require ABSPATH . 'wp-settings.php';
__halt_compiler(); define('DB_USER','u'); <<<X ' 