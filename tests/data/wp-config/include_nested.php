<?php
require_once dirname( __FILE__ , 1 ) . '/inc/b.php';
require_once __DIR__ . '/inc/../inc/b.php';
if (file_exists(ABSPATH . 'inc/a.php')) define('DB_USER', 'seen');
require_once ABSPATH . 'wp-settings.php';
