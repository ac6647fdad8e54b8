//! A site of the official Docker image: from outside its container it is refused, and the reason
//! names the variable; inside, its environment counts.

use std::path::Path;

use kickout_tests::{Binaries, Kickout, Scratch, WordPress, needs};

/// The image's `wp-config-docker.php`, but for its comments.
const TEMPLATE: &str = include_str!("../data/stack/wp-config-docker.php");

/// Runs its arguments in a root of their own, where only `$MARK` says that this is a container, and
/// a process named `$SERVER` that it serves the site; both have the container's environment.
const ELSEWHERE: &str = r#"
set -e
new=$1; shift
mount -t tmpfs none "$new"
for place in /*; do
    name=${place#/}
    if [ "$name" = proc ]; then mkdir "$new/proc"; mount -t proc none "$new/proc"
    elif [ -L "$place" ]; then cp -P "$place" "$new/"
    elif [ -d "$place" ]; then mkdir "$new/$name"; mount --rbind "$place" "$new/$name"
    fi
done
[ -z "$MARK" ] || : > "$new/$MARK"
if [ -n "$SERVER" ]; then
    cp /bin/sleep "$new/$SERVER"
    chroot "$new" "/$SERVER" 600 >/dev/null 2>&1 &
    until grep -qs "^$SERVER$" "$new"/proc/[0-9]*/comm; do :; done
fi
exec chroot "$new" "$@"
"#;

fn elsewhere(mark: &str, server: &str, root: &Scratch) -> Kickout {
    Kickout::program(Path::new("/usr/bin/unshare"))
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "/bin/sh",
            "-c",
            ELSEWHERE,
            "sh",
        ])
        .arg(root.path())
        .arg(&Binaries::dev().kickout)
        .env("MARK", mark)
        .env("SERVER", server)
}

#[test]
fn outside_its_container_it_is_refused() {
    needs!(Root);
    let site = Scratch::new("docker");
    site.write("wp-load.php", "<?php\n");
    site.write("wp-includes/version.php", "<?php\n$wp_version = '6.8';\n");
    site.write("wp-config.php", TEMPLATE);
    let root = Scratch::new("root");
    let path = format!("--path={}", site.path().display());
    let commands: [&[&str]; 3] = [
        &["user", "session", "list", "admin"],
        &["user", "session", "destroy", "admin", "--all"],
        &["user", "list"],
    ];
    for command in commands {
        // What the operator has in his own environment is not what the container has.
        let run = elsewhere("", "apache2", &root).args(command).arg(&path);
        let run = run
            .env("WORDPRESS_DB_NAME", "mine")
            .env("WORDPRESS_DB_PASSWORD", "0ther");
        let run = run
            .run()
            .code(1)
            .stdout("")
            .never_says("0ther")
            .never_says("example password");
        let run = run
            .stderr_has("wp-config.php line ")
            .stderr_has("WORDPRESS_");
        drop(run.stderr_has("run kickout inside it"));
    }
    let doctor = elsewhere("", "apache2", &root)
        .arg("doctor")
        .arg(&path)
        .run()
        .code(1);
    doctor
        .stdout_has("WORDPRESS_DB_NAME")
        .never_says("example password");
    // In a container without the variables, the template's own values are no configuration.
    let bare = |server| {
        elsewhere(".dockerenv", server, &root)
            .args(commands[0])
            .arg(&path)
            .run()
    };
    bare("apache2")
        .code(1)
        .stderr_has("sample values (example username");
    // A container that only mounts the site is not the one that serves it.
    bare("").code(1).stderr_has("run kickout inside it");
}

/// In the container its variables count, and the files that `…_FILE` names.
#[test]
fn inside_its_container_it_is_read() {
    needs!(WordPress, Root);
    let site = WordPress::new().install();
    let database = site.database().clone();
    let cookie = site.login("admin", "A", "::1");
    let config = std::fs::read(site.root().join("wp-config.php")).unwrap();
    site.write("wp-config.php", TEMPLATE);
    let secret = site
        .around()
        .write("secret", format!("{}\r\n", database.password));
    let root = Scratch::new("root");
    let inside = |server: &str, args: &[&str]| {
        elsewhere(".dockerenv", server, &root)
            .args(args)
            .arg(format!("--path={}", site.root().display()))
            .env("WORDPRESS_DB_NAME", &database.name)
            .env("WORDPRESS_DB_USER", &database.user)
            .env("WORDPRESS_DB_PASSWORD_FILE", &secret)
            .env("WORDPRESS_DB_HOST", database.by_socket())
            .run()
    };
    for server in ["apache2", "php-fpm"] {
        inside(
            server,
            &["user", "session", "list", "admin", "--format=count"],
        )
        .success()
        .stdout("1\n");
    }
    let run = inside("apache2", &["user", "session", "destroy", "admin"]).success();
    run.stdout("Success: Destroyed session. 0 sessions remaining.\n");
    site.write("wp-config.php", config);
    assert!(!site.cookie_is_valid(&cookie));
}

/// PHP, where it has to be asked, has them too: then they are no doubt.
#[test]
fn inside_its_container_php_has_them() {
    needs!(WordPress, Root);
    let site = WordPress::new().install();
    let name = site.database().name.clone();
    let cookie = site.login("admin", "A", "::1");
    let config = std::fs::read_to_string(site.root().join("wp-config.php")).unwrap();
    let plain = format!("define( 'DB_NAME', '{name}' );");
    let asked = "foreach (['DB_NAME' => 'OF_THE_WEB'] as $k => $v) { define($k, getenv('DB_' . $v) . getenv('DB_B')); }";
    site.write("wp-config.php", config.replace(&plain, asked));
    let root = Scratch::new("root");
    let rows = [("", 1), (".dockerenv", 0)];
    for (mark, code) in rows {
        let run = elsewhere(mark, "apache2", &root)
            .args(["user", "session", "destroy", "admin", "--debug"])
            .arg(format!("--path={}", site.root().display()))
            .env("DB_OF_THE_WEB", &name)
            .env("DB_B", "")
            .run();
        let run = run.code(code);
        if code == 0 {
            run.stderr_has("evaluated with php").stderr_has("native: ");
        }
    }
    site.write("wp-config.php", &config);
    assert!(!site.cookie_is_valid(&cookie));
}
