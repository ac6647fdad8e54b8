//! `bridge install`, `status`, `upgrade` and `remove` as meant.

use std::path::PathBuf;

use kickout_shared::install::NewSite;

use super::args;
use super::flags::{flag, value, values};
use super::usage::UsageError;

/// What is to be done with the bridge of a host.
#[derive(Debug)]
pub struct Bridge {
    /// What.
    pub verb: BridgeVerb,
    /// `--bridge`: the program, instead of the one that kickout carries.
    pub program: Option<PathBuf>,
}

/// What can be done with a bridge.
#[derive(Debug)]
pub enum BridgeVerb {
    /// Place it, for these sites.
    Install {
        /// The sites.
        sites: Vec<NewSite>,
        /// What the token may do; none is what the bridge thinks right.
        scopes: Vec<String>,
    },
    /// Look at it.
    Status,
    /// Place this release.
    Upgrade,
    /// Take it away.
    Remove {
        /// Configuration, tokens and audit, too.
        purge: bool,
        /// `--yes`
        agreed: bool,
    },
}

fn bridge(verb: BridgeVerb, program: Option<String>) -> Result<Bridge, UsageError> {
    let program = value("bridge", program)?.map(PathBuf::from);
    Ok(Bridge { verb, program })
}

pub(super) fn status(typed: &args::BridgeBare) -> Result<Bridge, UsageError> {
    bridge(BridgeVerb::Status, typed.bridge.clone())
}

pub(super) fn upgrade(typed: &args::BridgeBare) -> Result<Bridge, UsageError> {
    bridge(BridgeVerb::Upgrade, typed.bridge.clone())
}

pub(super) fn remove(typed: &args::BridgeRemove) -> Result<Bridge, UsageError> {
    let verb = BridgeVerb::Remove {
        purge: flag("purge", typed.purge.as_deref())?,
        agreed: flag("yes", typed.yes.as_deref())?,
    };
    bridge(verb, typed.bare.bridge.clone())
}

pub(super) fn install(typed: &args::BridgeInstall) -> Result<Bridge, UsageError> {
    let lacks = |what: &str| UsageError::Incomplete {
        what: what.to_owned(),
        command: ["bridge", "install"].map(str::to_owned).to_vec(),
    };
    let typed_sites = values("site", typed.site.clone())?;
    let name = value("name", typed.name.clone())?;
    let owner = value("owner", typed.owner.clone())?;
    let url = value("url", typed.bare.globals.url.clone())?;
    let alone = typed_sites.len() == 1;
    if typed_sites.is_empty() {
        return Err(lacks(
            "For which site? Give --site=<its folder on that host>.",
        ));
    }
    if let (Some(_), _) | (_, Some(_)) = (&name, &url)
        && !alone
    {
        return Err(UsageError::Combination(
            "--name and --url are for one site; with several, write --site=<path>=<url> for each."
                .to_owned(),
        ));
    }
    let mut sites = Vec::with_capacity(typed_sites.len());
    for typed in &typed_sites {
        let (path, own) = parts(typed);
        let url = own.map(str::to_owned).or_else(|| url.clone());
        let url = url.ok_or_else(|| {
            lacks(
                "At which address is the site? Give --url=https://<host>, as its visitors type it.",
            )
        })?;
        sites.push(NewSite {
            path: path.to_owned(),
            url,
            name: name.clone(),
            owner: owner.clone(),
        });
    }
    let scopes = values("scope", typed.scope.clone())?;
    bridge(
        BridgeVerb::Install { sites, scopes },
        typed.bare.bridge.clone(),
    )
}

/// `<path>`, or `<path>=<url>`.
fn parts(typed: &str) -> (&str, Option<&str>) {
    let at = ["=https://", "=http://"]
        .iter()
        .find_map(|it| typed.find(it));
    match at {
        Some(at) => (&typed[..at], Some(&typed[at + 1..])),
        None => (typed, None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::split;
    use super::super::{Meaning, Task, parse};
    use super::*;

    fn read(line: &str) -> Result<Bridge, String> {
        let words = split(line.split(' ').map(str::to_owned));
        match parse(&words, &[], Meaning::default()) {
            Ok(parsed) => match parsed.task {
                Task::Bridge(bridge) => Ok(bridge),
                other => panic!("{other:?}"),
            },
            Err(error) => {
                assert!(!error.fix().is_empty(), "{error}");
                Err(error.to_string())
            }
        }
    }

    #[test]
    fn sites_and_their_addresses() {
        let one = read("bridge install --site=/srv/a=b --url=https://a.example --name=a");
        let BridgeVerb::Install { sites, scopes } = one.unwrap().verb else {
            panic!();
        };
        assert!(scopes.is_empty());
        assert_eq!(
            (sites[0].path.as_str(), sites[0].url.as_str()),
            ("/srv/a=b", "https://a.example")
        );
        assert_eq!(sites[0].name.as_deref(), Some("a"));
        let two = read("bridge install --site=/a=http://a.example/x --site=/b=https://b.example");
        let BridgeVerb::Install { sites, .. } = two.unwrap().verb else {
            panic!();
        };
        let pairs: Vec<_> = sites
            .iter()
            .map(|it| (it.path.as_str(), it.url.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [("/a", "http://a.example/x"), ("/b", "https://b.example")]
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        let rows = [
            ("bridge", "one more word"),
            ("bridge install", "For which site?"),
            ("bridge install --site=", "needs a value"),
            ("bridge install --site=/a", "At which address"),
            ("bridge install --site=/a --url", "needs a value"),
            (
                "bridge install --site=/a --site=/b --url=https://a",
                "for one site",
            ),
            ("bridge status --purge", "unknown --purge"),
            ("bridge remove --yes=perhaps", "true or false"),
            ("bridge upgrade --bridge=", "needs a value"),
            ("bridge stop", "not a registered"),
            ("bridge status x", "unexpected argument"),
        ];
        for (line, why) in rows {
            let error = read(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
        let remove = read("bridge remove --purge --yes").unwrap();
        let wanted = matches!(
            remove.verb,
            BridgeVerb::Remove {
                purge: true,
                agreed: true
            }
        );
        assert!(wanted);
    }
}
