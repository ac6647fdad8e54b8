<?php
$table_prefix='wp_';
preg_match('/x/', 'axb', $table_prefix);
require_once ABSPATH . 'wp-settings.php';
