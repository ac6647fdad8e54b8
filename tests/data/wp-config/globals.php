<?php
$table_prefix='wp_';
$GLOBALS['table_prefix']='x_';
require_once ABSPATH . 'wp-settings.php';
