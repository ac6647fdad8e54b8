<?php require __DIR__ . '/loop.php';
