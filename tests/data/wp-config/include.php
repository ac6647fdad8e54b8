<?php
$c = require __DIR__ . '/inc/a.php';
$table_prefix = $from_a;
define('DB_USER', $c['user']);
@include __DIR__ . '/inc/none.php';
include_once(dirname(__FILE__) . '/inc/none.php');
define('DB_HOST', 'h');
require_once ABSPATH . 'wp-settings.php';
