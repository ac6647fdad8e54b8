<?php
#[Attr]
function f() {}
define('DB_NAME','n');
require_once ABSPATH . 'wp-settings.php';
