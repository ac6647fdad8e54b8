<?php
define('DB_NAME', <<<'X'
wp$a\n
X
);
define('DB_USER', <<<X
  u\t
  Xy
  X . '!');
define('DB_HOST', <<<"EOT"
EOT);
define('DB_PASSWORD', <<<A
 \x41 \"q\"
A);
require_once ABSPATH . 'wp-settings.php';
