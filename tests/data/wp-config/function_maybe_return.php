<?php
function m() { if (isset($_SERVER['HTTP_HOST'])) { return 'a'; } return 'b'; }
define('DB_NAME', m());
define('DB_USER', 'u');
require_once ABSPATH . 'wp-settings.php';
