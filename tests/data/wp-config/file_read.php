<?php
define('DB_PASSWORD', trim(file_get_contents(__DIR__ . '/inc/secret')));
$j = json_decode('{"a":"b"}', true);
define('DB_NAME', $j['a']);
$u = parse_url('mysql://u:p@h:3307/n');
define('DB_USER', $u['user']);
define('DB_HOST', $u['host'] . ':' . $u['port']);
require_once ABSPATH . 'wp-settings.php';
