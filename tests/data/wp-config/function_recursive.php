<?php
function r($x) { return r($x . 'a'); }
define('DB_NAME', 'n');
if (false) r('');
if ($_SERVER['HTTP_HOST'] === 'boom') r('x');
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
