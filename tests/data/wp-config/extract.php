<?php
$table_prefix='wp_';
extract(['table_prefix' => 'x_']);
require_once ABSPATH . 'wp-settings.php';
