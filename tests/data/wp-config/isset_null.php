<?php
$a = ['k' => null, 'e' => ''];
define('DB_NAME', isset($a['k']) ? 'x' : 'n');
define('DB_USER', empty($a['e']) ? 'u' : 'v');
define('DB_HOST', isset($a['q']['r']) ? 'x' : 'h');
require_once ABSPATH . 'wp-settings.php';
