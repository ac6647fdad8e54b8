<?php
define('DB_PASSWORD', 'pдss');
$grьяe='й';
define('DB_NAME', $grьяe);
require_once ABSPATH . 'wp-settings.php';
