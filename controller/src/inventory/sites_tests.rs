//! Selections over files: a row is what was asked, and the sites in one line each.

use std::ffi::OsString;
use std::path::Path;

use crate::inventory::{
    Inventory, InventoryError, Layer, Overrides, Resolved, Selection, Surroundings,
};

use Selection::{At, Flag};

fn inventory(text: &str, vars: &[(&str, &str)]) -> Result<Inventory, InventoryError> {
    let layer = Layer::parse(Path::new("/cfg/wp-cli.yml"), text)?;
    let vars = vars
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let around = Surroundings {
        cwd: "/work".into(),
        vars: vars.collect(),
    };
    Inventory::new(&[layer], around)
}

/// `name target path url user args`, where a dash is nothing.
fn line(site: &Resolved) -> String {
    let mut words = vec![
        site.name.clone(),
        Some(site.target.to_string()),
        site.path.as_ref().map(ToString::to_string),
        site.url.clone(),
        site.user.clone(),
    ];
    words.extend(site.ssh_args.iter().cloned().map(Some));
    let words: Vec<_> = words
        .into_iter()
        .map(|word| word.unwrap_or("-".into()))
        .collect();
    words.join(" ")
}

#[track_caller]
fn check(text: &str, selection: Selection<'_>, cli: &[(&str, &str)], expect: &str) {
    let mut overrides = Overrides::default();
    for (name, value) in cli {
        let value = (*value).to_owned();
        match *name {
            "path" => overrides.path = Some(value),
            "url" => overrides.url = Some(value),
            "ssh" => overrides.ssh = Some(value),
            "http" => overrides.http = Some(value),
            "user" => overrides.user = Some(value),
            _ => overrides.ssh_args.push(value),
        }
    }
    let vars = [("HOME", "/home/me"), ("SITE", "u@h"), ("EMPTY", "")];
    let found =
        inventory(text, &vars).and_then(|inventory| inventory.resolve(selection, &overrides));
    let shown = match found {
        Ok(sites) => sites.iter().map(line).collect::<Vec<_>>().join("\n"),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown.replace('\\', "/"), expect, "{text}");
}

#[test]
fn without_an_alias_the_root_and_the_command_line_speak() {
    let none = Selection::None;
    check("", none, &[], "- local - - -");
    check(
        "",
        none,
        &[("path", "x"), ("url", "u"), ("user", "7")],
        "- local /work/x u 7",
    );
    check(
        "path: ../s1\nuser: 007",
        none,
        &[],
        "- local /cfg/../s1 - 007",
    );
    check("path: ~/www", none, &[], "- local /home/me/www - -");
    check("path: ~bob/www", none, &[], "- local /cfg/~bob/www - -");
    check("path: /abs", none, &[("path", "~")], "- local /home/me - -");
    check(
        "path: ''",
        none,
        &[],
        "The --path parameter cannot be empty when provided.",
    );
    check(
        "",
        none,
        &[("path", "")],
        "The --path parameter cannot be empty when provided.",
    );
    check(
        "ssh: docker:www@c1\npath: web",
        none,
        &[],
        "- docker:www@c1 web - -",
    );
    check(
        "ssh: u@h:/srv\npath: ~/x\nurl: a",
        none,
        &[],
        "- ssh:u@h:/srv ~/x a -",
    );
    // A path of this machine means nothing on another one.
    check("path: ../s1", none, &[("ssh", "h")], "- ssh:h - - -");
    check(
        "ssh: h",
        none,
        &[("http", "https://b")],
        "- https://b - - -",
    );
    check("", none, &[("ssh", "h"), ("path", "x")], "- ssh:h x - -");
    check(
        "",
        none,
        &[("ssh", "h"), ("http", "https://b")],
        "The command line names both ssh and http.",
    );
    check("", none, &[("ssh", "")], "Invalid connection string ''.");
    check(
        "ssh: -h",
        none,
        &[],
        "Invalid SSH host: value cannot start with a hyphen. (/cfg/wp-cli.yml:1)",
    );
}

#[test]
fn at_and_flag_differ_in_what_they_keep_of_the_root() {
    let text = "url: r.test\nuser: admin\npath: ../s1\nssh: root.host\nssh-args: [-A]\nproxyjump: j\n\
                @s: {path: ../s2}\n@r: {ssh: 'u@h:/srv', url: a.test}\n@g: [s, r]\n@u: {user: bob}\n";
    check(text, At("s"), &[], "s local /cfg/../s2 - - -A");
    check(
        text,
        Flag("s"),
        &[],
        "s ssh:root.host /cfg/../s2 r.test admin -A",
    );
    check(text, At("r"), &[], "r ssh:u@h:/srv - a.test - -A");
    check(text, Flag("r"), &[], "r ssh:u@h:/srv - a.test admin -A");
    check(text, At("u"), &[], "u local - - bob -A");
    check(text, Flag("u"), &[], "u ssh:root.host ../s1 r.test bob -A");
    let members = "s ssh:root.host /cfg/../s2 r.test admin -A\nr ssh:u@h:/srv - a.test admin -A";
    check(text, At("g"), &[], members);
    check(text, Flag("g"), &[], members);
    check(
        text,
        Flag("@s"),
        &[],
        "Alias '@s' not found.\nDid you mean 's'?",
    );
}

#[test]
fn the_command_line_wins_over_the_alias() {
    let text = "@r: {ssh: h, path: p, url: a, user: b, ssh-args: [-C]}\n@l: {path: p}\n@g: [r, l]";
    check(text, At("r"), &[], "r ssh:h p a b -C");
    let cli = [
        ("ssh", "docker-compose:c"),
        ("path", "q"),
        ("url", "x"),
        ("user", "y"),
        ("ssh-args", "-q"),
    ];
    check(text, At("r"), &cli, "r docker-compose:c q x y -q");
    check(
        text,
        At("g"),
        &[("ssh", "zz")],
        "r ssh:zz p a b -C\nl ssh:zz /cfg/p - -",
    );
    check(
        "ssh-args: [-A]\nssh: h",
        Selection::None,
        &[("ssh-args", "-q")],
        "- ssh:h - - - -A -q",
    );
}

#[test]
fn ssh_gets_its_keys_and_nothing_else_does() {
    let text = "@r: {ssh: u@h, proxyjump: 'a@b:1,c', key: ~/k, ssh_config: cfg, sudo: www-data}\n\
                @t: {ssh: h, sudo: true}\n@n: {ssh: h, sudo: off}\n@d: {ssh: 'docker:c', key: k}\n\
                @l: {path: x, sudo: true}\n@j: {ssh: h, proxyjump: -oX}\n@b: {ssh: h, http: 'https://b'}\n\
                @v: {ssh: 'docker:c', via: u@h, proxyjump: g, key: ~/k}\n@vl: {path: x, via: h}\n\
                @vs: {ssh: h, via: h}\n@vd: {ssh: 'docker:c', via: 'docker:d'}\n\
                @vx: {ssh: 'docker:c', via: -x}\n@vu: {ssh: 'docker:c', via: h, sudo: true}\n\
                @da: {ssh: 'docker:c', ssh-args: [-it]}\n@la: {path: x, ssh-args: [-C]}\n\
                @vr: {ssh: 'docker-compose-run:c', via: h}\n";
    let inventory = inventory(text, &[]).unwrap();
    let ssh = |name| {
        let sites = inventory.resolve(At(name), &Overrides::default()).unwrap();
        match sites.into_iter().next().unwrap().target {
            crate::target::Target::Ssh(ssh) => ssh,
            other => panic!("{other:?}"),
        }
    };
    let rich = ssh("r");
    assert_eq!(rich.jump.unwrap().to_string(), "a@b:1,c");
    assert_eq!(
        (rich.key.unwrap().as_str(), rich.config.unwrap().as_str()),
        ("~/k", "cfg")
    );
    assert_eq!(rich.sudo.unwrap().as_str(), "www-data");
    assert_eq!(ssh("t").sudo.unwrap().as_str(), "root");
    assert_eq!(ssh("n").sudo, None);
    for (name, expect) in [
        (
            "d",
            "/cfg/wp-cli.yml:4: 'key' of alias '@d' has no effect on docker:c.",
        ),
        (
            "l",
            "/cfg/wp-cli.yml:5: 'sudo' of alias '@l' has no effect on local.",
        ),
        (
            "j",
            "Invalid SSH proxyjump: value cannot start with a hyphen. (/cfg/wp-cli.yml:6)",
        ),
        ("b", "/cfg/wp-cli.yml:7 names both ssh and http."),
        (
            "vl",
            "/cfg/wp-cli.yml:9: 'via' of alias '@vl' has no effect on local: it leads to running containers.",
        ),
        (
            "vs",
            "/cfg/wp-cli.yml:10: 'via' of alias '@vs' has no effect on ssh:h: it leads to running containers.",
        ),
        (
            "vd",
            "/cfg/wp-cli.yml:11: via goes over ssh, and docker:d does not.",
        ),
        (
            "vx",
            "Invalid SSH host: value cannot start with a hyphen. (/cfg/wp-cli.yml:12)",
        ),
        (
            "vu",
            "/cfg/wp-cli.yml:13: 'sudo' of alias '@vu' has no effect on docker:c.",
        ),
        (
            "da",
            "/cfg/wp-cli.yml:14: 'ssh-args' of alias '@da' has no effect on docker:c.",
        ),
        (
            "la",
            "/cfg/wp-cli.yml:15: 'ssh-args' of alias '@la' has no effect on local.",
        ),
        (
            "vr",
            "/cfg/wp-cli.yml:16: 'via' of alias '@vr' has no effect on docker-compose-run:c: it leads \
             to running containers.",
        ),
    ] {
        check(text, At(name), &[], expect);
    }
    check(text, At("r"), &[("ssh", "docker:c")], "r docker:c - - -");
    // What ssh gets, the host of the container gets.
    let sites = inventory.resolve(At("v"), &Overrides::default()).unwrap();
    let via = sites[0].via.clone().unwrap();
    assert_eq!((via.user.unwrap().as_str(), via.host.as_str()), ("u", "h"));
    assert_eq!(via.jump.unwrap().to_string(), "g");
    assert_eq!(via.key.unwrap().as_str(), "~/k");
    for target in [None, Some("docker:c")] {
        let cli = Overrides {
            ssh: target.map(str::to_owned),
            ssh_args: vec!["-C".to_owned()],
            ..Overrides::default()
        };
        let error = inventory.resolve(Selection::None, &cli).unwrap_err();
        let target = target.unwrap_or("local");
        let expect = format!("--ssh-args has no effect on {target}.");
        assert_eq!(error.to_string(), expect);
    }
}

#[test]
fn the_environment_is_replaced_or_missed() {
    let text = "@a: {ssh: '${env.SITE}:22', path: '/w/${env.EMPTY}x${env.HOME}'}\n@b: {path: '${env.NO}'}\n\
                @c: {path: '${env.HOME}/c'}\n@d: {path: '${env.HOME'}\n";
    check(text, At("a"), &[], "a ssh:u@h:22 /w/x/home/me - -");
    check(
        text,
        At("b"),
        &[],
        "/cfg/wp-cli.yml:2: the environment variable NO is not set.",
    );
    check(text, At("c"), &[], "c local /home/me/c - -");
    check(text, At("d"), &[], "d local /cfg/${env.HOME - -");
}

#[test]
fn a_site_is_visited_once() {
    let text =
        "@a: {path: /x}\n@b: {path: /x}\n@c: {path: /x, user: u}\n@g: [c, a, b, a]\n@h: [g, a]";
    check(text, At("all"), &[], "a local /x - -\nc local /x - u");
    check(text, Flag("h"), &[], "c local /x - u\na local /x - -");
    check(
        text,
        At("h"),
        &[("path", "/y"), ("user", "z")],
        "c local /y - z",
    );
}

#[test]
fn the_runtime_variable_hides_the_aliases_of_files() {
    let run = |json: &str| {
        let inventory = inventory("@p: {path: x}", &[("WP_CLI_RUNTIME_ALIAS", json)])?;
        inventory
            .resolve(At("rt"), &Overrides::default())
            .map(|sites| line(&sites[0]))
    };
    assert_eq!(
        run(r#"{"@rt":{"path":"\/s2","user":"1"}}"#).unwrap(),
        "rt local /s2 - 1"
    );
    for (json, message) in [
        ("{}", "Alias 'rt' not found."),
        ("{", "WP_CLI_RUNTIME_ALIAS:1: unclosed bracket '{'."),
        (
            r#"{"rt":{"path":"x"}}"#,
            "WP_CLI_RUNTIME_ALIAS:1: 'rt' is not a valid alias name.",
        ),
        (
            r#"{"@rt":{"pth":"x"}}"#,
            "WP_CLI_RUNTIME_ALIAS:1: alias '@rt' has an unknown key 'pth'. Did you mean 'path'?",
        ),
    ] {
        assert_eq!(run(json).unwrap_err().to_string(), message);
    }
}

#[test]
fn the_rest_of_the_files_can_be_asked_for() {
    let text = "disabled_commands: [user session, db]\nuser session destroy: {all: true}\nkickout: {jobs: 08}";
    let inventory = inventory(text, &[]).unwrap();
    assert_eq!(
        inventory.disabled("user session destroy").unwrap().text,
        "user session"
    );
    assert!(inventory.disabled("user sessions").is_none());
    assert_eq!(
        inventory.command_defaults("user session destroy").unwrap()["all"].as_flag(),
        Some(true)
    );
    assert!(inventory.command_defaults("user session list").is_none());
    assert_eq!(inventory.kickout()["jobs"].text, "08");
    assert!(inventory.globals().quiet.is_none() && inventory.aliases().is_empty());
}
