#!/bin/sh
# As the official image: the database and the account that the environment names.
set -e
cat >/run/mysqld/init.sql <<SQL
CREATE DATABASE IF NOT EXISTS $MARIADB_DATABASE;
CREATE USER IF NOT EXISTS $MARIADB_USER IDENTIFIED BY '$MARIADB_PASSWORD';
GRANT ALL ON $MARIADB_DATABASE.* TO $MARIADB_USER;
SQL
exec "$@"
