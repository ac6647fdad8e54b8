//! The sites of a sweep, and the hosts they share: one connection each. Pure.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use kickout_shared::site::{Bounds, Site};
use kickout_shared::user::UserRef;

use crate::exchange::Asker;
use crate::inventory::Resolved;
use crate::target::{Ssh, Target};
use crate::transport::PROGRESS;

/// One site.
pub(super) struct Member {
    /// The alias, without `@`.
    pub(super) name: Option<String>,
    /// How its agent knows it.
    pub(super) site: Site,
    /// Where it is, for a question: what was named, or where the search begins.
    pub(super) place: String,
    /// The way to its host.
    pub(super) way: Rc<Way>,
}

/// The stages of a way that were passed, each with what was found there.
pub(super) type Told = Vec<(&'static str, String)>;

/// What is known of the way to a host.
#[derive(Default)]
pub(super) struct Way {
    told: RefCell<Told>,
    doing: RefCell<String>,
}

impl Way {
    /// Hears of a stage that was passed, or of how far the present one is.
    pub(super) fn hear(&self, stage: &'static str, text: String) {
        let passed = stage != PROGRESS;
        self.doing
            .replace(if passed { String::new() } else { text.clone() });
        if passed {
            self.told.borrow_mut().push((stage, text));
        }
    }

    /// What was found so far; the first site that is shown takes it.
    pub(super) fn take(&self) -> Told {
        self.told.take()
    }

    /// How far the present stage is; mostly nothing.
    pub(super) fn doing(&self) -> String {
        self.doing.borrow().clone()
    }
}

/// Sites that one agent can work on.
pub(super) struct Host {
    /// The way to it.
    pub(super) target: Target,
    /// More arguments for the program that makes the connection.
    pub(super) ssh_args: Vec<String>,
    /// The host whose engine has the container, when it is not this one.
    pub(super) via: Option<Ssh>,
    /// What is known of that way.
    pub(super) way: Rc<Way>,
    /// Its sites, in the order of the group.
    pub(super) members: Vec<usize>,
    /// A connection that was kept for what comes next.
    pub(super) kept: RefCell<Option<Rc<Asker>>>,
}

/// The sites, and their hosts in the order of the first site on each.
pub(super) fn gather(targets: Vec<(Resolved, Option<UserRef>)>) -> (Vec<Member>, Vec<Host>) {
    let mut members = Vec::with_capacity(targets.len());
    let mut hosts: Vec<Host> = Vec::new();
    let mut known = HashMap::new();
    for (index, (resolved, act_as)) in targets.into_iter().enumerate() {
        let place = resolved.target.without_path();
        let args = match place {
            Target::Local | Target::Docker(_) => Vec::new(),
            _ => resolved.ssh_args.clone(),
        };
        let host = *known
            .entry((place, args, resolved.via.clone()))
            .or_insert_with_key(|key| {
                hosts.push(Host {
                    target: key.0.clone(),
                    ssh_args: key.1.clone(),
                    via: key.2.clone(),
                    way: Rc::default(),
                    members: Vec::new(),
                    kept: RefCell::new(None),
                });
                hosts.len() - 1
            });
        hosts[host].members.push(index);
        members.push(member(resolved, act_as, hosts[host].way.clone()));
    }
    (members, hosts)
}

fn member(resolved: Resolved, act_as: Option<UserRef>, way: Rc<Way>) -> Member {
    let path = resolved.path.as_ref().map(|path| path.as_str().to_owned());
    let start = resolved.target.path().map(|path| path.as_str().to_owned());
    let place = match (&path, &resolved.target) {
        (Some(path), Target::Local) => path.clone(),
        (None, Target::Local) => std::env::current_dir()
            .unwrap_or_default()
            .display()
            .to_string(),
        (Some(path), target) => format!("{target} ({path})"),
        (None, target) => target.to_string(),
    };
    Member {
        name: resolved.name,
        site: Site {
            path,
            start,
            url: resolved.url,
            act_as,
            load: Box::default(),
            bounds: Bounds::default(),
        },
        place,
        way,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(ssh: &str) -> (Resolved, Option<UserRef>) {
        let (ssh, args) = ssh.split_once(' ').unwrap_or((ssh, ""));
        let target = match ssh {
            "" => Target::Local,
            ssh => Target::parse(ssh).unwrap(),
        };
        let resolved = Resolved {
            name: None,
            target,
            path: None,
            url: None,
            user: None,
            ssh_args: args.split_whitespace().map(str::to_owned).collect(),
            via: None,
        };
        (resolved, None)
    }

    #[test]
    fn sites_of_one_host_share_it() {
        let rows: [(&[&str], &[&[usize]]); 5] = [
            (&["", "h:/a", "", "h:/b"], &[&[0, 2], &[1, 3]]),
            (&["u@h", "h", "h:22/x", "u@h~/y"], &[&[0, 3], &[1], &[2]]),
            (
                &["docker:a/x", "docker:a/y -C", "docker:b"],
                &[&[0, 1], &[2]],
            ),
            (&["h -C", "h", "h -C"], &[&[0, 2], &[1]]),
            (&[" -C", ""], &[&[0, 1]]),
        ];
        for (targets, expected) in rows {
            let (members, hosts) = gather(targets.iter().map(|ssh| resolved(ssh)).collect());
            assert_eq!(members.len(), targets.len());
            let found: Vec<_> = hosts.iter().map(|host| host.members.as_slice()).collect();
            assert_eq!(found, expected, "{targets:?}");
        }
    }

    #[test]
    fn a_connection_string_s_path_is_where_the_search_begins() {
        let (members, hosts) = gather(vec![resolved("h:~/www")]);
        assert_eq!(members[0].site.start.as_deref(), Some("~/www"));
        assert_eq!(hosts[0].target.path(), None);
    }
}
