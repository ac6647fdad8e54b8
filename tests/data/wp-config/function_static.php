<?php
function s() { static $n = 0; $n++; return $n; }
s();
define('DB_NAME', 'n' . s());
require_once ABSPATH . 'wp-settings.php';
