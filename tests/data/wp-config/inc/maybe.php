<?php
if ($_SERVER['HTTP_HOST']) { return; }
define('DB_NAME', 'm');
