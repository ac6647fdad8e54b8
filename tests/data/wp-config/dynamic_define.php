<?php
define('DB_' . strrev('EMAN'), 'x');
define('DB_NAME','n');
require_once ABSPATH . 'wp-settings.php';
