<?php
if ($_SERVER['HTTP_HOST'] === 'a.test') {
  define('DB_NAME', 'a');
} else {
  define('DB_NAME', 'b');
}
define('DB_USER', 'u');
define('DB_NAME', 'c');
$table_prefix = 'wp_';
require_once ABSPATH . 'wp-settings.php';
