shop
<b>x</b>
<?php
define('DB_NAME', 'wp');
?>
middle <?xml version='1.0'?>
<?= 'define' ?>
<?PHP define('DB_USER','u') ?>tail <?php
require_once ABSPATH . 'wp-settings.php';
