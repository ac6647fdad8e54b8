//! What is special about a site on SQLite: the official drop-in, and asking the file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::cache::{cached, link_tree};
use crate::scratch::{shell, text};
use crate::site::Store;
use crate::wordpress::{builds, run_installer};
use crate::{Core, Owner, Site, WordPress};

/// Where the drop-in keeps the file unless told otherwise.
pub(crate) const FILE: &str = "wp-content/database/.ht.sqlite";

/// Puts the plugin and the drop-in where activating the plugin puts them.
pub(crate) fn add_drop_in(site: &Site) {
    let plugin = cached("sqlite-database-integration", |dir| {
        let zip = builds().join("src/sqlite-database-integration/sqlite-database-integration.zip");
        shell("unzip", &["-q", &text(&zip), "-d", &text(dir)]);
    });
    let inside = fs::read_dir(plugin)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let place = site
        .root()
        .join("wp-content/plugins/sqlite-database-integration");
    link_tree(&inside, &place);
    let drop_in = fs::read_to_string(place.join("db.copy"))
        .unwrap()
        .replace("{SQLITE_IMPLEMENTATION_FOLDER_PATH}", &text(&place))
        .replace("{SQLITE_PLUGIN}", "sqlite-database-integration/load.php");
    site.write("wp-content/db.php", drop_in);
}

/// Gives a site the tables that the real installer made once, with the usual prefix.
pub(crate) fn copy_database(site: &Site, core: &Core) {
    let Core::Npm(version) = core else {
        return run_installer(site);
    };
    let template = cached(&format!("sqlite-template-{version}"), |dir| {
        let store = Store::Sqlite(PathBuf::from(FILE));
        let site = WordPress::new().core(core.clone()).bare(store);
        add_drop_in(&site);
        run_installer(&site);
        fs::copy(site.root().join(FILE), dir.join("database")).unwrap();
    });
    let file = site.write(FILE, fs::read(template.join("database")).unwrap());
    site.owner().give(file.parent().unwrap());
}

/// Runs SQL on a file as its owner: a journal that root leaves behind would lock the site out.
pub(crate) fn sql(owner: Owner, file: &Path, sql: &str) -> Vec<Vec<String>> {
    let mut shell = owner
        .command("sqlite3")
        .args([
            "-batch",
            "-bail",
            "-cmd",
            ".timeout 5000",
            "-separator",
            "\t",
        ])
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = shell.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(sql.as_bytes()));
        shell.wait_with_output().unwrap()
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.is_empty(),
        "sqlite3: {}: {said}",
        output.status
    );
    let rows = String::from_utf8(output.stdout).unwrap();
    rows.lines()
        .map(|row| row.split('\t').map(str::to_owned).collect())
        .collect()
}
