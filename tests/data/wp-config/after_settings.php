<?php
define('DB_NAME','n');
require_once( ABSPATH . 'wp-settings.php' );
define('DB_USER','u');
foo();
