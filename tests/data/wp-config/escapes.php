<?php
define("\x44\102_NAME", "\x77\160\u{2d}\101\$x\e[");
define('DB_USER', 'a\\b\n\'c');
define('DB_PASSWORD', "tab\t nul\0 \q \8 \xg { $ $1");
require_once ABSPATH . 'wp-settings.php';
