//! The aliases of WP-CLI, case by case: which sites a command addresses, and what is refused.
//!
//! The cases ran a small command on each site; here the sites are resolved and shown as that
//! command would have answered. What a command does on a site, and the exit code of a group
//! (difference 10), is tested elsewhere.

use std::path::Path;

use kickout::inventory::{
    Inventory, InventoryError, Layer, Overrides, Resolved, Selection, Surroundings,
};
use kickout::target::Target;
use serde_json::Value;

use crate::alias_shown::about_aliases;

/// Cases whose answer is not WP-CLI's: id, number of the difference (design §5), why.
const DIFFERENCES: [(&str, u8, &str); 8] = [
    (
        "alias-group-bare-forward-ref-runs-locally",
        10,
        "a bare member may be defined later",
    ),
    ("alias-group-nested", 10, "a site is visited once"),
    ("alias-group-dup", 10, "a site is visited once"),
    (
        "alias-all-includes-groups",
        10,
        "@all is each site once, groups left out",
    ),
    (
        "alias-ssh-args-string-ignored",
        10,
        "a key that would be ignored is an error",
    ),
    (
        "alias-http",
        12,
        "--http works, and plain http is for loopback",
    ),
    (
        "alias-unknown-key-typo-runs-locally",
        10,
        "an alias that resolves to nothing is an error",
    ),
    (
        "alias-charset",
        10,
        "an alias name that would be ignored is an error",
    ),
];

/// The cases about aliases, their folders named as in these tests.
pub(crate) fn cases() -> Vec<Value> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/wpcli-cases.json");
    let text = std::fs::read_to_string(file).expect("the cases are there");
    let text = text
        .replace("{S1_JSON}", r"\\/cfg\\/..\\/s1")
        .replace("{S2_JSON}", r"\\/cfg\\/..\\/s2");
    let text = text
        .replace("{CFG}", "/cfg")
        .replace("{S1}", "/s1")
        .replace("{S2}", "/s2");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("the cases are JSON");
    let about = |case: &Value| case["group"] == "alias";
    cases.into_iter().filter(about).collect()
}

#[test]
fn every_alias_case_is_matched_or_a_named_difference() {
    let cases = cases();
    assert!(cases.len() >= 38, "only {} cases", cases.len());
    for (id, number, _) in DIFFERENCES {
        assert!(
            cases.iter().any(|case| case["id"] == id) && (1..=12).contains(&number),
            "{id}"
        );
    }
    for case in &cases {
        let matched = compare(case);
        let id = case["id"].as_str().unwrap();
        match (
            DIFFERENCES.iter().find(|difference| difference.0 == id),
            matched,
        ) {
            (None, Err(why)) => panic!("{id}: {why}"),
            (Some((_, number, why)), Ok(())) => {
                panic!("{id} matches WP-CLI: take it off the list ({number}: {why})")
            }
            (None, Ok(())) | (Some(_), Err(_)) => {}
        }
    }
}

/// What the words of a case ask for.
#[derive(Default)]
pub(crate) struct Asked {
    /// What stands before the command, and behind it.
    pub(crate) before: Vec<String>,
    pub(crate) behind: Vec<String>,
    at: Option<String>,
    flag: Option<String>,
    quiet: bool,
    pub(crate) cli: Overrides,
    pub(crate) command: Vec<String>,
}

pub(crate) fn words(case: &Value) -> Asked {
    let mut asked = Asked::default();
    let argv = case["input"]["argv"].as_array().expect("argv is a list");
    let argv = argv
        .iter()
        .map(|word| word.as_str().expect("a word is a text"));
    for (index, word) in argv.enumerate() {
        if let Some(name) = word.strip_prefix('@').filter(|_| index == 0) {
            asked.at = Some(name.to_owned());
        } else if let Some(name) = word.strip_prefix("--alias=") {
            asked.flag = Some(name.to_owned());
        } else if let Some(ssh) = word.strip_prefix("--ssh=") {
            asked.cli.ssh = Some(ssh.to_owned());
        } else if let Some(arg) = word.strip_prefix("--ssh-args=") {
            asked.cli.ssh_args.push(arg.to_owned());
        } else if word == "--quiet" {
            asked.quiet = true;
        } else {
            asked.command.push(word.to_owned());
            continue;
        }
        match asked.command.is_empty() {
            true => asked.before.push(word.to_owned()),
            false => asked.behind.push(word.to_owned()),
        }
    }
    asked
}

pub(crate) fn inventory(case: &Value) -> Result<Inventory, InventoryError> {
    let input = &case["input"];
    let files = [
        ("/home/.wp-cli/config.yml", &input["home_config"]),
        ("/cfg/wp-cli.yml", &input["config_files"]["wp-cli.yml"]),
    ];
    let mut layers = Vec::new();
    for (file, text) in files {
        if let Some(text) = text.as_str() {
            layers.push(Layer::parse(Path::new(file), text)?);
        }
    }
    let mut around = Surroundings {
        cwd: "/cfg".into(),
        ..Surroundings::default()
    };
    for (name, value) in input["env"].as_object().into_iter().flatten() {
        around
            .vars
            .insert(name.into(), value.as_str().unwrap_or_default().into());
    }
    Inventory::new(&layers, around)
}

/// Compares one case; the error says what is different.
fn compare(case: &Value) -> Result<(), String> {
    let expect = &case["expect"];
    let asked = words(case);
    let command: Vec<_> = asked.command.iter().map(String::as_str).collect();
    if let ["cli", "alias", rest @ ..] = command.as_slice() {
        let inventory = inventory(case).map_err(|error| error.to_string())?;
        return about_aliases(&inventory, rest, expect);
    }
    // Behind another word it is a command, and there is none by that name.
    if command[0].starts_with('@') {
        let refused = expect["exit"] != 0;
        return refused.then_some(()).ok_or(format!("{command:?}"));
    }
    let found = inventory(case);
    let found = found.and_then(|inventory| inventory.resolve(asked.selection(), &asked.cli));
    let sites = match found {
        Ok(sites) => sites,
        // The same class (refused before anything ran) and the same words; ours add the place.
        Err(error) => {
            let stderr = expect["stderr"].as_str().unwrap_or_default().trim_end();
            let same = expect["exit"] != 0 && format!("Error: {error}").starts_with(stderr);
            return same
                .then_some(())
                .ok_or(format!("refused: {error}; WP-CLI: {stderr:?}"));
        }
    };
    if expect["exit"] != 0 {
        return Err(format!("{sites:?}; WP-CLI: {}", expect["stderr"]));
    }
    let group = sites.len() > 1
        || sites
            .iter()
            .any(|site| Some(&site.name) != Some(&asked.name()));
    let mut stdout = String::new();
    for site in &sites {
        if let Some(name) = site.name.as_ref().filter(|_| group && !asked.quiet) {
            stdout += &format!("@{name}\n");
        }
        stdout += &answer(site, command[0]);
    }
    let observed = expect["stdout"].as_str().unwrap_or_default();
    let observed: String = observed
        .lines()
        .filter(|l| !l.starts_with("Success:"))
        .map(|l| format!("{l}\n"))
        .collect();
    if stdout != observed {
        return Err(format!("addressed {stdout:?}; WP-CLI: {observed:?}"));
    }
    let started: Vec<_> = sites
        .iter()
        .filter(|site| site.target != Target::Local)
        .collect();
    let executes = expect["executes"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if started.len() != executes.len() {
        return Err(format!("{started:?}; WP-CLI: {executes:?}"));
    }
    started
        .into_iter()
        .zip(executes)
        .try_for_each(|(site, argv)| connects(site, argv))
}

impl Asked {
    pub(crate) fn selection(&self) -> Selection<'_> {
        match (&self.flag, &self.at) {
            (Some(name), _) => Selection::Flag(name),
            (None, Some(name)) => Selection::At(name),
            (None, None) => Selection::None,
        }
    }

    /// The alias that was named, if it is the site itself.
    fn name(&self) -> Option<String> {
        self.flag.clone().or(self.at.clone())
    }
}

/// What the command of the cases prints on a site of this machine.
fn answer(site: &Resolved, command: &str) -> String {
    if site.target != Target::Local {
        return String::new();
    }
    match command {
        "option" => match site.path.as_ref().map(ToString::to_string).as_deref() {
            Some("/cfg/../s1" | "/s1") => "http://s1.test\n".to_owned(),
            Some("/cfg/../s2" | "/s2") => "http://s2.test\n".to_owned(),
            other => format!("{other:?}\n"),
        },
        "eval" => {
            let url = site
                .url
                .as_deref()
                .unwrap_or("none")
                .trim_start_matches("http://");
            format!(
                "{url} {}\n",
                u8::from(site.user.as_deref() == Some("admin"))
            )
        }
        _ => String::new(),
    }
}

/// Compares a connection with the program that WP-CLI started.
fn connects(site: &Resolved, argv: &Value) -> Result<(), String> {
    let argv: Vec<_> = argv
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let Some((remote, program)) = argv.split_last() else {
        return Err("no program".to_owned());
    };
    let ours = match &site.target {
        Target::Ssh(ssh) => {
            let mut ours = vec!["ssh".to_owned()];
            ours.extend(site.ssh_args.iter().cloned());
            let options = [
                ("-F", ssh.config.as_ref().map(ToString::to_string)),
                ("-J", ssh.jump.as_ref().map(ToString::to_string)),
                ("-p", ssh.port.map(|port| port.to_string())),
                ("-i", ssh.key.as_ref().map(ToString::to_string)),
            ];
            for (option, value) in options {
                ours.extend(
                    value
                        .into_iter()
                        .flat_map(|value| [option.to_owned(), value]),
                );
            }
            let user = ssh
                .user
                .as_ref()
                .map(|user| format!("{user}@"))
                .unwrap_or_default();
            ours.extend([
                "-T".to_owned(),
                "-q".to_owned(),
                format!("{user}{}", ssh.host),
            ]);
            ours
        }
        Target::Docker(inside) => {
            let mut ours = vec!["docker".to_owned(), "exec".to_owned()];
            ours.extend(
                inside
                    .user
                    .iter()
                    .flat_map(|user| ["--user".to_owned(), user.to_string()]),
            );
            ours.extend(["-i", &inside.name.to_string(), "sh", "-c"].map(str::to_owned));
            ours
        }
        other => return Err(format!("{other}")),
    };
    // The directory of the connection travels as `cd`, everything else as the runtime alias.
    let directory = remote
        .strip_prefix("cd '")
        .and_then(|rest| rest.split('\'').next());
    let keys = remote
        .split('\'')
        .nth(1)
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let key = |name| {
        let alias = keys
            .as_ref()
            .and_then(|keys| keys.as_object()?.values().next()?.as_object());
        alias.and_then(|alias| alias.get(name)?.as_str())
    };
    let same = ours == program
        && site.target.path().map(|path| path.as_str()) == directory
        && site.path.as_ref().map(|path| path.as_str()) == key("path")
        && site.url.as_deref() == key("url")
        && site.user.as_deref() == key("user");
    same.then_some(())
        .ok_or(format!("{site:?}; WP-CLI: {argv:?}"))
}
