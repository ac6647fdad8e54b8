<?php
namespace Site;
function define($a, $b) { \define($a, 'shadow'); }
define('DB_NAME', 'n');
require_once ABSPATH . 'wp-settings.php';
