<?php
$c = array('name' => 'wp', 'db' => ['host' => 'h', 5 => 'five', 'six'], '7' => 'seven');
define('DB_NAME', $c['name']);
define('DB_HOST', $c['db']['host']);
define('DB_USER', $c['db'][6]);
define('DB_PASSWORD', $c[7]);
define('DB_COLLATE', $c['none'] ?? 'dflt');
define('DB_CHARSET', "{$c['name']}");
require_once ABSPATH . 'wp-settings.php';
