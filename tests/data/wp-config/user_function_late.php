<?php
setup();
define('DB_NAME','n');
function setup() { define('DB_NAME', 'hidden'); }
require_once ABSPATH . 'wp-settings.php';
