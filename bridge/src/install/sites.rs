//! Sites in the configuration: what an operator asked for becomes lines at its end, and every line
//! that stands there already stays as it is. Writes nothing.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use kickout_shared::install::NewSite;

use super::InstallError;
use crate::config::{Config, PLACE, Site, authority};
use crate::owner;

/// What a configuration begins with.
const NEW: &str = "\
# What kickout-bridge serves, and to whom. docs/bridge.md names every setting.
listen = \"127.0.0.1:8440\"
# A web server on this host speaks TLS, and passes on who asked.
plaintext = true
trusted_proxies = [\"127.0.0.1\", \"::1\"]
";

/// A configuration with the sites that were asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Its text.
    pub(super) text: String,
    /// What it says.
    pub(super) config: Config,
    /// The sites, each with whether it is new.
    pub(super) news: Vec<(Site, bool)>,
}

/// The text of the configuration that is there; none is none.
pub(super) fn text() -> Result<Option<String>, InstallError> {
    match fs::read_to_string(PLACE) {
        Ok(text) => Ok(Some(text)),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(InstallError::io("read", Path::new(PLACE), why)),
    }
}

/// The configuration with these sites.
pub(super) fn with(before: &Option<String>, asked: &[NewSite]) -> Result<Wanted, InstallError> {
    let place = Path::new(PLACE);
    let mut text = before.clone().unwrap_or_else(|| NEW.to_owned());
    // Without a site it is refused; then there is none yet.
    let known = match before.as_deref().map(|text| Config::parse(place, text)) {
        None | Some(Err(crate::config::ConfigError::NoSite)) => Vec::new(),
        Some(read) => read.map_err(InstallError::Config)?.sites,
    };
    let mut news = Vec::new();
    for asked in asked {
        let path = found(&asked.path)?;
        if let Some(site) = known.iter().find(|site| site.path == path) {
            agrees(site, asked)?;
            news.push((site.clone(), false));
            continue;
        }
        let site = Site {
            name: name(asked)?,
            owner: account(asked, &path)?,
            url: asked.url.clone(),
            path,
        };
        if known.iter().any(|other| other.name == site.name) {
            return Err(InstallError::Name(site.name));
        }
        text.push_str(&lines(&site));
        news.push((site, true));
    }
    let config = Config::parse(place, &text).map_err(InstallError::Config)?;
    // What was written is what is read: a site in a form of its own does not take others.
    let kept = |(site, _): &(Site, bool)| config.sites.contains(site);
    if !news.iter().all(kept) {
        return Err(InstallError::Form);
    }
    Ok(Wanted { text, config, news })
}

/// The folder, by its real name.
fn found(path: &str) -> Result<PathBuf, InstallError> {
    let asked = PathBuf::from(path);
    let is_folder = asked.is_absolute() && asked.is_dir();
    match fs::canonicalize(&asked) {
        Ok(real) if is_folder => Ok(real),
        _ => Err(InstallError::NoSite(asked)),
    }
}

/// What is asked for must be what is there: an operator's lines are not changed.
fn agrees(site: &Site, asked: &NewSite) -> Result<(), InstallError> {
    let other = [
        ("url", Some(&asked.url), &site.url),
        ("name", asked.name.as_ref(), &site.name),
        ("owner", asked.owner.as_ref(), &site.owner),
    ];
    let other = other.into_iter().find_map(|(what, asked, is)| {
        let asked = asked.filter(|asked| *asked != is)?;
        Some((what, asked.clone(), is.clone()))
    });
    match other {
        None => Ok(()),
        Some((what, asked, is)) => Err(InstallError::Differs {
            path: site.path.clone(),
            what,
            asked,
            is,
        }),
    }
}

/// The name that was given, else the host's.
fn name(asked: &NewSite) -> Result<String, InstallError> {
    if let Some(name) = &asked.name {
        return Ok(name.clone());
    }
    let host = authority(&asked.url).unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(six) => six.split(']').next(),
        None => host.split(':').next(),
    };
    match host.unwrap_or_default() {
        "" => Err(InstallError::Url(asked.url.clone())),
        host => Ok(host.to_ascii_lowercase().replace(':', "-")),
    }
}

/// The account that was given, else the folder's owner, who is never root.
fn account(asked: &NewSite, path: &Path) -> Result<String, InstallError> {
    let name = match &asked.owner {
        Some(name) => name.clone(),
        None => {
            let facts = fs::metadata(path).map_err(|why| InstallError::io("look at", path, why))?;
            let uid = facts.uid();
            match owner::named(uid)? {
                Some(name) if uid != 0 => name,
                _ => {
                    let path = path.to_owned();
                    return Err(InstallError::Whose { path, uid });
                }
            }
        }
    };
    owner::of(&name)?;
    Ok(name)
}

fn lines(site: &Site) -> String {
    // A string of TOML is one of JSON, but for one character.
    let quoted = |text: &str| {
        serde_json::Value::from(text)
            .to_string()
            .replace('\u{7f}', "\\u007f")
    };
    let path = site.path.to_string_lossy();
    format!(
        "\n[[site]]\nname = {}\npath = {}\nurl = {}\nowner = {}\n",
        quoted(&site.name),
        quoted(&path),
        quoted(&site.url),
        quoted(&site.owner)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &Path, url: &str) -> NewSite {
        NewSite {
            path: path.display().to_string(),
            url: url.to_owned(),
            name: None,
            owner: Some("nobody".to_owned()),
        }
    }

    fn says(error: InstallError) -> String {
        assert!(!error.fix().is_empty());
        error.to_string()
    }

    #[test]
    fn sites_come_at_the_end_and_nothing_else_changes() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("it's \"odd\"\n");
        fs::create_dir(&odd).unwrap();
        let first = with(&None, &[asked(dir.path(), "https://Shop.example:8443/x")]).unwrap();
        let [(site, true)] = &first.news[..] else {
            panic!("{:?}", first.news);
        };
        assert_eq!(
            (site.name.as_str(), first.config.sites.len()),
            ("shop.example", 1)
        );
        let before = format!("# Mine.\n{}\n# The end, without a line's", first.text);
        let second = with(&Some(before.clone()), &[asked(&odd, "http://[::1]")]).unwrap();
        assert!(second.text.starts_with(&before));
        assert_eq!(second.config.sites[1].path, fs::canonicalize(&odd).unwrap());
        assert_eq!(second.config.sites[1].name, "--1");
        // The same again is nothing new.
        let again = with(&Some(second.text.clone()), &[asked(&odd, "http://[::1]")]).unwrap();
        assert_eq!((again.text, again.news[0].1), (second.text, false));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let other = dir.path().join("other");
        fs::create_dir(&other).unwrap();
        let shop = asked(dir.path(), "https://shop.example");
        let before = Some(with(&None, std::slice::from_ref(&shop)).unwrap().text);
        let refused = |before: &Option<String>, site: &NewSite| {
            says(with(before, std::slice::from_ref(site)).unwrap_err())
        };
        let twin = asked(&other, "https://shop.example/blog");
        assert!(refused(&before, &twin).contains("another site"));
        let moved = asked(dir.path(), "https://new.example");
        assert!(refused(&before, &moved).contains("https://new.example"));
        let rows = [
            (
                asked(Path::new("/nowhere"), "https://x.example"),
                "no folder",
            ),
            (asked(Path::new("srv"), "https://x.example"), "no folder"),
            (asked(&other, "ftp://x"), "no address of a site"),
            (asked(&other, "https://u:p@x"), "no address of a site"),
        ];
        for (site, why) in rows {
            let said = refused(&before, &site);
            assert!(said.contains(why), "{said}");
        }
        for (owner, why) in [("root", "is root"), ("no:body", "no account")] {
            let owner = Some(owner.to_owned());
            let said = refused(
                &before,
                &NewSite {
                    owner,
                    ..twin.clone()
                },
            );
            assert!(said.contains(why), "{said}");
        }
        let inline =
            "plaintext = true\nsite = [{ name = 'a', path = '/a', url = 'http://a', owner = 'b' }]";
        let said = refused(&Some(inline.to_owned()), &twin);
        assert!(said.contains("line"), "{said}");
        assert!(refused(&Some("listen = 1".to_owned()), &twin).contains("line 1"));
    }
}
