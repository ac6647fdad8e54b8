//! Which files are found, in which order, on a real disk.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Surroundings, load_layers};

/// A directory that goes with its test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root =
            std::env::temp_dir().join(format!("kickout-layers-{}-{number}", std::process::id()));
        for (file, text) in files {
            let file = root.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self(root)
    }

    fn around(&self, cwd: &str, vars: &[(&str, &str)]) -> Surroundings {
        let mut around = Surroundings {
            cwd: self.0.join(cwd),
            ..Surroundings::default()
        };
        // The machine of the test may have settings of its own.
        let defaults = [("WP_CLI_SYSTEM_SETTINGS_PATH", "etc.yml"), ("HOME", "home")];
        for (name, value) in defaults.iter().chain(vars) {
            let value = if value.is_empty() {
                OsString::new()
            } else {
                self.0.join(value).into()
            };
            around.vars.insert(name.into(), value);
        }
        around
    }

    /// The files of the layers, or the error, with the scratch directory left out.
    fn layers(&self, cwd: &str, vars: &[(&str, &str)]) -> String {
        let short = |path: &Path| {
            path.strip_prefix(&self.0)
                .unwrap_or(path)
                .display()
                .to_string()
        };
        match load_layers(&self.around(cwd, vars)) {
            Ok(layers) => layers
                .iter()
                .map(|l| short(&l.file))
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error
                .to_string()
                .replace(&format!("{}/", self.0.display()), ""),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn three_layers_in_order() {
    let scratch = Scratch::new(&[
        ("etc.yml", "color: on"),
        ("home/.wp-cli/config.yml", ""),
        ("other.yml", ""),
        ("p/wp-cli.yml", "quiet: on"),
        ("p/a/b/file", ""),
        ("q/wp-cli.yml", ""),
        ("q/wp-cli.local.yml", ""),
    ]);
    for (cwd, vars, expect) in [
        (
            "p/a/b",
            &[][..],
            "etc.yml home/.wp-cli/config.yml p/wp-cli.yml",
        ),
        (
            "q",
            &[],
            "etc.yml home/.wp-cli/config.yml q/wp-cli.local.yml",
        ),
        (
            "q",
            &[("WP_CLI_CONFIG_PATH", "other.yml")],
            "etc.yml other.yml q/wp-cli.local.yml",
        ),
        (
            "q",
            &[("WP_CLI_CONFIG_PATH", "none.yml")],
            "etc.yml q/wp-cli.local.yml",
        ),
        (
            "home",
            &[("WP_CLI_CONFIG_PATH", "")],
            "etc.yml home/.wp-cli/config.yml",
        ),
        (
            "home",
            &[("WP_CLI_SYSTEM_SETTINGS_PATH", "none"), ("HOME", "")],
            "",
        ),
    ] {
        assert_eq!(scratch.layers(cwd, vars), expect, "{cwd} {vars:?}");
    }
}

#[test]
fn the_search_ends_at_the_second_wordpress() {
    let scratch = Scratch::new(&[
        ("wp-cli.yml", ""),
        ("one/wp-load.php", ""),
        ("one/two/wp-load.php", ""),
        ("one/two/three/wp-load.php", ""),
        ("one/two/wp-cli.yml", ""),
    ]);
    assert_eq!(scratch.layers("one", &[]), "wp-cli.yml");
    assert_eq!(scratch.layers("one/two", &[]), "one/two/wp-cli.yml");
    assert_eq!(scratch.layers("one/two/three", &[]), "");
}

#[test]
fn inherited_files_lie_below_and_loops_end() {
    let scratch = Scratch::new(&[
        ("a/wp-cli.local.yml", "_: {inherit: wp-cli.yml}\ncolor: off"),
        ("a/wp-cli.yml", "_:\n  inherit: ../base.yml"),
        ("base.yml", "_:\n  inherit: a/../a/wp-cli.yml"),
        ("b/wp-cli.yml", "_: {inherit: ./wp-cli.yml}"),
        ("c/wp-cli.yml", "_: {inherit: gone.yml}"),
    ]);
    for (cwd, expect) in [
        ("a", "a/../base.yml a/wp-cli.yml a/wp-cli.local.yml"),
        ("b", "b/wp-cli.yml"),
        ("c", "Cannot read c/gone.yml: no such file."),
    ] {
        assert_eq!(scratch.layers(cwd, &[]), expect);
    }
}

#[test]
fn files_that_cannot_be_used_are_errors() {
    let scratch = Scratch::new(&[
        ("a/wp-cli.yml", "x: [1"),
        ("b/wp-cli.yml/file", ""),
        ("c/wp-cli.yml", ""),
        ("d/wp-cli.yml", &"#".repeat(10 * 1024 * 1024 + 1)),
    ]);
    fs::write(scratch.0.join("c/wp-cli.yml"), b"a: 1\nb: \xff\n").unwrap();
    assert_eq!(
        scratch.layers("a", &[]),
        "a/wp-cli.yml:1: unclosed bracket '['."
    );
    assert!(
        scratch
            .layers("b", &[])
            .starts_with("Cannot read b/wp-cli.yml: ")
    );
    assert_eq!(scratch.layers("c", &[]), "c/wp-cli.yml:2: not UTF-8 text.");
    assert_eq!(
        scratch.layers("d", &[]),
        "d/wp-cli.yml is larger than 10485760 bytes."
    );
}
