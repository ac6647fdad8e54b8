<?php
try { define('DB_NAME','n'); } catch (Exception $e) { define('DB_NAME','m'); } finally { $x = 1; }
define('DB_USER','u');
require_once ABSPATH . 'wp-settings.php';
