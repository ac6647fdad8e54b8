//! PHP of another Debian suite in the place of this machine's, for one test: unpacked, started by the
//! loader of the C library it was built for, and seen by nobody outside the test's own view of files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::Scratch;
use crate::cache::link_tree;
use crate::mysql::loader;
use crate::scratch::text;
use crate::suite::debian_tree_of;

/// What says that a process is a test's second one.
const HERE: &str = "KICKOUT_TESTS_NEWER_PHP";

/// The extensions that the tests use, in an order in which they load.
const EXTENSIONS: [&str; 14] = [
    "mysqlnd",
    "pdo",
    "ctype",
    "fileinfo",
    "iconv",
    "posix",
    "tokenizer",
    "exif",
    "mysqli",
    "pdo_mysql",
    "sqlite3",
    "pdo_sqlite",
    "igbinary",
    "redis",
];

/// A PHP to be.
#[derive(Debug)]
pub struct NewerPhp {
    suite: &'static str,
}

impl NewerPhp {
    /// The one of a suite.
    pub fn of(suite: &'static str) -> Self {
        Self { suite }
    }

    /// Whether it is the one in the usual place. Where it is not, the test of this name has been
    /// run in another process where it is, and there is nothing left to do. Needs root.
    pub fn is_here(&self, test: &str) -> bool {
        if std::env::var_os(HERE).is_some() {
            return true;
        }
        let scratch = Scratch::new("php");
        let program = self.program(&scratch);
        let usual = fs::canonicalize("/usr/bin/php").unwrap();
        // The process that is started is the test, and its view of files ends with it.
        let script = r#"mount --bind "$1" "$2" && shift 2 && exec "$@""#;
        let status = Command::new("unshare")
            .args(["--mount", "--", "sh", "-c", script, "sh"])
            .arg(program)
            .arg(usual)
            .arg(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(HERE, "1")
            .status()
            .unwrap();
        assert!(
            status.success(),
            "{test} failed with the PHP of {}",
            self.suite
        );
        false
    }

    /// A script that is that PHP, with all it needs in `scratch`.
    fn program(&self, scratch: &Scratch) -> PathBuf {
        let version = self.version();
        let named = |part: &str| format!("php{version}-{part}");
        let packages = ["cli", "common", "mysql", "sqlite3", "igbinary", "redis"].map(named);
        let packages = packages.each_ref().map(String::as_str);
        let (tree, _) = debian_tree_of(self.suite, &packages);
        let home = scratch.join("usr");
        // Where every account may read it, whoever owns the target directory.
        link_tree(&tree.join("usr"), &home);
        let loader = loader(&home.join("lib"));
        let extensions = fs::read_dir(home.join("lib/php")).unwrap();
        let extensions = extensions
            .map(|entry| entry.unwrap().path())
            .find(|path| path.join("redis.so").exists())
            .expect("the package has extensions");
        let mut ini = format!("extension_dir={}\n", text(&extensions));
        for extension in EXTENSIONS {
            // Some are built in.
            if extensions.join(extension).with_extension("so").exists() {
                ini.push_str(&format!("extension={extension}\n"));
            }
        }
        let ini = scratch.write("php.ini", ini);
        let script = scratch.write(
            "php",
            format!(
                "#!/bin/sh\nexec {} --library-path {} {} -c {} \"$@\"\n",
                text(&loader),
                text(loader.parent().unwrap()),
                text(&home.join(format!("bin/php{version}"))),
                text(&ini),
            ),
        );
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        script
    }

    /// `8.4`
    fn version(&self) -> String {
        let version = crate::suite::debian_version_of(self.suite, "php-cli");
        // `2_8.4+96`
        let version = version.rsplit('_').next().unwrap_or_default();
        version.split('+').next().unwrap_or_default().to_owned()
    }
}
