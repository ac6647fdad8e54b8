//! Debian's own `wp-config.php`, out of its real package: a file for each host in `/etc/wordpress`,
//! and a web server that may name another.

use std::path::Path;

use kickout_tests::{Binaries, Kickout, Output, Scratch, Site, WordPress, debian_package, needs};

use crate::php::ALONE;

/// Runs its arguments where `/etc` has more in it than this machine's.
const WITH: &str = r#"
set -e
etc=$1/etc; more=$2; shift 2
cp -a /etc "$etc" && cp -a "$more/." "$etc/"
mount --bind "$etc" /etc
exec "$@"
"#;

/// A site with the real file, and what `/etc` has for it.
struct Debian {
    site: Site,
    etc: Scratch,
    own: String,
}

impl Debian {
    fn new() -> Self {
        let site = WordPress::new().install();
        let (package, _) = debian_package("wordpress");
        let real = std::fs::read(package.join("usr/share/wordpress/wp-config.php")).unwrap();
        let path = site.root().join("wp-config.php");
        let own = std::fs::read_to_string(&path).unwrap();
        let etc = Scratch::new("etc");
        let (name, root) = (&site.database().name, site.root().display());
        let lines = own.lines().filter(|line| line.contains("'DB_"));
        let lines: Vec<&str> = lines.collect();
        let settings = |database: &str| {
            let lines = lines.join("\n").replacen(name.as_str(), database, 1);
            format!("<?php\n{lines}\ndefine('WP_CONTENT_DIR', '{root}/wp-content');\n")
        };
        etc.write("wordpress/config-s1.test.php", settings(name));
        etc.write("wordpress/config-other.test.php", settings("another"));
        // As the package has it: root's.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, real).unwrap();
        Self { site, etc, own }
    }

    fn run(&self, args: &[&str]) -> Output {
        let place = Scratch::new("place");
        Kickout::program(Path::new("/usr/bin/unshare"))
            .args(ALONE)
            .args(["/bin/sh", "-c", WITH, "sh"])
            .args([place.path(), self.etc.path()])
            .arg(&Binaries::dev().kickout)
            .args(args)
            .cwd(self.site.root())
            .run()
    }
}

const ALL: [&str; 6] = ["user", "session", "destroy", "admin", "--all", "--debug"];

#[test]
fn the_host_chooses() {
    needs!(WordPress, Root);
    let debian = Debian::new();
    let server = |line: &str| {
        debian.etc.write("apache2/apache2.conf", line);
    };
    server("# Nothing names a configuration here.\n");
    let hosts = "Pass --url=<host>: there are settings for other.test, s1.test.";
    let rows: [(&[&str], &str, i32, &str, &str); 5] = [
        (
            &[],
            "",
            1,
            "the host of a request selects the settings",
            hosts,
        ),
        (
            &["--url=no.test"],
            "",
            1,
            "selects the settings: none for no.test",
            hosts,
        ),
        (
            &["--url=http://s1.test/"],
            "",
            0,
            "native: ",
            "Debug (engine)",
        ),
        (
            &["--url=s1.test"],
            "SetEnv WORDPRESS_CONFIG other.test\n",
            1,
            "$_SERVER['WORDPRESS_CONFIG']",
            "--php-user=<account>",
        ),
        (
            &["--url=s1.test", "--php-user=www-data"],
            "SetEnv WORDPRESS_CONFIG other.test\n",
            5,
            "depends on $_SERVER['WORDPRESS_CONFIG']: the web server's may be another",
            "configuration evaluated with php",
        ),
    ];
    let settings = std::fs::read(debian.site.root().join("wp-config.php")).unwrap();
    for (words, line, code, said, more) in rows {
        debian.site.write("wp-config.php", &debian.own);
        let cookie = debian.site.login("admin", "A", "::1");
        let path = debian.site.root().join("wp-config.php");
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &settings).unwrap();
        if !line.is_empty() {
            server(line);
        }
        let run = debian.run(&[&ALL[..], words].concat()).code(code);
        let run = run.stderr_has(said).stderr_has(more);
        run.never_says(&debian.site.database().password);
        let doctor = debian.run(&[&["doctor"], words].concat());
        doctor.code(i32::from(code == 1));
        debian.site.write("wp-config.php", &debian.own);
        assert_eq!(debian.site.cookie_is_valid(&cookie), code == 1, "{words:?}");
    }
}
