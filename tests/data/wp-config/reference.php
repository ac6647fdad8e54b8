<?php
$table_prefix='wp_';
$r = &$table_prefix;
$r='x_';
require_once ABSPATH . 'wp-settings.php';
