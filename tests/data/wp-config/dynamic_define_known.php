<?php
define('DB_' . strtoupper('name'), 'x');
define('DB_NAME','n');
require_once ABSPATH . 'wp-settings.php';
