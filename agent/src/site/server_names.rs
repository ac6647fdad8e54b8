//! Whether the web server names one of Debian's configurations itself (`SetEnv WORDPRESS_CONFIG`,
//! `fastcgi_param`, `env[…]`): when its own configuration has no such word, nobody does. Reads that
//! configuration as text.

use std::fs;
use std::path::Path;

use super::read;

/// What Debian's `wp-config.php` looks at before the host. Other names may be set by a web server in
/// a container behind the one that is configured here; this one goes with files of this host.
const NAME: &[u8] = b"WORDPRESS_CONFIG";

/// Where web servers are configured, and their first file; one of these must be there, else nothing
/// is known.
const SERVERS: [(&str, &str); 4] = [
    ("/etc/apache2", "apache2.conf"),
    ("/etc/nginx", "nginx.conf"),
    ("/etc/lighttpd", "lighttpd.conf"),
    ("/etc/caddy", "Caddyfile"),
];

/// Where more of it may stand: PHP-FPM's pools, and the variables that services start with.
const BESIDE: [&str; 7] = [
    "/etc/php",
    "/etc/php-fpm.d",
    "/etc/php-fpm.conf",
    "/usr/local/etc",
    "/etc/systemd/system",
    "/etc/default",
    "/etc/environment",
];

/// Files of a server with thousands of hosts; more are not looked through.
const MAX_FILES: usize = 5_000;

/// Bytes of one of them.
const MAX_BYTES: u64 = 1024 * 1024;

/// Folders in folders.
const MAX_DEPTH: usize = 6;

/// What no server is configured by, and only root may read.
const KEYS: [&str; 4] = ["key", "pem", "crt", "p12"];

/// Whether nobody sets `$_SERVER[name]` for requests to the site in `root`.
pub(crate) fn is_never_set(name: &[u8], root: &Path) -> bool {
    let mut left = MAX_FILES;
    let mut folders = root.ancestors();
    name == NAME
        && nowhere(Path::new("/"))
        && folders.all(|folder| lacks(&folder.join(".htaccess"), 0, &mut left))
}

/// Whether a web server is configured below `root`, and no file of it has the name.
fn nowhere(root: &Path) -> bool {
    let below = |place: &str| root.join(place.trim_start_matches('/'));
    let servers = SERVERS.iter().map(|(place, _)| below(place));
    let beside = BESIDE.iter().map(|place| below(place));
    let mut left = MAX_FILES;
    SERVERS
        .iter()
        .any(|(place, first)| below(place).join(first).is_file())
        && servers
            .chain(beside)
            .all(|place| lacks(&place, 0, &mut left))
}

/// Whether all of a place could be read, and nothing in it has the name.
fn lacks(place: &Path, depth: usize, left: &mut usize) -> bool {
    let facts = match fs::metadata(place) {
        Ok(facts) => facts,
        // A link to nowhere configures nothing either.
        Err(error) => return error.kind() == std::io::ErrorKind::NotFound,
    };
    if facts.is_dir() {
        let Ok(entries) = fs::read_dir(place) else {
            return false;
        };
        return depth < MAX_DEPTH
            && entries
                .flatten()
                .all(|entry| lacks(&entry.path(), depth + 1, left));
    }
    let key = place.extension().and_then(|end| end.to_str());
    if !facts.is_file() || key.is_some_and(|end| KEYS.contains(&end)) {
        return true;
    }
    *left = left.saturating_sub(1);
    *left > 0
        && read::file(place, MAX_BYTES)
            .is_ok_and(|text| !text.windows(NAME.len()).any(|window| window == NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_configuration_that_was_read_to_its_end_says_never() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        assert!(!nowhere(root), "no web server at all");
        let sites = root.join("etc/apache2/sites-enabled");
        fs::create_dir_all(&sites).unwrap();
        fs::write(sites.join("a.conf"), "ServerName a.test\n").unwrap();
        assert!(!nowhere(root), "what another package left there");
        fs::write(root.join("etc/apache2/apache2.conf"), "").unwrap();
        assert!(nowhere(root));
        let large = sites.join("large.conf");
        fs::write(&large, vec![b'#'; 1024 * 1024 + 1]).unwrap();
        assert!(!nowhere(root), "a file too large to be read");
        fs::remove_file(large).unwrap();
        let place = root.join("etc/default");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("apache2"), "export WORDPRESS_CONFIG=b\n").unwrap();
        assert!(!nowhere(root), "a variable of the service");
        fs::remove_dir_all(place).unwrap();
        fs::write(sites.join("b.conf"), "  SetEnv WORDPRESS_CONFIG b\n").unwrap();
        assert!(!nowhere(root), "set for one host");
    }
}
