//! `kickout-bridge`: serves, makes tokens, and looks at its own audit. Words in, rooms called, lines
//! out; nothing is decided here.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use kickout_bridge::audit::{self, Flaw, Key, Sound};
use kickout_bridge::authority::{Grant, Scope};
use kickout_bridge::config::{self, Config};
use kickout_bridge::owner::Owner;
use kickout_bridge::token::{DAY, Store, Stored, TokenError};
use kickout_bridge::{News, cert, front, install, now, serve};
use rustix::fs::Mode;

/// Lets a controller log people out of this host's WordPress over HTTPS, as far as its token goes.
#[derive(Parser)]
#[command(name = "kickout-bridge", version)]
struct Words {
    /// Its configuration.
    #[arg(long, global = true, default_value = config::PLACE)]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answers until it is told to stop; then it finishes what runs.
    Serve {
        /// The agent it starts.
        #[arg(long, default_value = "/usr/lib/kickout/kickout-agent")]
        agent: PathBuf,
    },
    /// Says whether it would start.
    Check,
    /// What `serve` starts to speak HTTP.
    #[command(hide = true)]
    Front {
        /// Whom it becomes.
        #[arg(requires = "gid")]
        uid: Option<u32>,
        gid: Option<u32>,
    },
    /// Makes, names and revokes tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Makes certificates for a start, signed by an authority of its own.
    #[command(subcommand)]
    Cert(CertCommand),
    /// Looks at the record of what was done.
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Makes one, and shows it once.
    Add(Add),
    /// Names those there are; none can be shown again.
    List,
    /// Makes one worthless, at once.
    Revoke {
        /// Its name.
        id: String,
    },
}

#[derive(Args)]
struct Add {
    /// What you call it.
    label: String,
    /// What it may do; once for each. See docs/bridge.md.
    #[arg(long = "scope", required = true, value_parser = scope)]
    scopes: Vec<Scope>,
    /// A site it may address; once for each.
    #[arg(long = "site", required = true)]
    sites: Vec<String>,
    /// The id of the WordPress user it belongs to: whom `….self` means.
    #[arg(long)]
    user: Option<u64>,
    /// The most users one command may log out.
    #[arg(long)]
    max_users: Option<u32>,
    /// The most requests in an hour.
    #[arg(long)]
    max_per_hour: Option<u32>,
    /// Days until it ends, at most 90.
    #[arg(long, default_value_t = 30)]
    days: i64,
    /// SHA-256 of the only client certificate it counts with, hex.
    #[arg(long, value_parser = fingerprint)]
    certificate: Option<String>,
    /// That certificate is enough: no secret is shown.
    #[arg(long, requires = "certificate")]
    no_secret: bool,
}

#[derive(Subcommand)]
enum CertCommand {
    /// The bridge's own, under the names that controllers call it by.
    Server {
        /// Hosts and addresses.
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        to: To,
    },
    /// A client's.
    Client {
        /// What you call it; also the name of its file.
        label: String,
        #[command(flatten)]
        to: To,
    },
}

#[derive(Args)]
struct To {
    /// The folder for the files; without it, that of the configuration.
    #[arg(long)]
    to: Option<PathBuf>,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Names the first line that was changed or taken out, or that the tail was cut.
    Verify {
        /// A head that a reply carried: it must still be there.
        #[arg(long)]
        head: Option<String>,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    text.to_owned().try_into()
}

/// As openssl and browsers write it, too.
fn fingerprint(text: &str) -> Result<String, &'static str> {
    let text = text.replace(':', "").to_ascii_lowercase();
    match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(text),
        false => Err("a SHA-256 has 64 hex digits"),
    }
}

/// What went wrong, and what mends it.
struct Failure {
    text: String,
    fix: String,
}

/// A failure of any room: each has its words and its fix.
macro_rules! failed {
    ($error:expr) => {{
        let error = $error;
        Failure {
            text: error.to_string(),
            fix: error.fix(),
        }
    }};
}

fn main() -> ExitCode {
    // What is kept is nobody else's.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let first = std::env::args().nth(1);
    if let Some(nonce) = first.as_deref().and_then(install::nonce) {
        // A controller has carried us here, and says on standard input what for.
        let (from, mut to) = (std::io::stdin().lock(), std::io::stdout());
        return match install::obey(nonce, from, &mut to) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        };
    }
    match obey(Words::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { text, fix }) => {
            let _ = writeln!(std::io::stderr(), "Error: {text}\n{fix}");
            ExitCode::FAILURE
        }
    }
}

fn obey(words: Words) -> Result<(), Failure> {
    let config = || Config::read(&words.config).map_err(|error| failed!(error));
    match words.command {
        Command::Front { uid, gid } => {
            let account = uid.zip(gid).map(|(uid, gid)| Owner { uid, gid });
            front::run(account, tell).map_err(|error| failed!(error))
        }
        // Before there is a configuration.
        Command::Cert(command) => cert(command, &words.config),
        Command::Serve { agent } => {
            serve::serve(config()?, agent, tell).map_err(|error| failed!(error))
        }
        Command::Check => {
            let config = config()?;
            serve::check(&config).map_err(|error| failed!(error))?;
            say(&format!(
                "Everything is in order: {} would answer.",
                config.listen
            ));
            Ok(())
        }
        Command::Token(command) => {
            let config = config()?;
            token(command, &config, &Store::of(&config.state))
        }
        Command::Audit(AuditCommand::Verify { head }) => {
            verify(&audit::file(&config()?.state), head.as_deref())
        }
    }
}

fn token(command: TokenCommand, config: &Config, tokens: &Store) -> Result<(), Failure> {
    match command {
        TokenCommand::Add(add) => {
            for name in &add.sites {
                if config.site(name).is_none() {
                    let known: Vec<_> = config.sites.iter().map(|it| it.name.as_str()).collect();
                    return Err(Failure {
                        text: format!("there is no site {name:?}"),
                        fix: format!("There are: {}.", known.join(", ")),
                    });
                }
            }
            let own = [Scope::ListSelf, Scope::DestroySelf];
            if add.user.is_none() && add.scopes.iter().any(|scope| own.contains(scope)) {
                return Err(Failure {
                    text: "a scope of one's own needs to know whose it is".to_owned(),
                    fix: "Give --user=<id>; kickout user list names ids.".to_owned(),
                });
            }
            let life = add.days.saturating_mul(DAY);
            let grant = Grant {
                scopes: add.scopes,
                sites: add.sites,
                user: add.user,
                max_users: add.max_users,
                max_per_hour: add.max_per_hour,
            };
            let made = Stored::new(add.label, grant, add.certificate, now(), life);
            let (mut stored, secret) = made.map_err(|error| failed!(error))?;
            stored.alone = add.no_secret;
            let kept = tokens.change(|all| {
                all.push(stored);
                Ok(())
            });
            kept.map_err(|error| failed!(error))?;
            match add.no_secret {
                true => say("It counts for whoever shows that certificate."),
                false => say(secret.reveal()),
            }
        }
        TokenCommand::List => {
            for token in tokens.read().map_err(|error| failed!(error))? {
                let left = token.days_left(now());
                let state = match token.revoked {
                    Some(_) => "revoked".to_owned(),
                    None if token.expires <= now() => "expired".to_owned(),
                    None => format!("{left} days left"),
                };
                let scopes: Vec<_> = token.grant.scopes.iter().map(|it| it.name()).collect();
                let (id, label) = (&token.id, token.label.escape_debug());
                let sites = token.grant.sites.join(",");
                say(&format!(
                    "{id}\t{label}\t{state}\t{sites}\t{}",
                    scopes.join(",")
                ));
            }
        }
        TokenCommand::Revoke { id } => {
            let revoked = tokens.change(|all| {
                let token = all.iter_mut().find(|token| token.id == id);
                let token = token.ok_or_else(|| TokenError::Unknown(id.clone()))?;
                token.revoked.get_or_insert_with(now);
                Ok(())
            });
            revoked.map_err(|error| failed!(error))?;
            say(&format!("{id} does not count any more."));
        }
    }
    Ok(())
}

fn cert(command: CertCommand, config: &Path) -> Result<(), Failure> {
    let folder = |to: To| {
        let beside = || config.parent().unwrap_or(Path::new("/")).to_owned();
        std::path::absolute(to.to.unwrap_or_else(beside)).unwrap_or_default()
    };
    let made = match command {
        CertCommand::Server { names, to } => cert::server(&folder(to), &names),
        CertCommand::Client { label, to } => cert::client(&folder(to), &label),
    };
    say(&made.map_err(|error| failed!(error))?);
    Ok(())
}

fn verify(path: &Path, head: Option<&str>) -> Result<(), Failure> {
    let broken = |why: &dyn std::fmt::Display| Failure {
        text: format!("cannot read the audit {}: {why}", path.display()),
        fix: "Run it as the account of the bridge, or as root.".to_owned(),
    };
    let file = std::fs::File::open(path).map_err(|why| broken(&why))?;
    let (key, no_key) = match Key::read(path) {
        Ok(Some(key)) => (Some(key), String::new()),
        Ok(None) => (None, "there is no key".to_owned()),
        Err(error) => (None, error.to_string()),
    };
    let seen = audit::verify(file, head, key.as_ref()).map_err(|why| broken(&why))?;
    let flaw = match seen {
        Ok(Sound { records, head, .. }) if key.is_some() => {
            say(&format!(
                "{records} records, none changed.\nThe head is {head}"
            ));
            return Ok(());
        }
        Ok(Sound {
            records, vouched, ..
        }) if head.is_some() => {
            say(&format!(
                "{records} records. Without the key, that head vouches for the first {vouched}: none \
                 changed ({no_key})."
            ));
            return Ok(());
        }
        Ok(_) => {
            return Err(Failure {
                text: format!(
                    "{}: the lines follow on each other, but all could have been written anew: \
                     {no_key}",
                    path.display()
                ),
                fix:
                    "Run it where the key is, as the account of the bridge; or give --head=<hash> \
                      of an answer."
                        .to_owned(),
            });
        }
        Err(Flaw::NoRecord(line)) => format!("line {line} is no record"),
        Err(Flaw::Forged(line)) => format!("line {line} is not as the bridge wrote it"),
        Err(Flaw::Broken(line)) => {
            format!("line {line} does not follow on the one before: one was changed or taken out")
        }
        Err(Flaw::Cut) => {
            "no line has this head: the tail was cut, or all was written anew".to_owned()
        }
    };
    Err(Failure {
        text: format!("{}: {flaw}", path.display()),
        fix: "Compare it with a copy that others could not write.".to_owned(),
    })
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn tell(news: News) {
    match news {
        News::Listening(address) => say(&format!("Listening on {address}.")),
        News::Warning(text) => {
            let _ = writeln!(std::io::stderr(), "Warning: {text}");
        }
    }
}
