<?php require __DIR__ . '/a.php'; define('DB_HOST', basename(__FILE__));
