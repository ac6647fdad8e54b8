//! One site: defaults < files < alias < command line, and what the paths in them are relative to.

use std::path::Path;

use super::alias::{Alias, Members};
use super::error::InventoryError;
use super::load::Surroundings;
use super::setting::{Origin, Setting};
use super::settings::Place;
use super::sites::{Overrides, Resolved};
use crate::target::{Field, HttpUrl, Jump, KeyPath, RemotePath, Ssh, Target, TargetError, User};

/// Who named the connection.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    CommandLine,
    Alias,
    Root,
}

/// Resolves an alias that is a site, or the root alone.
pub(super) fn resolve(
    around: &Surroundings,
    alias: Option<&Alias>,
    root: &Place,
    cli: &Overrides,
) -> Result<Resolved, InventoryError> {
    let none = Place::default();
    let own = match alias.map(|alias| &alias.members) {
        Some(Members::Site(place)) => place.as_ref(),
        Some(Members::Group(_)) | None => &none,
    };
    Site {
        around,
        alias,
        own,
        root,
        cli,
    }
    .resolve()
}

/// All that one resolution looks at.
struct Site<'a> {
    around: &'a Surroundings,
    alias: Option<&'a Alias>,
    own: &'a Place,
    root: &'a Place,
    cli: &'a Overrides,
}

impl Site<'_> {
    fn resolve(&self) -> Result<Resolved, InventoryError> {
        let (level, mut target) = self.connection()?;
        let mut via = self.via(level, &target)?;
        self.over_ssh(level, &mut target, via.as_mut())?;
        let path = self.path(level, &target)?;
        let text = |cli: &Option<String>, own: &Option<Setting>, root: &Option<Setting>| {
            let written = || {
                own.as_ref()
                    .or(root.as_ref())
                    .map(|s| self.expand(s))
                    .transpose()
            };
            cli.clone().map_or_else(written, |text| Ok(Some(text)))
        };
        Ok(Resolved {
            name: self.alias.map(|alias| alias.name.clone()),
            target,
            path,
            url: text(&self.cli.url, &self.own.url, &self.root.url)?,
            user: text(&self.cli.user, &self.own.user, &self.root.user)?,
            ssh_args: self.ssh_args()?,
            via,
        })
    }

    /// The connection of the highest level that names one: an alias with `http` hides the root's
    /// `ssh`, but one level cannot name both.
    fn connection(&self) -> Result<(Level, Target), InventoryError> {
        match (&self.cli.ssh, &self.cli.http) {
            (Some(_), Some(_)) => return Err(InventoryError::TwoConnections { place: None }),
            (Some(ssh), None) => return Ok((Level::CommandLine, Target::parse(ssh)?)),
            (None, Some(url)) => {
                return Ok((Level::CommandLine, Target::Http(HttpUrl::new(url)?)));
            }
            (None, None) => {}
        }
        for (level, place) in [(Level::Alias, self.own), (Level::Root, self.root)] {
            let target = match (&place.ssh, &place.http) {
                (Some(ssh), Some(_)) => {
                    let place = Some(ssh.origin.clone());
                    return Err(InventoryError::TwoConnections { place });
                }
                (Some(ssh), None) => Target::parse(&self.expand(ssh)?).map_err(at(&ssh.origin))?,
                (None, Some(http)) => {
                    let url = HttpUrl::new(&self.expand(http)?);
                    Target::Http(url.map_err(at(&http.origin))?)
                }
                (None, None) => continue,
            };
            return Ok((level, target));
        }
        Ok((Level::Root, Target::Local))
    }

    /// The host whose engine has the container. An alias that has none is told so, unless the
    /// command line took its connection away; what the command line asks for, it is told later.
    fn via(&self, level: Level, target: &Target) -> Result<Option<Ssh>, InventoryError> {
        let (Some(setting), Some(alias)) = (&self.own.via, self.alias) else {
            return Ok(self.cli.via.clone());
        };
        if level == Level::CommandLine || self.cli.via.is_some() {
            return Ok(self.cli.via.clone());
        }
        if !matches!(target, Target::Docker(_) | Target::DockerCompose(_)) {
            return Err(InventoryError::NotContainer {
                at: setting.origin.clone(),
                alias: alias.name.clone(),
                target: target.to_string(),
            });
        }
        match Target::parse(&self.expand(setting)?).map_err(at(&setting.origin))? {
            Target::Ssh(host) => Ok(Some(host)),
            other => Err(InventoryError::Via {
                at: setting.origin.clone(),
                target: other.to_string(),
            }),
        }
    }

    /// Adds what only ssh understands, to the host or to the one on the way to its container. An
    /// alias that says it in vain is told so, unless the command line took its connection away.
    fn over_ssh(
        &self,
        level: Level,
        target: &mut Target,
        via: Option<&mut Ssh>,
    ) -> Result<(), InventoryError> {
        let (own, root) = (self.own, self.root);
        let is_ssh = matches!(target, Target::Ssh(_));
        if !is_ssh && self.cli.sudo.is_some() {
            let target = target.to_string();
            return Err(InventoryError::SudoNotSsh { target });
        }
        let args = own.ssh_args.as_ref().and_then(|args| args.first());
        let takes_args = !matches!(target, Target::Local | Target::Docker(_));
        if !takes_args && !self.cli.ssh_args.is_empty() {
            let target = target.to_string();
            return Err(InventoryError::ArgsNotHeard { target });
        }
        let keys = [
            ("proxyjump", own.proxyjump.as_ref(), is_ssh || via.is_some()),
            ("key", own.key.as_ref(), is_ssh || via.is_some()),
            (
                "ssh_config",
                own.ssh_config.as_ref(),
                is_ssh || via.is_some(),
            ),
            ("sudo", own.sudo.as_ref(), is_ssh),
            ("ssh-args", args, takes_args),
        ];
        let vain = keys
            .into_iter()
            .find_map(|(key, setting, heard)| Some((key, setting.filter(|_| !heard)?)));
        if let (Some((key, setting)), Some(alias)) = (vain, self.alias)
            && level != Level::CommandLine
        {
            return Err(InventoryError::NotSsh {
                at: setting.origin.clone(),
                alias: alias.name.clone(),
                key,
                target: target.to_string(),
            });
        }
        let ((Target::Ssh(ssh), _) | (_, Some(ssh))) = (target, via) else {
            return Ok(());
        };
        if let Some(setting) = own.proxyjump.as_ref().or(root.proxyjump.as_ref()) {
            ssh.jump = Some(Jump::new(&self.expand(setting)?).map_err(at(&setting.origin))?);
        }
        let file = |setting: &Setting, field| {
            KeyPath::named(field, &self.expand(setting)?).map_err(at(&setting.origin))
        };
        if let Some(setting) = own.key.as_ref().or(root.key.as_ref()) {
            ssh.key = Some(file(setting, Field::Key)?);
        }
        if let Some(setting) = own.ssh_config.as_ref().or(root.ssh_config.as_ref()) {
            ssh.config = Some(file(setting, Field::SshConfig)?);
        }
        if !is_ssh {
            return Ok(());
        }
        if let Some(account) = &self.cli.sudo {
            ssh.sudo = Some(User::named(Field::Sudo, account)?);
        } else if let Some(setting) = &own.sudo {
            // A flag is the usual form; only another text can be an account.
            let account = self.expand(setting)?;
            let account = match account.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => "root",
                "false" | "no" | "off" => return Ok(()),
                _ => account.as_str(),
            };
            ssh.sudo = Some(User::named(Field::Sudo, account).map_err(at(&setting.origin))?);
        }
        Ok(())
    }

    /// The WordPress directory.
    ///
    /// A path in a file starts at the file, unless a connection stands beside it: then it is a path
    /// on the other side and stays as written. The root's path belongs to the root's connection:
    /// with the connection of an alias or of the command line it is left out, as WP-CLI does.
    fn path(&self, level: Level, target: &Target) -> Result<Option<RemotePath>, InventoryError> {
        let local = *target == Target::Local;
        let (text, directory, origin) = if let Some(path) = &self.cli.path {
            (path.clone(), local.then_some(Path::new("")), None)
        } else {
            let (setting, place) = match (&self.own.path, &self.root.path) {
                (Some(setting), _) => (setting, self.own),
                (None, Some(setting)) if level == Level::Root => (setting, self.root),
                (None, _) => return Ok(None),
            };
            let beside = place.ssh.is_some() || place.http.is_some();
            let directory = (!beside).then(|| setting.origin.directory());
            (self.expand(setting)?, directory, Some(&setting.origin))
        };
        if text.is_empty() {
            return Err(InventoryError::EmptyPath {
                at: origin.cloned(),
            });
        }
        let text = match directory {
            Some(directory) => self.anchor(&text, directory, local)?,
            None => text,
        };
        let path = RemotePath::new(&text);
        let path = match origin {
            Some(origin) => path.map_err(at(origin)),
            None => path.map_err(InventoryError::from),
        };
        path.map(Some)
    }

    /// Makes a path absolute, without touching its dots: WP-CLI shows paths as they were given.
    fn anchor(&self, text: &str, directory: &Path, local: bool) -> Result<String, InventoryError> {
        let below_home = text
            .strip_prefix('~')
            .filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let path = match (below_home, self.around.home()) {
            (Some(_), _) if !local => return Ok(text.to_owned()),
            (Some(""), Some(home)) => home.to_owned(),
            (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
            (Some(_) | None, _) => self.around.cwd.join(directory).join(text),
        };
        let encoding = || InventoryError::Encoding {
            at: Origin {
                file: path.clone(),
                line: 1,
            },
        };
        path.to_str().map(str::to_owned).ok_or_else(encoding)
    }

    /// An alias has its own list, which the command line replaces; the root's list only grows.
    fn ssh_args(&self) -> Result<Vec<String>, InventoryError> {
        let written = match (&self.own.ssh_args, &self.root.ssh_args) {
            (Some(_), _) if !self.cli.ssh_args.is_empty() => &[][..],
            (Some(own), _) => own,
            (None, Some(root)) => root,
            (None, None) => &[],
        };
        let mut args = written
            .iter()
            .map(|s| self.expand(s))
            .collect::<Result<Vec<_>, _>>()?;
        args.extend(self.cli.ssh_args.iter().cloned());
        Ok(args)
    }

    /// Replaces `${env.NAME}`.
    fn expand(&self, setting: &Setting) -> Result<String, InventoryError> {
        let mut text = String::new();
        let mut rest = setting.text.as_str();
        while let Some((before, after)) = rest.split_once("${env.") {
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            let value = self
                .around
                .vars
                .get(std::ffi::OsStr::new(name))
                .and_then(|v| v.to_str());
            let value = value.ok_or_else(|| InventoryError::Unset {
                at: setting.origin.clone(),
                variable: name.to_owned(),
            })?;
            text.push_str(before);
            text.push_str(value);
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }
}

/// Says where in a file a refused part stands.
fn at(origin: &Origin) -> impl FnOnce(TargetError) -> InventoryError + '_ {
    |flaw| InventoryError::Target {
        at: origin.clone(),
        flaw,
    }
}
