<?php
while (!defined('DB_NAME')) { define('DB_NAME', 'w'); }
define('DB_HOST','h');
require_once ABSPATH . 'wp-settings.php';
