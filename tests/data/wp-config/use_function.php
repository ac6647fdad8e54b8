<?php
use function strtoupper as define;
define('DB_NAME', 'n');
require_once ABSPATH . 'wp-settings.php';
