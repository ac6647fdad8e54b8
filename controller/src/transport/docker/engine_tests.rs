//! Engines as docker's command line chooses them, case by case.

use std::path::PathBuf;

use super::{Engine, find};
use crate::target::Target;
use crate::transport::Around;
use kickout_shared::token::sha256_hex;

fn unix(path: &str) -> Engine {
    Engine::Unix(PathBuf::from(path))
}

fn tcp(address: &str) -> Engine {
    Engine::Tcp {
        address: address.to_owned(),
        tls: None,
    }
}

fn ssh(host: &str) -> Engine {
    match Target::parse(host) {
        Ok(Target::Ssh(host)) => Engine::Ssh(Box::new(host)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_environment_wins_then_the_context() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join(".docker");
    let make = |name: &str, json: &str| {
        let id = sha256_hex(name.as_bytes());
        let dir = config.join("contexts/meta").join(&id);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("meta.json"), json).unwrap();
        id
    };
    make(
        "a",
        r#"{"Name":"a","Endpoints":{"docker":{"Host":"unix:///a.sock"}}}"#,
    );
    make(
        "b",
        r#"{"Name":"b","Endpoints":{"docker":{"Host":"unix:///b.sock"}}}"#,
    );
    make(
        "far",
        r#"{"Name":"far","Endpoints":{"docker":{"Host":"ssh://me@far"}}}"#,
    );
    make(
        "open",
        r#"{"Endpoints":{"docker":{"Host":"tcp://far:1","SkipTLSVerify":true}}}"#,
    );
    let id = make("tls", r#"{"Endpoints":{"docker":{"Host":"tcp://far"}}}"#);
    let certificates = config.join("contexts/tls").join(id).join("docker");
    std::fs::create_dir_all(&certificates).unwrap();
    std::fs::write(
        config.join("config.json"),
        r#"{"auths":{},"currentContext":"a"}"#,
    )
    .unwrap();
    let with = |address: &str, tls: PathBuf| Engine::Tcp {
        address: address.to_owned(),
        tls: Some(tls),
    };
    type Row<'a> = (&'a [(&'a str, &'a str)], Result<Engine, &'a str>);
    let rows: [Row<'_>; 18] = [
        (&[], Ok(unix("/a.sock"))),
        (&[("DOCKER_CONTEXT", "b")], Ok(unix("/b.sock"))),
        (
            &[("DOCKER_CONTEXT", "nix")],
            Err("there is none of this name"),
        ),
        (&[("DOCKER_CONTEXT", "far")], Ok(ssh("me@far"))),
        (&[("DOCKER_HOST", "ssh://h:2222")], Ok(ssh("h:2222"))),
        (&[("DOCKER_HOST", "ssh://h/run/x.sock")], Err("ssh://h/run")),
        (
            &[("DOCKER_HOST", "ssh://-oProxyCommand=id")],
            Err("ssh://-o"),
        ),
        (&[("DOCKER_HOST", "ssh://u:secret@h")], Err("ssh://…@h")),
        (&[("DOCKER_CONTEXT", "open")], Err("not to verify")),
        (
            &[("DOCKER_CONTEXT", "tls")],
            Ok(with("far:2376", certificates)),
        ),
        (
            &[("DOCKER_HOST", "unix:///x"), ("DOCKER_CONTEXT", "b")],
            Ok(unix("/x")),
        ),
        (
            &[("DOCKER_HOST", ""), ("DOCKER_CONTEXT", "b")],
            Ok(unix("/b.sock")),
        ),
        (&[("DOCKER_HOST", "tcp://h:5")], Ok(tcp("h:5"))),
        (&[("DOCKER_HOST", "tcp://h")], Ok(tcp("h:2375"))),
        (
            &[("DOCKER_HOST", "tcp://h"), ("DOCKER_TLS_VERIFY", "1")],
            Ok(with("h:2376", config.clone())),
        ),
        (
            &[
                ("DOCKER_HOST", "tcp://h:7"),
                ("DOCKER_TLS_VERIFY", "1"),
                ("DOCKER_CERT_PATH", "/c"),
            ],
            Ok(with("h:7", PathBuf::from("/c"))),
        ),
        (&[("DOCKER_HOST", "npipe:////x")], Err("npipe")),
        (&[("DOCKER_HOST", "nonsense")], Err("nonsense")),
    ];
    for (vars, expect) in rows {
        let around = Around {
            cwd: PathBuf::new(),
            vars: vars
                .iter()
                .map(|(n, v)| (n.into(), v.into()))
                .chain([("HOME".into(), home.path().into())])
                .collect(),
        };
        match (find(&around), expect) {
            (Ok(found), Ok(engine)) => assert_eq!(found, engine, "{vars:?}"),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{error}");
                assert!(!error.fix().is_empty());
            }
            (found, expect) => panic!("{vars:?}: {found:?}, not {expect:?}"),
        }
    }
}
