//! Projects as compose names them, case by case.

use std::path::PathBuf;

use super::{Project, Wanted, normalized};
use crate::transport::Around;

fn wanted(args: &[&str]) -> Wanted {
    let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
    Wanted::read(&args).unwrap()
}

#[test]
fn names_are_normalized_as_compose_does() {
    for (name, expect) in [
        ("Shop", "shop"),
        ("my.shop", "myshop"),
        ("My Shop_1-a", "myshop_1-a"),
        ("_-shop", "shop"),
        ("...", ""),
    ] {
        assert_eq!(normalized(name), expect, "{name}");
    }
}

#[test]
fn the_first_that_names_the_project_wins() {
    type Row<'a> = (
        &'a [(&'a str, &'a str)],
        &'a str,
        &'a [&'a str],
        &'a [(&'a str, &'a str)],
        Result<&'a str, &'a str>,
    );
    // Files, the directory below, arguments, variables, the name.
    let rows: [Row<'_>; 14] = [
        (
            &[("Shop/compose.yaml", "services: {}\n")],
            "Shop",
            &[],
            &[],
            Ok("shop"),
        ),
        (
            &[("Shop/docker-compose.yml", "")],
            "Shop/a/b",
            &[],
            &[],
            Ok("shop"),
        ),
        (
            &[("Shop/compose.yaml", "name: Other\nservices: {}\n")],
            "Shop",
            &[],
            &[],
            Ok("other"),
        ),
        (
            &[
                ("Shop/compose.yaml", "name: Other\n"),
                ("Shop/.env", "COMPOSE_PROJECT_NAME='fromenv' # x\n"),
            ],
            "Shop",
            &[],
            &[],
            Ok("fromenv"),
        ),
        (
            &[
                ("Shop/compose.yaml", ""),
                ("Shop/.env", "export COMPOSE_PROJECT_NAME=\"fromenv\"\n"),
            ],
            "Shop",
            &[],
            &[("COMPOSE_PROJECT_NAME", "var")],
            Ok("var"),
        ),
        (
            &[("Shop/compose.yaml", "")],
            "Shop",
            &["-p", "arg"],
            &[("COMPOSE_PROJECT_NAME", "var")],
            Ok("arg"),
        ),
        (
            &[("Shop/sub/x.yaml", "name: deep\n")],
            "Shop",
            &["-f", "sub/x.yaml"],
            &[],
            Ok("deep"),
        ),
        (
            &[("Shop/sub/x.yaml", "")],
            "Shop",
            &["--file=sub/x.yaml"],
            &[],
            Ok("sub"),
        ),
        (
            &[("Shop/sub/x.yaml", "")],
            "Shop",
            &[],
            &[("COMPOSE_FILE", "sub/x.yaml:sub/y.yaml")],
            Err("sub/y.yaml"),
        ),
        (
            &[("Shop/a.yaml", "name: a\n"), ("Shop/b.yaml", "name: b\n")],
            "Shop",
            &[],
            &[("COMPOSE_FILE", "a.yaml:b.yaml")],
            Ok("b"),
        ),
        (&[], "Shop", &["-p", "alone"], &[], Ok("alone")),
        (&[], "Shop", &[], &[], Err("no compose file")),
        (
            &[("Shop/compose.yaml", "name: ${X}\n")],
            "Shop",
            &[],
            &[],
            Err("made of variables"),
        ),
        (
            &[("Shop/compose.yaml", "name: [\n")],
            "Shop",
            &[],
            &[],
            Err("compose.yaml"),
        ),
    ];
    for (files, cwd, args, vars, expect) in rows {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join(cwd)).unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let around = Around {
            cwd: root.path().join(cwd),
            vars: vars.iter().map(|(n, v)| (n.into(), v.into())).collect(),
        };
        let found = Project::find(&wanted(args), &around);
        match (found, expect) {
            (Ok(project), Ok(name)) => assert_eq!(project.name, name, "{files:?} {args:?}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expect) => panic!("{files:?} {args:?}: {found:?}, not {expect:?}"),
        }
    }
}

#[test]
fn words_of_compose_are_read_or_refused() {
    let all = wanted(&[
        "-f",
        "a",
        "--file=b",
        "-p",
        "n",
        "--index=2",
        "--project-directory",
        "d",
    ]);
    assert_eq!(all.files, [PathBuf::from("a"), PathBuf::from("b")]);
    assert_eq!((all.name.as_deref(), all.index), (Some("n"), Some(2)));
    for (args, part) in [
        (&["-f"][..], "needs a value"),
        (&["--index=x"], "no number"),
        (&["--privileged"], "not known"),
        (&["x"], "not known"),
    ] {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let error = Wanted::read(&args).unwrap_err().to_string();
        assert!(error.contains(part), "{args:?}: {error}");
    }
}
