<?php
define('DB_NAME', 'a' . 1 + 2);
define('DB_USER', 'a' . 1 . 'b');
