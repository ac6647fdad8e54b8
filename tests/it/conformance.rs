//! What WP-CLI does, case by case, against the real program on a real site: each observed case is
//! matched, or named in `differences` with what Kickout does instead. Nothing is skipped silently.

mod compare;
mod differences;
mod fixture;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kickout_tests::{Kickout, Output, needs, php};
use serde_json::{Value, json};

use compare::Observed;
use fixture::Bench;

/// Sites that work through a group side by side, each its cases one after the other.
const WORKERS: usize = 2;

/// What stands for `option get home`.
const WHICH_SITE: [&str; 6] = [
    "user",
    "session",
    "list",
    "admin",
    "--fields=ip",
    "--format=csv",
];

/// One observed case.
#[derive(Debug, Clone)]
struct Case {
    id: String,
    input: Value,
    expect: Value,
}

fn cases(group: &str) -> Vec<Case> {
    let text = include_str!("../data/wpcli-cases.json");
    let all: Vec<Value> = serde_json::from_str(text).unwrap();
    let cases = all
        .into_iter()
        .filter(|case| case["group"] == group)
        .map(|case| Case {
            id: case["id"].as_str().unwrap().to_owned(),
            input: case["input"].clone(),
            expect: case["expect"].clone(),
        });
    // These record what WP-CLI hands to ssh, docker and vagrant. Kickout hands nothing to them:
    // the connection strings themselves are cases of the group `ssh-parse`.
    cases
        .filter(|case| !case.id.starts_with("remote-"))
        .collect()
}

#[test]
fn session_destroy() {
    needs!(WordPress);
    check("session-destroy");
}

#[test]
fn session_list() {
    needs!(WordPress);
    check("session-list");
}

#[test]
fn user_resolve() {
    needs!(WordPress);
    check("user-resolve");
}

#[test]
fn globals() {
    needs!(WordPress);
    check("globals");
}

/// A name that no case carries would hide a difference that is gone, or a slip of the pen.
#[test]
fn every_difference_names_a_case() {
    let groups = ["session-destroy", "session-list", "user-resolve", "globals"];
    let known: Vec<_> = groups
        .into_iter()
        .flat_map(cases)
        .map(|case| case.id)
        .collect();
    let mut named = BTreeMap::new();
    for difference in differences::ALL {
        assert!(
            known.iter().any(|id| id == difference.case),
            "no case `{}`",
            difference.case
        );
        let before = named.insert(difference.case, difference.why);
        assert!(before.is_none(), "`{}` is named twice", difference.case);
    }
}

fn check(group: &str) {
    let observed = observe(&cases(group));
    let mut wrong = Vec::new();
    for (case, seen) in &observed {
        let named = differences::ALL.iter().find(|named| named.case == case.id);
        let mismatch = compare::with_wp_cli(case, seen);
        let verdict = match (named, mismatch) {
            (None, None) => None,
            (None, Some(how)) => Some(format!("differs from WP-CLI: {how}")),
            (Some(named), None) => Some(format!(
                "is named ({}), but matches WP-CLI: stale",
                named.number
            )),
            (Some(named), Some(_)) => compare::with_ours(case, named, seen)
                .map(|how| format!("differs from what {} says: {how}", named.number)),
        };
        if let Some(verdict) = verdict {
            let story = seen.output.to_snapshot();
            wrong.push(format!(
                "=== {} {verdict}\nleft: {:?}\n{story}",
                case.id, seen.left
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases of {group}:\n{}",
        wrong.len(),
        observed.len(),
        wrong.join("\n")
    );
}

/// Runs all cases; the order of the answer is the order of the cases.
fn observe(cases: &[Case]) -> Vec<(Case, Observed)> {
    let next = AtomicUsize::new(0);
    let seen = Mutex::new(BTreeMap::new());
    let sessions = fixture::Sessions::prepare(cases);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let bench = Bench::set_up(&sessions);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { break };
                    bench.seed(&case.input);
                    let output = run(&bench, &case.input);
                    let left = bench.left();
                    seen.lock().unwrap().insert(at, (output, left));
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    let stored: Vec<_> = seen.values().map(|(_, left)| left.clone()).collect();
    let keys = keys_of(&stored);
    let observed = seen
        .into_values()
        .zip(keys)
        .map(|((output, _), left)| Observed { output, left });
    cases.iter().cloned().zip(observed).collect()
}

fn run(bench: &Bench<'_>, input: &Value) -> Output {
    let mut kickout = Kickout::new().cwd(bench.directory(input["cwd"].as_str().unwrap()));
    let argv: Vec<_> = input["argv"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    // It only asks which site was addressed: the session of its admin tells as well.
    let argv = if argv == ["option", "get", "home"] {
        WHICH_SITE.to_vec()
    } else {
        argv
    };
    for arg in argv {
        kickout = kickout.arg(bench.placed(arg));
    }
    if let Some(env) = input["env"].as_object() {
        for (name, value) in env {
            kickout = kickout.env(name, bench.placed(value.as_str().unwrap()));
        }
    }
    if let Some(config) = input["home_config"].as_str() {
        kickout = kickout.home_file(".wp-cli/config.yml", &bench.placed(config));
    }
    let stdin = input["stdin"].as_str();
    let mut output = if input["tty"] == json!(true) {
        let columns = input["columns"].as_u64().unwrap_or(80).try_into().unwrap();
        let mut terminal = kickout.tty(columns);
        if let Some(keys) = stdin {
            terminal.send(keys);
        }
        terminal.finish()
    } else {
        kickout.stdin(stdin.unwrap_or_default()).run()
    };
    output.stdout = bench.unplaced(&output.stdout);
    output.stderr = bench.unplaced(&output.stderr);
    output
}

/// The top-level keys of stored values, as PHP reads them.
fn keys_of(stored: &[Option<Vec<u8>>]) -> Vec<Vec<String>> {
    let hex = |value: &Vec<u8>| {
        value
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let keys = php(
        "return array_map(static function ($hex) {
            $value = $hex === null ? null : @unserialize(hex2bin($hex));
            return is_array($value) ? array_map('strval', array_keys($value)) : [];
        }, $args);",
        &json!(
            stored
                .iter()
                .map(|value| value.as_ref().map(hex))
                .collect::<Vec<_>>()
        ),
    );
    serde_json::from_value(keys).unwrap()
}
