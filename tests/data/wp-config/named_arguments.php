<?php
define(value: 'x', constant_name: 'DB_NAME');
define('DB_NAME','n');
require_once ABSPATH . 'wp-settings.php';
