<?php
$table_prefix='wp_';
function g() { global $table_prefix; $table_prefix = 'x_'; }
g();
require_once ABSPATH . 'wp-settings.php';
