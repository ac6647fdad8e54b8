<?php
$n='w'; $n .= 'p';
$p = $n;
define('DB_NAME', $n . '_' . 7 . true . null);
define('DB_USER', "{$n}-$p");
define('DB_HOST', ('a' . 1) . (1 + 2));
$table_prefix = $n . '_';
require_once ABSPATH . 'wp-settings.php';
