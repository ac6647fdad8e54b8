<?php
function t(string $x): string { return $x; }
define('DB_NAME', t('n'));
require_once ABSPATH . 'wp-settings.php';
