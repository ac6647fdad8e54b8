//! Layers over layers: what wins, what grows, and what is an error with a place.

use std::path::Path;

use crate::inventory::{InventoryError, Layer, Settings};

fn merge(files: &[(&str, &str)]) -> Result<Settings, InventoryError> {
    let layers = files
        .iter()
        .map(|(file, text)| Layer::parse(Path::new(file), text));
    Settings::merge(&layers.collect::<Result<Vec<_>, _>>()?)
}

#[test]
fn later_layers_win_and_lists_grow() {
    let settings = merge(&[
        (
            "/etc/c.yml",
            "path: one\nquiet: no\ncolor: auto\nrequire: a.php\nssh-args: [-C]\nuser: 007\n\
             disabled_commands: [db drop]\nskip-plugins: [x, y]\nkickout: {jobs: 010, engine: php}\n\
             @a: {ssh: h, path: p}\n@b: {path: b}\nprompt: true\nallow-root: true\nenv: {A: b}\n",
        ),
        (
            "/p/wp-cli.yml",
            "path: two\nquiet: on\nrequire: [b.php, ~/c.php, /d.php]\nssh-args: [-v]\n\
             disabled_commands: user session\nkickout: {jobs: 4}\n@a: {url: http://q}\n",
        ),
    ])
    .unwrap();
    let globals = &settings.globals;
    let path = globals.place.path.as_ref().unwrap();
    assert_eq!(
        (path.text.as_str(), path.origin.to_string()),
        ("two", "/p/wp-cli.yml:1".into())
    );
    assert_eq!(globals.place.user.as_ref().unwrap().text, "007");
    assert_eq!(globals.quiet.as_ref().unwrap().as_flag(), Some(true));
    assert_eq!(globals.color.as_ref().unwrap().text, "auto");
    assert_eq!(globals.skip_plugins.as_ref().unwrap().text, "x,y");
    let texts = |list: &[crate::inventory::Setting]| {
        list.iter()
            .map(|setting| setting.text.replace('\\', "/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        texts(&globals.require),
        ["/etc/a.php", "/p/b.php", "~/c.php", "/d.php"]
    );
    assert_eq!(
        texts(globals.place.ssh_args.as_ref().unwrap()),
        ["-C", "-v"]
    );
    assert_eq!(
        texts(&globals.disabled_commands),
        ["db drop", "user session"]
    );
    assert_eq!(settings.kickout["jobs"].text, "4");
    assert_eq!(
        settings.kickout["engine"].origin.to_string(),
        "/etc/c.yml:9"
    );
    let names: Vec<_> = settings
        .aliases
        .iter()
        .map(|alias| alias.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"], "an alias keeps its place");
    let origin = &settings.aliases[0].origin;
    assert_eq!(
        origin.to_string(),
        "/p/wp-cli.yml:7",
        "and is replaced wholly"
    );
}

#[test]
fn command_defaults_are_replaced_unless_merged() {
    let below = (
        "a",
        "user session list: {format: json, fields: [ip, ua]}\nscaffold x: {y: {z: 1}}\n",
    );
    for (above, expect) in [
        ("user session  list:\n  fields: ip\n", "fields=ip"),
        (
            "_: {merge: true}\nuser session list:\n  fields: ip\n",
            "fields=ip format=json",
        ),
        ("_: {merge: no}\ncolor: on\n", "fields=ip,ua format=json"),
    ] {
        let settings = merge(&[below, ("b", above)]).unwrap();
        let defaults = &settings.commands["user session list"];
        let text: Vec<_> = defaults
            .iter()
            .map(|(k, v)| format!("{k}={}", v.text))
            .collect();
        assert_eq!(text.join(" "), expect);
    }
}

#[test]
fn what_cannot_be_meant_is_an_error_with_its_line() {
    for (text, message) in [
        (
            "colour: false",
            "f:1: unknown setting 'colour'. Did you mean 'color'?",
        ),
        ("x: 1\n", "f:1: unknown setting 'x'."),
        ("wxyz:\n  - 1\n", "f:1: unknown setting 'wxyz'."),
        ("sudo: true", "f:1: unknown setting 'sudo'."),
        ("\nquiet: maybe", "f:2: 'quiet' must be true or false."),
        (
            "color: sometimes",
            "f:1: 'color' must be true, false or auto.",
        ),
        ("path: [a]", "f:1: 'path' must be a text."),
        ("path:", "f:1: 'path' must be a text."),
        ("ssh: {host: h}", "f:1: 'ssh' must be a text."),
        ("ssh-args: -C", "f:1: 'ssh-args' must be a list of texts."),
        ("require: {a: b}", "f:1: 'require' must be a list of texts."),
        ("kickout: 1", "f:1: 'kickout' must be a map."),
        ("kickout:\n  a: [1]", "f:2: 'a' must be a text."),
        ("aliases: [a]", "f:1: 'aliases' must be a map."),
        (
            "user session destroy:\n  all:\n",
            "f:2: 'all' must be one value.",
        ),
        (
            "_: {inherits: x}",
            "f:1: unknown setting 'inherits'. Did you mean 'inherit'?",
        ),
        ("_: {merge: x}", "f:1: 'merge' must be true or false."),
        ("_: 1", "f:1: '_' must be a map."),
        ("@x y: {path: a}", "f:1: '@x y' is not a valid alias name."),
        ("@: {path: a}", "f:1: '@' is not a valid alias name."),
        (
            "aliases: {'ö': {path: a}}",
            "f:1: 'ö' is not a valid alias name.",
        ),
        (
            "@a: {path: a}\naliases: {a: {path: b}}",
            "f:2: alias '@a' is there twice.",
        ),
        (
            "aliases: {a: {path: a}, '@a': {path: b}}",
            "f:1: alias '@a' is there twice.",
        ),
        (
            "@a:\n  shh: u@h",
            "f:2: alias '@a' has an unknown key 'shh'. Did you mean 'ssh'?",
        ),
        (
            "@a: {identity: k}",
            "f:1: alias '@a' has an unknown key 'identity'.",
        ),
        ("@a: {}", "f:1: alias '@a' is empty."),
        ("@a:", "f:1: alias '@a' is empty."),
        ("@a: []", "f:1: alias '@a' is empty."),
        (
            "@a: h",
            "f:1: '@a' must be a map of keys or a list of aliases.",
        ),
        ("@a: [[b]]", "f:1: '@a' must be a list of texts."),
        (
            "@a: {ssh: h, ssh-args: -C}",
            "f:1: 'ssh-args' must be a list of texts.",
        ),
        ("@a: {path: ~}", "f:1: 'path' must be a text."),
        (
            "@a: {key: [x]}",
            "Invalid SSH key: value must be a string. (f:1)",
        ),
        (
            "@a: {proxyjump: {x: y}}",
            "Invalid SSH proxyjump: value must be a string. (f:1)",
        ),
    ] {
        let error = merge(&[("f", text)]).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
        assert!(!error.fix().is_empty());
    }
}

#[test]
fn a_string_of_ssh_args_is_told_how_to_be_a_list() {
    let error = merge(&[("f", "@a: {ssh: h, ssh-args: -o X=1}")]).unwrap_err();
    assert!(
        error.fix().contains("ssh-args:\n    - -C"),
        "{}",
        error.fix()
    );
}
