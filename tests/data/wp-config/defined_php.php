<?php
if (defined('PHP_WINDOWS_VERSION_MAJOR')) define('DB_NAME','win'); else define('DB_NAME','unix');
if (defined('WP_ADMIN')) $table_prefix='adm_'; else $table_prefix='wp_';
require_once ABSPATH . 'wp-settings.php';
