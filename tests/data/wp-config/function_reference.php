<?php
$table_prefix='wp_';
function r(&$x) { $x = 'x_'; }
r($table_prefix);
require_once ABSPATH . 'wp-settings.php';
