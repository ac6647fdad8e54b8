//! The configuration reader against real PHP: whatever it calls resolved is what PHP says, in
//! every environment, and each file of the corpus resolves exactly as `expected` states.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kickout_agent::site::{self, Config, Environment, Setting};

/// Every name the reader exists for; all of them are compared in every file.
const NAMES: [&str; 36] = [
    "DB_NAME",
    "DB_USER",
    "DB_PASSWORD",
    "DB_HOST",
    "DB_CHARSET",
    "DB_COLLATE",
    "MYSQL_CLIENT_FLAGS",
    "CUSTOM_USER_TABLE",
    "CUSTOM_USER_META_TABLE",
    "MULTISITE",
    "WP_ALLOW_MULTISITE",
    "DOMAIN_CURRENT_SITE",
    "WP_CONTENT_DIR",
    "WP_PLUGIN_DIR",
    "WPMU_PLUGIN_DIR",
    "DB_ENGINE",
    "DATABASE_ENGINE",
    "DB_DIR",
    "DB_FILE",
    "FQDB",
    "FQDBDIR",
    "WP_CACHE_KEY_SALT",
    "WP_REDIS_HOST",
    "WP_REDIS_DISABLED",
    "AUTH_KEY",
    "SECURE_AUTH_KEY",
    "LOGGED_IN_KEY",
    "NONCE_KEY",
    "AUTH_SALT",
    "SECURE_AUTH_SALT",
    "LOGGED_IN_SALT",
    "NONCE_SALT",
    "WP_HOME",
    "WP_SITEURL",
    "ABSPATH",
    "$table_prefix",
];

/// Prints `name hex` for every defined name when the configuration ends, however it ends; then
/// kills the process, so that no configuration prints after it.
const DUMP: &str = r#"
register_shutdown_function(function () {
    $out = '';
    foreach (explode(',', getenv('KICKOUT_NAMES')) as $name) {
        if ($name === '$table_prefix') {
            if (isset($GLOBALS['table_prefix']))
                $out .= $name . ' ' . bin2hex($GLOBALS['table_prefix']) . "\n";
        } elseif (defined($name) && !is_array(constant($name))) {
            $out .= $name . ' ' . bin2hex((string) constant($name)) . "\n";
        }
    }
    file_put_contents(getenv('KICKOUT_OUT'), $out);
});
foreach (['COMPRESS' => 32, 'SSL' => 2048, 'SSL_DONT_VERIFY_SERVER_CERT' => 64] as $k => $v) {
    if (!defined("MYSQLI_CLIENT_$k")) define("MYSQLI_CLIENT_$k", $v);
}
define('ABSPATH', getenv('KICKOUT_ROOT') . '/');
require ABSPATH . 'wp-config.php';
"#;

struct Expected {
    file: String,
    environment: Vec<(String, String)>,
    host: Option<String>,
    rows: Vec<String>,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/wp-config")
}

fn expected() -> Vec<Expected> {
    let text = fs::read_to_string(corpus().join("expected")).unwrap();
    let mut all: Vec<Expected> = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(file) = line.strip_prefix('[') {
            let file = file.trim_end_matches(']').to_owned();
            all.push(Expected {
                file,
                environment: Vec::new(),
                host: None,
                rows: Vec::new(),
            });
        } else if let Some(variable) = line.strip_prefix("env ") {
            let (name, value) = variable.split_once('=').unwrap();
            let last = all.last_mut().unwrap();
            last.environment.push((name.to_owned(), value.to_owned()));
        } else if let Some(host) = line.strip_prefix("host ") {
            all.last_mut().unwrap().host = Some(host.to_owned());
        } else {
            all.last_mut().unwrap().rows.push(line.to_owned());
        }
    }
    all
}

/// A WordPress root of stubs with one configuration of the corpus.
fn stub(file: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap().join("site");
    fs::create_dir_all(root.join("wp-includes")).unwrap();
    fs::create_dir_all(root.join("inc")).unwrap();
    for name in ["wp-load.php", "wp-settings.php", "wp-includes/version.php"] {
        fs::write(root.join(name), "<?php\n").unwrap();
    }
    for entry in fs::read_dir(corpus().join("inc")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), root.join("inc").join(entry.file_name())).unwrap();
    }
    fs::copy(corpus().join(file), root.join("wp-config.php")).unwrap();
    (dir, root)
}

/// What PHP says; None when PHP died of a parse error or a fatal one.
fn php(root: &Path, variables: &[(String, String)]) -> Option<BTreeMap<String, String>> {
    let out = root.join("out");
    let status = Command::new("php")
        .args([
            "-n",
            "-d",
            "display_errors=0",
            "-d",
            "variables_order=EGPCS",
            "-r",
            DUMP,
        ])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("KICKOUT_NAMES", NAMES.join(","))
        .env("KICKOUT_OUT", &out)
        .env("KICKOUT_ROOT", root)
        .envs(variables.iter().cloned())
        .current_dir("/")
        .output()
        .expect("php runs")
        .status;
    if status.code() == Some(255) {
        return None;
    }
    let text = fs::read_to_string(&out).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    Some(
        pairs
            .map(|(name, hex)| (name.to_owned(), hex.to_owned()))
            .collect(),
    )
}

fn setting(config: &Config<'_>, name: &str) -> Setting {
    if name == "$table_prefix" {
        config.table_prefix()
    } else {
        config.get(name)
    }
}

#[test]
fn resolved_means_what_php_says() {
    let mut trouble = Vec::new();
    let mut compared = 0;
    for case in expected() {
        let (_dir, root) = stub(&case.file);
        let place = |text: &str| text.replace("{root}", root.to_str().unwrap());
        let given: Vec<(String, String)> = case
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), place(value)))
            .collect();
        let environment = if given.is_empty() {
            Environment::unknown()
        } else {
            let pairs = given
                .iter()
                .map(|(n, v)| (OsString::from(n), OsString::from(v)));
            Environment::of_process(pairs)
        };
        let environment = environment.asked_at(case.host.as_deref());
        let found = site::at(&root).unwrap();
        let config = match Config::read(&found, &environment) {
            Ok(config) => config,
            Err(error) => {
                let row = case.rows.iter().find_map(|row| row.strip_prefix("! "));
                let (fragment, line) = row.and_then(|row| row.rsplit_once('@')).unwrap_or_default();
                let text = error.to_string();
                if !text.contains(fragment) || !text.contains(&format!("line {line}:")) {
                    trouble.push(format!("{}: {text}", case.file));
                }
                continue;
            }
        };
        for row in &case.rows {
            if let Err(seen) = check(&config, row) {
                trouble.push(format!("{}: `{row}`, but {seen}", case.file));
            }
        }
        // Unknown to the reader, so the values must hold in all of these.
        let mut decoys: Vec<(String, String)> = NAMES
            .iter()
            .chain(&[
                "WP_DB",
                "U",
                "H",
                "PW",
                "PREFIX",
                "A",
                "WP_ENV",
                "WORDPRESS_DB_NAME",
            ])
            .filter(|name| !name.starts_with('$'))
            .map(|name| ((*name).to_owned(), "decoy".to_owned()))
            .collect();
        let asked = case.host.map(|host| ("HTTP_HOST".to_owned(), host));
        decoys.push(
            asked
                .clone()
                .unwrap_or(("HTTP_HOST".into(), "a.test".into())),
        );
        let worlds = if given.is_empty() {
            vec![asked.into_iter().collect(), decoys]
        } else {
            vec![given]
        };
        for world in worlds {
            let Some(truth) = php(&root, &world) else {
                continue;
            };
            for name in NAMES {
                let ours = match setting(&config, name) {
                    Setting::Value { value, .. } => value.to_bytes().map(|bytes| hex(&bytes)),
                    Setting::Unset => None,
                    Setting::Unresolved { .. } => continue,
                };
                compared += 1;
                if ours.as_ref() != truth.get(name) {
                    let php = truth.get(name);
                    trouble.push(format!("{}: {name} is {php:?}, not {ours:?}", case.file));
                }
            }
        }
    }
    assert!(trouble.is_empty(), "{}", trouble.join("\n"));
    assert!(compared > 3000, "only {compared} comparisons");
}

#[test]
fn every_file_of_the_corpus_is_expected() {
    let named: Vec<String> = expected().into_iter().map(|case| case.file).collect();
    for entry in fs::read_dir(corpus()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".php") {
            assert!(named.contains(&name), "{name} has no expectation");
        }
    }
}

fn check(config: &Config<'_>, row: &str) -> Result<(), String> {
    let (name, rest) = row.split_once(' ').unwrap();
    let (sign, want) = rest.split_once(' ').unwrap_or((rest, ""));
    let seen = setting(config, name);
    let right = match &seen {
        Setting::Value { value, source } => {
            let text = value
                .to_bytes()
                .unwrap_or_default()
                .escape_ascii()
                .to_string();
            if (sign, text.as_str()) != ("=", want) || source.line == 0 {
                return Err(format!("it is {text:?}"));
            }
            true
        }
        Setting::Unset => sign == "-",
        Setting::Unresolved { source, reason } => {
            let (fragment, line) = want.rsplit_once('@').unwrap_or((want, ""));
            let line_right = line.is_empty() || line == source.line.to_string();
            sign == "?" && reason.starts_with(name) && reason.contains(fragment) && line_right
        }
    };
    if right {
        Ok(())
    } else {
        Err(format!("{seen:?}"))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
