//! Whether two runs say the same: by bytes where bytes are meant, by cells and by data where the
//! looks are our own.

use kickout_tests::Output;
use serde_json::Value;

use super::Case;
use super::differences::{Difference, Left, Text};

/// What a run did.
pub(super) struct Observed {
    pub(super) output: Output,
    /// The keys left in the stored value of user 1.
    pub(super) left: Vec<String>,
}

/// How a run differs from what WP-CLI did; `None` if it does not.
pub(super) fn with_wp_cli(case: &Case, seen: &Observed) -> Option<String> {
    let expect = &case.expect;
    let output = &seen.output;
    let code = expect["exit"].as_i64().unwrap();
    if output.code.map(i64::from) != Some(code) {
        return Some(format!("exit code {code}"));
    }
    if !same_stdout(case, &output.stdout) {
        return Some(format!("stdout {}", expect["stdout"]));
    }
    let stderr = renamed(expect["stderr"].as_str().unwrap());
    if renamed(&output.stderr) != stderr {
        return Some(format!("stderr {stderr:?}"));
    }
    different_left(expect, &seen.left)
}

/// How a run differs from what Kickout is said to do; `None` if it does not.
pub(super) fn with_ours(case: &Case, named: &Difference, seen: &Observed) -> Option<String> {
    let output = &seen.output;
    if output.code != Some(named.code) {
        return Some(format!("exit code {}", named.code));
    }
    let streams = [
        ("stdout", &named.stdout, &output.stdout),
        ("stderr", &named.stderr, &output.stderr),
    ];
    for (stream, expected, said) in streams {
        let met = match expected {
            Text::Is(text) => said == text,
            Text::Has(parts) => parts.iter().all(|part| said.contains(part)),
            Text::Lines(count) => said.lines().count() == *count,
            Text::AsWpCli if stream == "stdout" => same_stdout(case, said),
            Text::AsWpCli => renamed(said) == renamed(case.expect["stderr"].as_str().unwrap()),
        };
        if !met {
            return Some(format!("{stream} {expected:?}"));
        }
    }
    match named.left {
        Left::AsWpCli => different_left(&case.expect, &seen.left),
        Left::Keys(keys) => {
            // One letter stands for a key of 64 of it.
            let keys: Vec<_> = keys.chars().map(|key| key.to_string().repeat(64)).collect();
            (keys != seen.left).then(|| format!("left {keys:?}"))
        }
    }
}

fn different_left(expect: &Value, left: &[String]) -> Option<String> {
    let expected = expect["sessions_left"].as_array()?;
    let same = expected
        .iter()
        .map(Value::as_str)
        .eq(left.iter().map(|key| Some(key.as_str())));
    (!same).then(|| format!("left {expected:?}"))
}

fn same_stdout(case: &Case, said: &str) -> bool {
    let format = |arg: &Value| {
        arg.as_str()
            .unwrap()
            .strip_prefix("--format=")
            .map(str::to_owned)
    };
    let format = case.input["argv"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(format);
    let Some(expected) = case.expect["stdout"].as_str() else {
        // Too long to be kept: known by its hash alone, which only equal bytes have.
        return sha256(said) == case.expect["stdout"]["sha256"].as_str().unwrap();
    };
    let expected = which_site(&renamed(expected));
    if expected.starts_with('+') {
        return columns(&expected) == columns(said);
    }
    if format.as_deref() == Some("yaml") && expected.starts_with("---") {
        return match (yaml(&expected), yaml(said)) {
            (Some(expected), Some(said)) => expected == said,
            _ => false,
        };
    }
    // Every format ends in a newline here; an empty one stays empty.
    let newline = if expected.is_empty() || expected.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    renamed(said) == expected + newline
}

/// The answer to `option get home` in the words of what stands for it.
fn which_site(home: &str) -> String {
    match home {
        "http://s1.test\n" => "ip\n9.9.9.9\n".to_owned(),
        "http://s2.test\n" => "ip\n2.2.2.2\n".to_owned(),
        other => other.to_owned(),
    }
}

/// The program calls itself by its own name.
fn renamed(text: &str) -> String {
    text.replace("usage: wp ", "usage: kickout ")
        .replace("or: wp ", "or: kickout ")
        .replace("wp user session", "kickout user session")
        .replace("'wp help", "'kickout help")
        .replace("WP-CLI", "Kickout")
}

/// A drawn table by columns: what each of them says from top to bottom, wherever it was wrapped.
fn columns(screen: &str) -> Vec<String> {
    let mut columns = Vec::new();
    for line in screen.lines().filter(|line| line.starts_with('|')) {
        let cells = line.trim_end().trim_matches('|').split('|');
        for (at, cell) in cells.enumerate() {
            if columns.len() <= at {
                columns.push(String::new());
            }
            columns[at] += cell.trim();
        }
    }
    columns
}

fn yaml(text: &str) -> Option<Value> {
    serde_saphyr::from_str::<Value>(text).ok()
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
