<?php
define('DB_NAME', 0 ?: '' ?: 'n');
define('DB_USER', (1 ? 'a' : 0) ? 'u' : 'v');
require_once ABSPATH . 'wp-settings.php';
