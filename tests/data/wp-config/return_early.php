<?php
define('DB_NAME','n');
return;
define('DB_USER','u');
