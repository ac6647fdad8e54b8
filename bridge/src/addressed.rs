//! Which site a request means, of those that are configured. One, or none: a guess would log people
//! out of another site.

use std::path::Path;

use crate::config::{Site, authority};

/// The site that is called so: by its name, its path or an address within it. Without a name the one
/// that the bridge was called by, or the only one there is.
pub(crate) fn addressed(sites: &[Site], name: Option<&str>, host: &str) -> Option<usize> {
    let Some(name) = name else {
        let at: Vec<usize> = (0..sites.len())
            .filter(|at| place(&sites[*at].url).0.eq_ignore_ascii_case(host))
            .collect();
        return match at[..] {
            [only] => Some(only),
            [] if sites.len() == 1 => Some(0),
            _ => None,
        };
    };
    let named = |site: &Site| site.name == name || site.path == Path::new(name);
    if let Some(at) = sites.iter().position(named) {
        return Some(at);
    }
    let fits: Vec<(usize, usize)> = sites
        .iter()
        .enumerate()
        .filter_map(|(at, site)| Some((within(name, &site.url)?, at)))
        .collect();
    let (longest, at) = fits.iter().max()?;
    let alone = fits.iter().filter(|(length, _)| length == longest).count() == 1;
    alone.then_some(*at)
}

/// The length of a site's own path when the address lies within it.
fn within(address: &str, site: &str) -> Option<usize> {
    let ((host, path), (own, root)) = (place(address), place(site));
    let rest = path.strip_prefix(root)?;
    let is_below = rest.is_empty() || rest.starts_with('/');
    (is_below && host.eq_ignore_ascii_case(own)).then_some(root.len())
}

/// Host and port, and the path without a slash at its end.
fn place(url: &str) -> (&str, &str) {
    let host = authority(url).unwrap_or(url.split('/').next().unwrap_or_default());
    let at = url.find(host).map_or(0, |at| at + host.len());
    let path = url[at..].split(['?', '#']).next().unwrap_or_default();
    (host, path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_none() {
        let sites = [
            ("shop", "https://one.test"),
            ("blog", "https://one.test/blog/"),
            ("two", "http://two.test:8080/x"),
            ("twin", "https://three.test"),
            ("twin2", "https://three.test/"),
        ]
        .map(|(name, url)| Site {
            name: name.to_owned(),
            path: format!("/srv/{name}").into(),
            url: url.to_owned(),
            owner: "web".to_owned(),
        });
        for (name, host, meant) in [
            (Some("blog"), "x", Some(1)),
            (Some("/srv/two"), "x", Some(2)),
            (Some("https://one.test"), "x", Some(0)),
            (Some("one.test"), "x", Some(0)),
            (Some("https://ONE.test/blog"), "x", Some(1)),
            (Some("https://one.test/blog/sub?x"), "x", Some(1)),
            (Some("https://one.test/blogger"), "x", Some(0)),
            (Some("two.test:8080/x/y"), "x", Some(2)),
            (Some("http://two.test/x"), "x", None),
            (Some("http://two.test:8080/"), "x", None),
            (Some("https://three.test"), "x", None),
            (Some("elsewhere"), "one.test", None),
            (Some(""), "one.test", None),
            (None, "two.test:8080", Some(2)),
            (None, "one.test", None),
            (None, "x", None),
        ] {
            assert_eq!(addressed(&sites, name, host), meant, "{name:?} {host}");
        }
        assert_eq!(addressed(&sites[2..3], None, "127.0.0.1:8440"), Some(0));
        assert_eq!(addressed(&sites[..1], Some("other"), "one.test"), None);
    }
}
