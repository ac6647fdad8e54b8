<?php
function env($k,$d){ $v=getenv($k); return $v===false?$d:$v; }
define('DB_NAME', env('A','n'));
require_once ABSPATH . 'wp-settings.php';
