<?php
define('DB_NAME','n');
define('DB_USER', 'u
