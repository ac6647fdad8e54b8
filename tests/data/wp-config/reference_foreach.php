<?php
$table_prefix='wp_';
foreach (['a'] as &$table_prefix) {}
require_once ABSPATH . 'wp-settings.php';
