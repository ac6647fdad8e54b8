<?php
if (defined('ABSPATH') && !defined('DB_NAME')): define('DB_NAME', 'a'); else: define('DB_NAME', 'b'); endif;
if (0) { define('DB_USER', 'x'); } elseif ('') define('DB_USER', 'y'); else if ('1' === "1") { define('DB_USER', 'z'); } else { define('DB_USER', 'w'); }
defined('DB_HOST') || define('DB_HOST', 'h1');
defined('DB_HOST') or define('DB_HOST', 'h2');
!defined('DB_HOST') and define('DB_HOST', 'h3');
$live = true;
define('DB_CHARSET', $live ? 'utf8' : 'latin1');
define('DB_COLLATE', '' ?: ('0' ?: 'c'));
require_once ABSPATH . 'wp-settings.php';
