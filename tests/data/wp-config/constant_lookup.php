<?php
define('A', 'x');
define('DB_NAME', constant('A') . A . \A);
define('DB_USER', UNDEFINED_THING);
