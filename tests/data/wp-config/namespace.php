<?php
namespace Site;
const DB_NAME = 'ns';
\define('DB_USER', DB_NAME);
define('DB_HOST', namespace_host());
function namespace_host() { return 'x'; }
require_once ABSPATH . 'wp-settings.php';
