//! Carries out what `kickout bridge …` asks, on the host itself, as root: one order, then done. Each
//! step may be repeated, and changes nothing where all is as it should be. Serves nobody.

use std::fs;
use std::io::{BufRead, Read as _, Write};
use std::path::Path;

use kickout_shared::canary::Secret;
use kickout_shared::event::{Level, Line};
use kickout_shared::frame;
use kickout_shared::install::{Answer, Install, MAX_PROGRAM, Order, Program};
use kickout_shared::message::Hello;
use kickout_shared::token::sha256_hex;
use kickout_shared::version;

use crate::authority::{Grant, Scope};
use crate::config::{self, ACCOUNT, Config, PLACE};
use crate::now;
use crate::token::{DAY, Store, Stored};
pub use error::InstallError;
use places::{AGENT, BRIDGE, FOLDER, folder, put, removed};

mod error;
mod host;
mod places;
mod sites;
mod status;

/// The letters of a nonce: no word of the bridge's is one.
const NONCE: usize = 32;

/// The longest order.
const MAX_ORDER: u64 = 1024 * 1024;

/// What a token for new sites may do, when nobody says it: all that needs no privilege of the agent.
const SCOPES: [Scope; 6] = [
    Scope::List,
    Scope::DestroyUser,
    Scope::DestroyAny,
    Scope::Prove,
    Scope::UsersList,
    Scope::Inspect,
];

/// What the token is called, and how long it counts.
const LABEL: &str = "installed";
const LIFE: i64 = 30 * DAY;

/// The nonce that a controller starts us with, if one did.
#[must_use]
pub fn nonce(word: &str) -> Option<&str> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (word.len() == NONCE && word.bytes().all(hex)).then_some(word)
}

/// Greets, takes one order, carries it out, and says so. Whether it did.
pub fn obey(nonce: &str, from: impl BufRead, to: &mut dyn Write) -> bool {
    let mut says = Says { to, gone: false };
    let hello = Hello {
        release: version::RELEASE.to_owned(),
        protocol: version::PROTOCOL,
        arch: std::env::consts::ARCH.to_owned(),
    };
    if let Ok(line) = hello.line(nonce) {
        says.bytes(format!("{line}\n").as_bytes());
    }
    match carry_out(from, &mut says) {
        Ok(()) => {
            says.answer(&Answer::Done);
            true
        }
        Err(error) => {
            let (text, fix) = (error.to_string(), error.fix());
            says.answer(&Answer::Refused { text, fix });
            false
        }
    }
}

/// The way back to the controller. What was begun is finished also when nobody hears of it.
struct Says<'a> {
    to: &'a mut dyn Write,
    gone: bool,
}

impl Says<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        let written = self.to.write_all(bytes).and_then(|()| self.to.flush());
        self.gone |= written.is_err();
    }

    fn answer(&mut self, answer: &Answer) {
        match frame::encode(answer) {
            Ok(line) => self.bytes(&line),
            Err(_) => self.gone = true,
        }
    }

    fn line(&mut self, level: Level, text: impl Into<String>) {
        let (text, fix) = (text.into(), None);
        self.answer(&Answer::Line(Line { level, text, fix }));
    }
}

fn carry_out(mut from: impl BufRead, says: &mut Says<'_>) -> Result<(), InstallError> {
    let mut line = Vec::new();
    let read = from.by_ref().take(MAX_ORDER).read_until(b'\n', &mut line);
    let order = read.map_err(|why| InstallError::Order(why.to_string()))?;
    if order == 0 {
        return Err(InstallError::Order("none came".to_owned()));
    }
    let order =
        frame::decode(&line).map_err(|why| InstallError::Order(format!("it is none: {why}")))?;
    if !rustix::process::geteuid().is_root() {
        return Err(InstallError::NotRoot);
    }
    match order {
        Order::Install(order) => {
            let agent = program(&order.agent, from)?;
            install(&order, &agent, says)
        }
        Order::Status { agent } => {
            for finding in status::findings(&agent) {
                says.answer(&Answer::Finding(finding));
            }
            Ok(())
        }
        Order::Upgrade { agent } => {
            let agent = program(&agent, from)?;
            upgrade(&agent, says)
        }
        Order::Remove { purge } => remove(purge, says),
    }
}

/// The bytes that were announced, and no others.
fn program(announced: &Program, from: impl BufRead) -> Result<Vec<u8>, InstallError> {
    if announced.size > MAX_PROGRAM {
        return Err(InstallError::Order("the agent is too large".to_owned()));
    }
    let mut bytes = Vec::new();
    let read = from.take(announced.size).read_to_end(&mut bytes);
    read.map_err(|why| InstallError::Order(why.to_string()))?;
    match sha256_hex(&bytes) == announced.sha256 {
        true => Ok(bytes),
        false => Err(InstallError::Order("the agent came damaged".to_owned())),
    }
}

fn install(order: &Install, agent: &[u8], says: &mut Says<'_>) -> Result<(), InstallError> {
    let scopes: Result<Vec<Scope>, _> = order.scopes.iter().cloned().map(Scope::try_from).collect();
    let mut scopes = scopes.map_err(InstallError::Scope)?;
    if scopes.is_empty() {
        scopes = SCOPES.to_vec();
    }
    let own = [Scope::ListSelf, Scope::DestroySelf];
    if scopes.iter().any(|scope| own.contains(scope)) {
        return Err(InstallError::OwnScope);
    }
    // Everything is looked at before anything is changed.
    let before = sites::text()?;
    let sites::Wanted { text, config, news } = sites::with(&before, &order.sites)?;
    for (site, new) in &news {
        let name = &site.name;
        if !new {
            says.line(Level::Info, format!("{name} is in {PLACE} already."));
        }
    }
    let mut changed = false;
    if host::has_account()? {
        says.line(Level::Info, format!("The account {} is there.", ACCOUNT));
    } else {
        host::make_account()?;
        says.line(Level::Info, format!("Made the account {}.", ACCOUNT));
    }
    changed |= bring(agent, says)?;
    if folder(&config.state, 0o700)? {
        let state = config.state.display();
        says.line(Level::Info, format!("Made {state}, for tokens and audit."));
    }
    config.state_is_private().map_err(InstallError::Config)?;
    folder(Path::new(PLACE).parent().unwrap_or(Path::new("/")), 0o755)?;
    if before.as_ref() != Some(&text) {
        put(
            Path::new(PLACE),
            text.as_bytes(),
            places::mode(PLACE, 0o600),
        )?;
        says.line(Level::Info, format!("Wrote {PLACE}."));
        changed = true;
    }
    changed |= host::write_unit(&config)?;
    host::check(Path::new(BRIDGE), Path::new(PLACE))?;
    start(&config, changed, says)?;
    let names: Vec<String> = news.into_iter().map(|(site, _)| site.name).collect();
    let urls = order.sites.iter().map(|site| site.url.clone()).collect();
    give_token(&config, names, scopes, says)?;
    says.answer(&Answer::Serves {
        listen: config.listen.to_string(),
        tls: config.tls.is_some(),
        urls,
    });
    Ok(())
}

/// Brings both programs; whether one of them was another before.
fn bring(agent: &[u8], says: &mut Says<'_>) -> Result<bool, InstallError> {
    if host::is_packaged() {
        says.line(
            Level::Info,
            "The programs are those of the package kickout-bridge.",
        );
        return Ok(false);
    }
    folder(Path::new(FOLDER), 0o755)?;
    let own = Path::new("/proc/self/exe");
    let bridge = fs::read(own).map_err(|why| InstallError::io("read", own, why))?;
    let mut changed = false;
    for (place, bytes) in [(AGENT, agent), (BRIDGE, &bridge)] {
        let new = put(Path::new(place), bytes, 0o755)?;
        let text = match new {
            true => format!("Placed {place} ({}).", version::RELEASE),
            false => format!("{place} is this release already."),
        };
        says.line(Level::Info, text);
        changed |= new;
    }
    Ok(changed)
}

/// Has it run, with what is on the disk now.
fn start(config: &Config, changed: bool, says: &mut Says<'_>) -> Result<(), InstallError> {
    if !host::has_systemd() {
        let running = host::running();
        let text = match running.as_slice() {
            [] => format!("No systemd runs here. Start it with: {BRIDGE} serve"),
            _ if !changed => return Ok(()),
            pids => format!(
                "No systemd runs here, and what runs is the old one. Start it anew: kill {} && \
                 {BRIDGE} serve",
                pids.join(" ")
            ),
        };
        says.line(Level::Warning, text);
        return Ok(());
    }
    host::systemctl(&["daemon-reload"])?;
    host::systemctl(&["enable", host::UNIT])?;
    let verb = if changed { "restart" } else { "start" };
    host::systemctl(&[verb, host::UNIT])?;
    host::wait_until_it_answers(config)?;
    let listen = config.listen;
    says.line(Level::Info, format!("It runs, and answers on {listen}."));
    Ok(())
}

/// A token for those of these sites that none counts for.
fn give_token(
    config: &Config,
    names: Vec<String>,
    scopes: Vec<Scope>,
    says: &mut Says<'_>,
) -> Result<(), InstallError> {
    let store = Store::of(&config.state);
    let (mut without, now) = (names, now());
    for token in store.read()? {
        let counts = token.counts(now).is_ok();
        without.retain(|name| {
            let has = counts && token.grant.sites.contains(name);
            if has {
                let text = format!(
                    "{name} has the token {} already. Another one: {BRIDGE} token add",
                    token.id
                );
                says.line(Level::Info, text);
            }
            !has
        });
    }
    if without.is_empty() {
        return Ok(());
    }
    says.line(
        Level::Info,
        format!(
            "A token for {}, for 30 days, shown this once:",
            without.join(", ")
        ),
    );
    // Nobody would see it.
    if says.gone {
        return Err(InstallError::Order("its end was not waited for".to_owned()));
    }
    let grant = Grant {
        scopes,
        sites: without,
        ..Grant::default()
    };
    let (stored, secret) = Stored::new(LABEL.to_owned(), grant, None, now, LIFE)?;
    store.change(|all| {
        all.push(stored);
        Ok(())
    })?;
    says.answer(&Answer::Token {
        token: Secret(secret.reveal().to_owned()),
    });
    Ok(())
}

fn upgrade(agent: &[u8], says: &mut Says<'_>) -> Result<(), InstallError> {
    if !Path::new(BRIDGE).exists() {
        return Err(InstallError::NotInstalled);
    }
    if host::is_packaged() {
        return Err(InstallError::Packaged);
    }
    let config = Config::read(Path::new(PLACE)).map_err(InstallError::Config)?;
    // The old one stays when the new one would not start.
    host::check(Path::new("/proc/self/exe"), Path::new(PLACE))?;
    let mut changed = bring(agent, says)?;
    changed |= host::write_unit(&config)?;
    start(&config, changed, says)
}

fn remove(purge: bool, says: &mut Says<'_>) -> Result<(), InstallError> {
    if host::is_packaged() {
        return Err(InstallError::Packaged);
    }
    let config = Config::read(Path::new(PLACE));
    if host::has_systemd() && host::has_unit() {
        host::systemctl(&["disable", "--now", host::UNIT])?;
        says.line(Level::Info, "Stopped and disabled it.");
    }
    let running = host::running();
    if !running.is_empty() {
        return Err(InstallError::Running(running));
    }
    let mut gone = host::remove_unit()?;
    for place in [BRIDGE, AGENT] {
        gone |= removed(Path::new(place))?;
    }
    let _ = fs::remove_dir(FOLDER);
    if gone {
        says.line(Level::Info, "Removed the programs and the unit.");
    } else {
        says.line(Level::Info, "There was no program and no unit.");
    }
    let state = config.map_or_else(|_| config::state(), |config| config.state);
    if !purge {
        let kept = [Path::new(PLACE), &state];
        let kept: Vec<_> = kept.into_iter().filter(|place| place.exists()).collect();
        for place in kept {
            says.line(Level::Info, format!("Kept {}.", place.display()));
        }
        return Ok(());
    }
    removed(Path::new(PLACE))?;
    // What else lies there is the operator's.
    let _ = fs::remove_dir(Path::new(PLACE).parent().unwrap_or(Path::new("/")));
    places::remove_state(&state)?;
    says.line(Level::Info, "Removed configuration, tokens and audit.");
    if let Err(why) = host::remove_account() {
        let text = format!("The account {} stays: {why}", ACCOUNT);
        says.line(Level::Warning, text);
    }
    Ok(())
}
