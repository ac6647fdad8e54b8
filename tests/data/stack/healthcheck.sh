#!/bin/sh
exec mariadb --no-defaults --socket=/run/mysqld/mysqld.sock --user=root --execute='SELECT 1'
