<?php
const DB_NAME = 'wp', DB_USER = 'u' . '_' . 'x';
const DB_HOST = DB_NAME . '.local';
require_once ABSPATH . 'wp-settings.php';
