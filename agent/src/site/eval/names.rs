//! Constants that exist before the configuration runs.

use crate::site::literal::Literal;

/// Constants of PHP that configurations use.
pub(super) fn value(name: &[u8]) -> Option<Literal> {
    Some(match name {
        b"PHP_EOL" => Literal::Text(b"\n".to_vec()),
        b"DIRECTORY_SEPARATOR" => Literal::Text(b"/".to_vec()),
        b"MYSQLI_CLIENT_COMPRESS" => Literal::Int(32),
        b"MYSQLI_CLIENT_SSL" => Literal::Int(2048),
        b"MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT" => Literal::Int(64),
        _ => return None,
    })
}

/// Whether a constant may exist without the configuration: PHP's own and those of one entry point
/// of WordPress.
pub(super) fn is_outside(name: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 26] = [
        b"PHP_",
        b"E_",
        b"M_",
        b"MYSQLI_",
        b"CURL",
        b"JSON_",
        b"OPENSSL_",
        b"LIBXML_",
        b"XDEBUG",
        b"PREG_",
        b"SODIUM_",
        b"STREAM_",
        b"FILTER_",
        b"DATE_",
        b"LC_",
        b"LOCK_",
        b"LOG_",
        b"SEEK_",
        b"SORT_",
        b"ENT_",
        b"INI_",
        b"INFO_",
        b"PASSWORD_",
        b"T_",
        b"ZEND_",
        b"HHVM_",
    ];
    const NAMES: [&[u8]; 18] = [
        b"STDIN",
        b"STDOUT",
        b"STDERR",
        b"DIRECTORY_SEPARATOR",
        b"PATH_SEPARATOR",
        b"WP_USE_THEMES",
        b"WP_ADMIN",
        b"WP_NETWORK_ADMIN",
        b"WP_USER_ADMIN",
        b"WP_BLOG_ADMIN",
        b"DOING_AJAX",
        b"DOING_CRON",
        b"XMLRPC_REQUEST",
        b"WP_INSTALLING",
        b"WP_SETUP_CONFIG",
        b"WP_REPAIRING",
        b"SHORTINIT",
        b"WPINC",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
