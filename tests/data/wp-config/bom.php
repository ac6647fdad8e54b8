<?php
define('DB_NAME', 'wp');
require_once ABSPATH . 'wp-settings.php';
