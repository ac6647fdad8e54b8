<?php
$table_prefix='wp_';
[$a, $table_prefix] = [1, 'x_'];
define('DB_NAME','n');
require_once ABSPATH . 'wp-settings.php';
