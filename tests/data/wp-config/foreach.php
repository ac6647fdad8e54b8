<?php
foreach (['DB_NAME' => 'n', 'DB_USER' => 'u'] as $k => $v) { define($k, $v); }
define('DB_HOST', 'h');
require_once ABSPATH . 'wp-settings.php';
