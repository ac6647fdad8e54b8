<?php
DEFINE ( "DB_NAME" ,
	'wp' ) ;
Define('DB_USER', TRUE ? 'u' : 'v');
\define('DB_HOST','h');
require_once ABSPATH . 'wp-settings.php';
