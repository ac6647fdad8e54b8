#!/bin/sh
# As the official image: an empty volume gets the site, and the template as its configuration.
set -e
if [ ! -e wp-includes/version.php ]; then
    cp -a /usr/src/wordpress/. .
    cp /usr/src/wordpress/wp-config-docker.php wp-config.php
    chown www-data:www-data . wp-config.php
fi
exec "$@"
