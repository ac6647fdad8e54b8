//! The aliases of WP-CLI, case by case: which sites a command addresses, and what is refused.
//!
//! The cases ran a small command on each site; here the sites are resolved and shown as that
//! command would have answered. What a command does on a site, and the exit code of a group
//! (difference 10), is tested elsewhere.

use std::path::Path;

use kickout::inventory::{
    Alias, Inventory, InventoryError, Layer, Members, Overrides, Place, Resolved, Selection,
    Setting, Surroundings,
};
use kickout::target::Target;
use serde_json::{Map, Value, json};

/// Cases whose answer is not WP-CLI's: id, number of the difference (design §5), why.
const DIFFERENCES: [(&str, u8, &str); 9] = [
    ("alias-not-first", 5, "globals may stand before the alias"),
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

#[test]
fn every_alias_case_is_matched_or_a_named_difference() {
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
    let cases: Vec<_> = cases
        .iter()
        .filter(|case| case["group"] == "alias")
        .collect();
    assert!(cases.len() >= 38, "only {} cases", cases.len());
    for (id, number, _) in DIFFERENCES {
        assert!(
            cases.iter().any(|case| case["id"] == id) && (1..=12).contains(&number),
            "{id}"
        );
    }
    for case in cases {
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
struct Asked {
    at: Option<String>,
    flag: Option<String>,
    quiet: bool,
    cli: Overrides,
    command: Vec<String>,
}

fn words(case: &Value) -> Asked {
    let mut asked = Asked::default();
    let argv = case["input"]["argv"].as_array().expect("argv is a list");
    for word in argv
        .iter()
        .map(|word| word.as_str().expect("a word is a text"))
    {
        if let Some(name) = word.strip_prefix('@').filter(|_| asked.command.is_empty()) {
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
        }
    }
    asked
}

fn inventory(case: &Value) -> Result<Inventory, InventoryError> {
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
    let selection = match (&asked.flag, &asked.at) {
        (Some(name), _) => Selection::Flag(name),
        (None, Some(name)) => Selection::At(name),
        (None, None) => Selection::None,
    };
    let found = inventory(case).and_then(|inventory| inventory.resolve(selection, &asked.cli));
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

/// The commands that show aliases.
fn about_aliases(inventory: &Inventory, words: &[&str], expect: &Value) -> Result<(), String> {
    let stdout = expect["stdout"].as_str().unwrap_or_default();
    let named = |name: &str| {
        inventory
            .aliases()
            .iter()
            .find(|alias| format!("@{}", alias.name) == name)
    };
    let (found, observed) = match words {
        ["is-group", name] => {
            let is_group = named(name).is_some_and(Alias::is_group);
            (json!(u8::from(!is_group)), expect["exit"].clone())
        }
        ["get", name] => {
            let lines = stdout.lines().filter_map(|line| line.split_once(": "));
            let observed: Map<_, _> = lines.map(|(k, v)| (k.to_owned(), v.into())).collect();
            (
                named(name).map_or(Value::Null, |alias| shown(inventory, alias)),
                observed.into(),
            )
        }
        ["list", "--format=json"] => {
            let mut observed: Value = serde_json::from_str(stdout).map_err(|e| e.to_string())?;
            observed.as_object_mut().and_then(|all| all.remove("@all"));
            let all = inventory
                .aliases()
                .iter()
                .map(|a| (format!("@{}", a.name), shown(inventory, a)));
            (all.collect::<Map<_, _>>().into(), observed)
        }
        other => return Err(format!("{other:?}")),
    };
    (found == observed)
        .then_some(())
        .ok_or(format!("{found}; WP-CLI: {observed}"))
}

/// An alias as JSON, with the path it resolves to.
fn shown(inventory: &Inventory, alias: &Alias) -> Value {
    let place: &Place = match &alias.members {
        Members::Group(members) => {
            return members.iter().map(|member| member.text.clone()).collect();
        }
        Members::Site(place) => place,
    };
    let sites = inventory.resolve(Selection::At(&alias.name), &Overrides::default());
    let path = sites.ok().and_then(|sites| sites.into_iter().next()?.path);
    let text = |setting: &Option<Setting>| setting.as_ref().map(|setting| setting.text.clone());
    let keys = [
        ("user", text(&place.user)),
        ("url", text(&place.url)),
        ("path", path.map(|path| path.to_string())),
        ("ssh", text(&place.ssh)),
        ("http", text(&place.http)),
        ("proxyjump", text(&place.proxyjump)),
        ("key", text(&place.key)),
        ("ssh_config", text(&place.ssh_config)),
    ];
    let keys = keys
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.into())));
    keys.collect::<Map<_, _>>().into()
}
