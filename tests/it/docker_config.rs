//! A site of the official Docker image, met from outside its container: refused, and the reason
//! names the variable. With the environment known it would be read.

use kickout_tests::{Kickout, Scratch};

/// The image's `wp-config-docker.php`, but for its comments.
const TEMPLATE: &str = r#"<?php
if (!function_exists('getenv_docker')) {
	// https://github.com/docker-library/wordpress/issues/588 (WP-CLI will load this file 2x)
	function getenv_docker($env, $default) {
		if ($fileEnv = getenv($env . '_FILE')) {
			return rtrim(file_get_contents($fileEnv), "\r\n");
		}
		else if (($val = getenv($env)) !== false) {
			return $val;
		}
		else {
			return $default;
		}
	}
}
define( 'DB_NAME', getenv_docker('WORDPRESS_DB_NAME', 'wordpress') );
define( 'DB_USER', getenv_docker('WORDPRESS_DB_USER', 'example username') );
define( 'DB_PASSWORD', getenv_docker('WORDPRESS_DB_PASSWORD', 'example password') );
define( 'DB_HOST', getenv_docker('WORDPRESS_DB_HOST', 'mysql') );
define( 'DB_CHARSET', getenv_docker('WORDPRESS_DB_CHARSET', 'utf8mb4') );
define( 'DB_COLLATE', getenv_docker('WORDPRESS_DB_COLLATE', '') );
define( 'AUTH_KEY',         getenv_docker('WORDPRESS_AUTH_KEY',         'put your unique phrase here') );
define( 'SECURE_AUTH_KEY',  getenv_docker('WORDPRESS_SECURE_AUTH_KEY',  'put your unique phrase here') );
define( 'LOGGED_IN_KEY',    getenv_docker('WORDPRESS_LOGGED_IN_KEY',    'put your unique phrase here') );
define( 'NONCE_KEY',        getenv_docker('WORDPRESS_NONCE_KEY',        'put your unique phrase here') );
define( 'AUTH_SALT',        getenv_docker('WORDPRESS_AUTH_SALT',        'put your unique phrase here') );
define( 'SECURE_AUTH_SALT', getenv_docker('WORDPRESS_SECURE_AUTH_SALT', 'put your unique phrase here') );
define( 'LOGGED_IN_SALT',   getenv_docker('WORDPRESS_LOGGED_IN_SALT',   'put your unique phrase here') );
define( 'NONCE_SALT',       getenv_docker('WORDPRESS_NONCE_SALT',       'put your unique phrase here') );
$table_prefix = getenv_docker('WORDPRESS_TABLE_PREFIX', 'wp_');
define( 'WP_DEBUG', !!getenv_docker('WORDPRESS_DEBUG', '') );
if (isset($_SERVER['HTTP_X_FORWARDED_PROTO']) && strpos($_SERVER['HTTP_X_FORWARDED_PROTO'], 'https') !== false) {
	$_SERVER['HTTPS'] = 'on';
}
if ($configExtra = getenv_docker('WORDPRESS_CONFIG_EXTRA', '')) {
	eval($configExtra);
}
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
"#;

#[test]
fn outside_its_container_it_is_refused() {
    let site = Scratch::new("docker");
    site.write("wp-load.php", "<?php\n");
    site.write("wp-includes/version.php", "<?php\n$wp_version = '6.8';\n");
    site.write("wp-config.php", TEMPLATE);
    let commands: [&[&str]; 3] = [
        &["user", "session", "list", "admin"],
        &["user", "session", "destroy", "admin", "--all"],
        &["user", "list"],
    ];
    for command in commands {
        // What the operator has in his own environment is not what the container has.
        let run = Kickout::new().cwd(site.path()).args(command);
        let run = run
            .env("WORDPRESS_DB_NAME", "mine")
            .env("WORDPRESS_DB_PASSWORD", "0ther");
        let run = run
            .run()
            .code(1)
            .stdout("")
            .never_says("0ther")
            .never_says("example password");
        run.stderr_has("wp-config.php:")
            .stderr_has("WORDPRESS_")
            .stderr_has("--ssh=docker-compose:");
    }
    let doctor = Kickout::new().cwd(site.path()).arg("doctor").run().code(1);
    doctor
        .stdout_has("WORDPRESS_DB_NAME")
        .never_says("example password");
}
