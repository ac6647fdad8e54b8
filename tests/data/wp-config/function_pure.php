<?php
function pick($a, $b = 'n') { if ($a) { return $a; } $GLOBALS_ = 1; return $b; }
define('DB_NAME', pick(''));
define('DB_USER', pick('u', 'v'));
function name($x) { define('DB_' . $x, 'by_name'); }
name('HOST');
$table_prefix='wp_';
function local() { $table_prefix = 'x_'; }
local();
require_once ABSPATH . 'wp-settings.php';
