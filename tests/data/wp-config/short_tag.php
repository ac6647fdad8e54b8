<?
define('DB_NAME','wp');
