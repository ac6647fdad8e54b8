//! From the name of an alias to the sites it stands for; what a site is, is not looked at.

use std::collections::{HashMap, HashSet};

use super::alias::{Alias, Members};
use super::error::InventoryError;
use super::setting::Setting;
use crate::similar::nearest;
use crate::target::shown;

/// The aliases by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    aliases: Vec<Alias>,
    index: HashMap<String, usize>,
}

impl Directory {
    pub(super) fn new(aliases: Vec<Alias>) -> Self {
        let index = aliases
            .iter()
            .enumerate()
            .map(|(at, a)| (a.name.clone(), at))
            .collect();
        Self { aliases, index }
    }

    pub(super) fn all(&self) -> &[Alias] {
        &self.aliases
    }

    pub(super) fn get(&self, name: &str) -> Option<&Alias> {
        self.index.get(name).map(|at| &self.aliases[*at])
    }

    /// The sites of a name without `@`, each alias once, in the order of its first mention.
    pub(super) fn sites(&self, name: &str) -> Result<Vec<&Alias>, InventoryError> {
        match self.get(name) {
            Some(alias) => match &alias.members {
                Members::Site(_) => Ok(vec![alias]),
                Members::Group(members) => self.expand(alias, members),
            },
            None if name == "all" => {
                let sites: Vec<_> = self.aliases.iter().filter(|a| !a.is_group()).collect();
                if sites.is_empty() {
                    Err(InventoryError::NoAliases)
                } else {
                    Ok(sites)
                }
            }
            None => {
                let near = nearest(name, self.aliases.iter().map(|alias| alias.name.as_str()));
                let near = near.map(str::to_owned);
                Err(InventoryError::NotFound {
                    name: name.to_owned(),
                    near,
                })
            }
        }
    }

    /// Walks a group depth first, without recursion: a chain of groups is as long as its file.
    fn expand<'a>(
        &'a self,
        group: &'a Alias,
        members: &'a [Setting],
    ) -> Result<Vec<&'a Alias>, InventoryError> {
        let mut sites = Vec::new();
        let mut seen = HashSet::from([group.name.as_str()]);
        let mut open = HashSet::from([group.name.as_str()]);
        let mut stack = vec![(group, self.members(group, members)?.into_iter())];
        while let Some((group, members)) = stack.last_mut() {
            let Some(member) = members.next() else {
                open.remove(group.name.as_str());
                stack.pop();
                continue;
            };
            let name = member.name.as_str();
            if open.contains(name) {
                let at = group.origin.clone();
                return Err(InventoryError::Loop {
                    at,
                    group: name.to_owned(),
                });
            }
            if seen.insert(name) {
                match &member.members {
                    Members::Site(_) => sites.push(member),
                    Members::Group(names) => {
                        open.insert(name);
                        stack.push((member, self.members(member, names)?.into_iter()));
                    }
                }
            }
        }
        Ok(sites)
    }

    /// The members of one group; all unknown ones are named at once.
    fn members(&self, group: &Alias, names: &[Setting]) -> Result<Vec<&Alias>, InventoryError> {
        let mut members = Vec::new();
        let mut unknown = Vec::new();
        for name in names {
            let name = name.text.strip_prefix('@').unwrap_or(&name.text);
            match self.get(name) {
                Some(alias) => members.push(alias),
                None => unknown.push(format!("@{}", shown(name))),
            }
        }
        if unknown.is_empty() {
            return Ok(members);
        }
        let at = group.origin.clone();
        Err(InventoryError::Members {
            group: group.name.clone(),
            members: unknown,
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Directory;
    use crate::inventory::{Layer, Settings};

    fn directory(text: &str) -> Directory {
        let layer = Layer::parse(Path::new("f"), text).unwrap();
        Directory::new(Settings::merge(&[layer]).unwrap().aliases)
    }

    const SITES: &str = "@g: [b, '@a', @gg, a]\n@a: {path: a}\n@gg: [c, @b]\n@b: {path: b}\n\
                         aliases: {c: {path: c}, loop: [x], x: [a, loop], bad: [a, nope, @no]}\n";

    #[test]
    fn names_become_sites() {
        let directory = directory(SITES);
        for (name, expect) in [
            ("a", Ok("a")),
            ("g", Ok("b a c")),
            ("gg", Ok("c b")),
            ("all", Ok("a b c")),
            ("loop", Err("f:5: group '@loop' contains itself.")),
            (
                "bad",
                Err("Group '@bad' contains one or more invalid aliases: @nope, @no"),
            ),
            ("@a", Err("Alias '@a' not found.\nDid you mean 'a'?")),
            ("something", Err("Alias 'something' not found.")),
        ] {
            let sites = directory.sites(name).map(|sites| {
                sites
                    .iter()
                    .map(|site| site.name.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            });
            assert_eq!(
                sites.map_err(|error| error.to_string()),
                expect.map(str::to_owned).map_err(str::to_owned)
            );
        }
    }

    #[test]
    fn an_own_all_replaces_the_built_in_one() {
        let sites = directory("@a: {path: a}\n@b: {path: b}\n@all: [b]")
            .sites("all")
            .unwrap()
            .len();
        assert_eq!(sites, 1);
        for text in ["color: false", "@g: [g]"] {
            let error = directory(text).sites("all").unwrap_err().to_string();
            assert_eq!(error, "Cannot use 'all' when no aliases are registered.");
        }
    }

    #[test]
    fn deep_and_wide_nests_end() {
        let mut text = String::from("@g0: [s]\n@s: {path: s}\n");
        for n in 1..20_000 {
            text += &format!("@g{n}: [g{0}, g{0}]\n", n - 1);
        }
        assert_eq!(directory(&text).sites("g19999").unwrap().len(), 1);
    }
}
