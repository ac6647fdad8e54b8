<?php
// define('DB_NAME', 'no1');
# define('DB_NAME', 'no2');
/* define('DB_NAME', 'no3'); */
/** define('DB_NAME', 'no4') **/
$text = "define('DB_NAME', 'no5');";
$nowdoc = <<<'E'
define('DB_NAME', 'no6');
E;
function unused() { define('DB_NAME', 'no7'); }
class Unused { const DB_NAME = 'no8'; function define() { define('DB_NAME', 'no9'); } }
if (false) { define('DB_NAME', 'no10'); }
$f = function () { define('DB_NAME', 'no11'); };
define('DB_NAME', 'yes'); // ?> define('DB_NAME', 'no12'); <?php
define('DB_NAME', 'no13');
require_once ABSPATH . 'wp-settings.php';
