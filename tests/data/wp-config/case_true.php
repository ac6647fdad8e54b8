<?php
define('DB_NAME', True ? NULL ?? 'n' : FALSE);
require_once ABSPATH . 'wp-settings.php';
