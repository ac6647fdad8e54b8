//! `examples/compose`, started: a project of its own name whose images are made here under the names
//! that the example uses, so that whoever has a registry gets the official ones.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::cache::{copy_tree, workspace_root};
use crate::docker::{docker, docker_host, knows_image};
use crate::mariadb::template;
use crate::scratch::{run, shell, text};
use crate::tree::tree;
use crate::wordpress::{core_dir, template_name};
use crate::{Core, Kickout, Scratch, debian_package_of, until};

/// Counts the changes to what is written into the tree.
const LAYOUT: u32 = 3;

/// The packages that the images are made of.
const PACKAGES: [&str; 7] = [
    "libapache2-mod-php",
    "php-cli",
    "php-mysql",
    "mariadb-server-core",
    "mariadb-client-core",
    "coreutils",
    "dash",
];

/// What the images hold beside packages: the file in `data/stack`, and its place.
const FILES: [(&str, &str); 5] = [
    ("docker-entrypoint.sh", "usr/local/bin/docker-entrypoint.sh"),
    (
        "mariadb-entrypoint.sh",
        "usr/local/bin/mariadb-entrypoint.sh",
    ),
    ("healthcheck.sh", "usr/local/bin/healthcheck.sh"),
    ("apache2.conf", "etc/apache2/apache2.conf"),
    (
        "wp-config-docker.php",
        "usr/src/wordpress/wp-config-docker.php",
    ),
];

/// The images by the names in `compose.yaml`, each with what `docker import --change` and `docker
/// commit --change` take.
const WORDPRESS: (&str, &[&str]) = (
    "wordpress:6-apache",
    &[
        r#"ENTRYPOINT ["docker-entrypoint.sh"]"#,
        r#"CMD ["apache2", "-DFOREGROUND"]"#,
        "WORKDIR /var/www/html",
        "EXPOSE 80",
    ],
);
const MARIADB: (&str, &[&str]) = (
    "mariadb:lts",
    &[
        r#"ENTRYPOINT ["mariadb-entrypoint.sh"]"#,
        r#"CMD ["mariadbd", "--no-defaults", "--user=mysql", "--skip-name-resolve", "--datadir=/var/lib/mysql", "--socket=/run/mysqld/mysqld.sock", "--init-file=/run/mysqld/init.sql", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M"]"#,
        "WORKDIR /",
        "EXPOSE 3306",
    ],
);

/// A project of the example; its containers, network and volumes go with the value.
#[derive(Debug)]
pub struct Stack {
    folder: Scratch,
    home: Scratch,
    project: String,
    /// Compose as a plugin of docker's, or a program of its own.
    plugin: bool,
}

impl Stack {
    /// A copy of the example in which nothing runs yet.
    #[expect(clippy::new_without_default)]
    pub fn new() -> Self {
        Self::with(None)
    }

    /// The same with the second generation of compose, from another Debian suite.
    pub fn new_v2() -> Self {
        let (package, _) = debian_package_of("trixie", "docker-compose");
        Self::with(Some(
            &package.join("usr/libexec/docker/cli-plugins/docker-compose"),
        ))
    }

    fn with(plugin: Option<&Path>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        images();
        let folder = Scratch::new("compose");
        let example = workspace_root().join("examples/compose/compose.yaml");
        fs::copy(example, folder.join("compose.yaml")).unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let project = format!("kickout-stack-{}-{number}", std::process::id());
        // As in the example, where this file holds the project's name.
        folder.write(".env", format!("COMPOSE_PROJECT_NAME={project}\nPORT=0\n"));
        let home = Scratch::new("operator");
        if let Some(plugin) = plugin {
            let plugins = home.join(".docker/cli-plugins");
            fs::create_dir_all(&plugins).unwrap();
            symlink(plugin, plugins.join("docker-compose")).unwrap();
        }
        Self {
            folder,
            home,
            project,
            plugin: plugin.is_some(),
        }
    }

    /// The folder to stand in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A run of kickout in the folder, by an operator who has this compose.
    pub fn kickout(&self, args: &[&str]) -> Kickout {
        let run = Kickout::new()
            .cwd(self.folder())
            .env("HOME", self.home.path())
            .args(args);
        match docker_host() {
            Some(host) => run.env("DOCKER_HOST", host),
            None => run,
        }
    }

    /// How many containers of the project there are, of one-off runs or of services.
    pub fn containers(&self, one_off: bool) -> usize {
        let one_off = if one_off { "True" } else { "False" };
        self.ids(&[&format!("oneoff={one_off}")]).lines().count()
    }

    fn ids(&self, labels: &[&str]) -> String {
        let project = format!("project={}", self.project);
        let labels = [&[project.as_str()], labels].concat();
        let filters = labels
            .iter()
            .map(|it| format!("--filter=label=com.docker.compose.{it}"));
        run(docker().args(["ps", "--all", "--quiet"]).args(filters))
    }

    /// The web's container, once there is one.
    pub fn web(&self) -> Option<String> {
        let ids = self.ids(&["service=wordpress", "oneoff=False"]);
        ids.lines().next().map(str::to_owned)
    }

    /// The project's name.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// `docker compose <words>` or `docker-compose <words>`; gives what it prints.
    pub fn compose(&self, words: &[&str]) -> String {
        run(self.command().args(words))
    }

    /// A line of a README, typed in the folder; gives what it prints.
    pub fn types(&self, line: &str) -> String {
        let compose = match self.plugin {
            true => line.to_owned(),
            false => line.replacen("docker compose", "docker-compose", 1),
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", &compose]).current_dir(self.folder.path());
        shell.env("HOME", self.home.path());
        if let Some(host) = docker_host() {
            shell.env("DOCKER_HOST", host);
        }
        run(&mut shell)
    }

    /// Where the site's port is published, `127.0.0.1:<port>`.
    pub fn published(&self) -> String {
        let web = self.web().expect("there is no container");
        run(docker().args(["port", &web, "80/tcp"]))
            .trim()
            .to_owned()
    }

    /// Starts everything, and waits until WordPress is installed in it, by its own installer.
    pub fn up(&self) {
        self.compose(&["up", "-d"]);
        let install = "
            define('WP_INSTALLING', true);
            function wp_new_blog_notification() {}
            define('WP_SITEURL', 'http://localhost');
            $_SERVER['HTTP_HOST'] = 'localhost';
            require 'wp-load.php';
            require_once ABSPATH . 'wp-admin/includes/upgrade.php';
            if (!is_blog_installed()) {
                wp_install('The stack', 'admin', 'admin@example.com', true, '', 'secret');
            }
            echo json_encode(is_blog_installed());";
        until("WordPress is installed", Duration::from_secs(60), || {
            // The site is copied into its volume while the container starts.
            let said = self.exec(install).ok()?;
            (said == Value::Bool(true)).then_some(())
        });
    }

    /// What PHP code prints, as JSON, that runs in the web's container with WordPress loaded.
    pub fn php(&self, code: &str) -> Value {
        let code = format!(
            "$_SERVER['HTTP_HOST'] = 'localhost'; $_SERVER['REQUEST_METHOD'] = 'GET'; require 'wp-load.php'; {code}"
        );
        self.exec(&code)
            .unwrap_or_else(|said| panic!("PHP said {said}"))
    }

    fn exec(&self, code: &str) -> Result<Value, String> {
        // Compose's first generation takes seconds for what takes the engine none.
        let web = self.web().ok_or("there is no container")?;
        let mut exec = docker();
        exec.args(["exec", "--user=www-data", &web, "php", "-r", code]);
        let said = exec.output().unwrap();
        serde_json::from_slice(&said.stdout).map_err(|_| format!("{said:?}"))
    }

    fn command(&self) -> Command {
        let mut compose = match self.plugin {
            true => Command::new("docker"),
            false => Command::new("docker-compose"),
        };
        compose.args(self.plugin.then_some("compose"));
        compose.env("HOME", self.home.path());
        if let Some(host) = docker_host() {
            compose.env("DOCKER_HOST", host);
        }
        compose.current_dir(self.folder.path());
        compose
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self
            .command()
            .args(["down", "--volumes", "--remove-orphans", "--timeout", "1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// Makes the two images, once for the engine.
fn images() {
    // Tests in other processes wait: the images are large.
    let root = root();
    let lock = fs::File::create(root.with_extension("images.lock")).unwrap();
    lock.lock().unwrap();
    if [WORDPRESS.0, MARIADB.0].into_iter().all(knows_image) {
        return;
    }
    let scratch = Scratch::new("image");
    let tar = scratch.join("image.tar");
    run(Command::new("tar").args(["-C", &text(&root), "-cf", &text(&tar), "."]));
    let change = |changes: &[&str]| -> Vec<String> {
        let changes = changes.iter().map(|change| format!("--change={change}"));
        changes.collect()
    };
    run(docker()
        .arg("import")
        .args(change(WORDPRESS.1))
        .arg(&tar)
        .arg(WORDPRESS.0));
    // The same files started otherwise: nothing is copied twice.
    let made = run(docker().args(["create", WORDPRESS.0]));
    run(docker()
        .arg("commit")
        .args(change(MARIADB.1))
        .args([made.trim(), MARIADB.0]));
    run(docker().args(["rm", made.trim()]));
}

/// The files of both images.
fn root() -> std::path::PathBuf {
    let name = format!("stack-{}-{LAYOUT}", template_name());
    tree(&name, &PACKAGES, |dir| {
        fs::create_dir_all(dir.join("usr/src/wordpress")).unwrap();
        copy_tree(
            &core_dir(&Core::Debian).join("."),
            &dir.join("usr/src/wordpress"),
        );
        for (file, place) in FILES {
            let place = dir.join(place);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/stack");
            fs::copy(own.join(file), &place).unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        }
        // What Debian's scripts do when packages are configured, as far as it is needed here.
        let modules = dir.join("usr/lib/apache2/modules");
        let php = fs::read_dir(&modules).unwrap().map(|it| it.unwrap());
        let php = php.map(|it| it.file_name().into_string().unwrap());
        let php = php.into_iter().find(|it| it.starts_with("libphp")).unwrap();
        symlink(&php, modules.join("libphp.so")).unwrap();
        let version = php.trim_start_matches("libphp").trim_end_matches(".so");
        let program = format!("php{version}");
        symlink(program, dir.join("usr/bin/php")).unwrap();
        for server in ["apache2", "cli"] {
            let folder = dir
                .join("etc/php")
                .join(version)
                .join(server)
                .join("conf.d");
            fs::create_dir_all(&folder).unwrap();
            let extensions = "extension=mysqlnd\nextension=mysqli\n";
            fs::write(folder.join("20-mysqli.ini"), extensions).unwrap();
        }
        let data = dir.join("var/lib/mysql");
        fs::create_dir_all(&data).unwrap();
        copy_tree(&template().join("."), &data);
        fs::create_dir_all(dir.join("run/mysqld")).unwrap();
        for folder in ["var/www/html", "etc/apache2/conf-enabled"] {
            fs::create_dir_all(dir.join(folder)).unwrap();
        }
        for place in ["var/lib/mysql", "run/mysqld"] {
            shell("chown", &["-R", "999:999", &text(&dir.join(place))]);
        }
    })
}
