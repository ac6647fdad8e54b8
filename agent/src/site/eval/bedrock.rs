//! Roots' Bedrock: `Config::define`, `env()` and phpdotenv as its `config/application.php` uses
//! them, when the project has that shape.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::state::{DEPENDS, Eval, Evaluator, Val, lossy};
use crate::site::literal::{Literal, Source};
use crate::site::php::Expr;
use crate::site::read;

const CONFIG: &[u8] = b"roots\\wpconfig\\config";
const DOTENV: &[u8] = b"dotenv\\";

/// What a Bedrock configuration has set up so far.
#[derive(Default)]
pub(super) struct Bedrock {
    /// The project's autoloader was met.
    pub(super) active: bool,
    /// The code wrote to `$_ENV`.
    pub(super) environment_changed: bool,
    /// `Config::define`d and not applied yet.
    pending: Vec<(Vec<u8>, Val, Source)>,
    /// Directory and file names given to phpdotenv.
    pub(super) files: Vec<PathBuf>,
    pub(super) first_only: bool,
    pub(super) loaded: HashMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Evaluator<'_> {
    /// Composer's autoloader of a project that has Bedrock's `config/application.php`.
    pub(super) fn is_bedrock_autoload(&mut self, path: &[u8]) -> bool {
        let Some(project) = path.strip_suffix(b"/vendor/autoload.php") else {
            return false;
        };
        let project = Path::new(OsStr::from_bytes(project));
        let application = project.join("config/application.php");
        let Ok(text) = read::file(&application, read::MAX_CONFIG_BYTES) else {
            return false;
        };
        let shape = b"Roots\\WPConfig\\Config";
        let found = text.windows(shape.len()).any(|window| window == shape);
        self.bedrock.active |= found && project.is_absolute();
        self.bedrock.active
    }

    pub(super) fn class_name(&self, written: &[u8]) -> Vec<u8> {
        let name = written.to_ascii_lowercase();
        if let Some(rooted) = name.strip_prefix(b"\\") {
            return rooted.to_vec();
        }
        self.imports
            .get(&("class", name.clone()))
            .cloned()
            .unwrap_or(name)
    }

    /// `Env\Env::$options = 31`: the conversions that `bedrock_env` assumes or refuses.
    pub(super) fn sets_env_options(&self, class: &[u8], member: &[u8]) -> bool {
        self.bedrock.active && self.class_name(class) == b"env\\env" && member == b"options"
    }

    pub(super) fn static_call(
        &mut self,
        class: &[u8],
        method: &[u8],
        arguments: &[Expr],
    ) -> Eval<Val> {
        let name = self.class_name(class);
        if !self.bedrock.active || !(name == CONFIG || name.starts_with(DOTENV)) {
            return self.unknown_call(&[class, b"::", method].concat(), arguments);
        }
        let source = self.here();
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.value(argument)?);
        }
        let known = match (name.as_slice(), method, values.as_slice()) {
            (CONFIG, b"define", [Ok(Literal::Text(key)), value]) => {
                let value = self.doubt.clone().map_or_else(|| value.clone(), Err);
                self.bedrock.pending.retain(|(name, ..)| name != key);
                self.bedrock.pending.push((key.clone(), value, source));
                true
            }
            (CONFIG, b"get", [Ok(Literal::Text(key))]) => {
                let found = self.bedrock.pending.iter().find(|(name, ..)| name == key);
                return Ok(match found {
                    Some((_, value, _)) => value.clone(),
                    None => self.unknown(format!("{}, which is not set here", lossy(key))),
                });
            }
            (CONFIG, b"apply", []) => {
                for (name, value, source) in std::mem::take(&mut self.bedrock.pending) {
                    self.define(&name, value, source);
                }
                true
            }
            (b"dotenv\\repository\\repositorybuilder", b"createwithnoadapters", []) => true,
            (b"dotenv\\dotenv", b"create", [_, rest @ ..])
            | (b"dotenv\\dotenv", b"createimmutable" | b"createunsafeimmutable", rest) => {
                self.dotenv_files(rest)
            }
            _ => false,
        };
        if !known {
            self.taint(format!("{}::{}()", lossy(class), lossy(method)));
        }
        Ok(self.unknown(format!("{}::{}()", lossy(class), lossy(method))))
    }

    pub(super) fn method(&mut self, object: &Expr, method: &[u8], arguments: &[Expr]) -> Eval<Val> {
        self.effect(object)?;
        for argument in arguments {
            // A class name as argument loads nothing: `Adapter::class`.
            self.effect(argument)?;
        }
        let harmless = [
            &b"addadapter"[..],
            b"immutable",
            b"make",
            b"required",
            b"notempty",
            b"load",
            b"safeload",
            b"ifpresent",
        ];
        let dotenv = self.bedrock.active && self.is_dotenv(object) && harmless.contains(&method);
        if !dotenv {
            self.taint(format!("the method {}()", lossy(method)));
        } else if matches!(method, b"load" | b"safeload") {
            self.dotenv_load();
        }
        Ok(self.unknown(format!("the method {}()", lossy(method))))
    }

    /// Objects that phpdotenv's builders return, directly or through a variable of the template.
    fn is_dotenv(&self, object: &Expr) -> bool {
        match object {
            Expr::Static(class, ..) => self.class_name(class).starts_with(DOTENV),
            Expr::Method(object, ..) => self.is_dotenv(object),
            Expr::Var(name) => {
                let known = matches!(name.as_slice(), b"dotenv" | b"repository");
                known && matches!(self.variable_value(name), Err(doubt) if doubt.verb == DEPENDS)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::environment::Environment;
    use crate::site::literal::Setting;
    use std::ffi::OsString;
    use std::fs;

    const APPLICATION: &str = r#"<?php
use Roots\WPConfig\Config;
use function Env\env;
Env\Env::$options = 31;
$root_dir = dirname(__DIR__);
$webroot_dir = $root_dir . '/web';
if (file_exists($root_dir . '/.env')) {
    $env_files = file_exists($root_dir . '/.env.local') ? ['.env', '.env.local'] : ['.env'];
    $repository = Dotenv\Repository\RepositoryBuilder::createWithNoAdapters()
        ->addAdapter(Dotenv\Repository\Adapter\EnvConstAdapter::class)
        ->addAdapter(Dotenv\Repository\Adapter\PutenvAdapter::class)
        ->immutable()
        ->make();
    $dotenv = Dotenv\Dotenv::create($repository, $root_dir, $env_files, false);
    $dotenv->load();
    $dotenv->required(['WP_HOME', 'WP_SITEURL']);
    if (!env('DATABASE_URL')) { $dotenv->required(['DB_NAME', 'DB_USER', 'DB_PASSWORD']); }
}
define('WP_ENV', env('WP_ENV') ?: 'production');
if (!env('X_TYPE') && in_array(WP_ENV, ['production', 'staging'])) {
    Config::define('WP_ENVIRONMENT_TYPE', WP_ENV);
}
Config::define('CONTENT_DIR', '/app');
Config::define('WP_CONTENT_DIR', $webroot_dir . Config::get('CONTENT_DIR'));
if (env('DB_SSL')) { Config::define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL); }
Config::define('DB_NAME', env('DB_NAME'));
Config::define('DB_USER', env('DB_USER'));
Config::define('DB_PASSWORD', env('DB_PASSWORD'));
Config::define('DB_HOST', env('DB_HOST') ?: 'localhost');
$table_prefix = env('DB_PREFIX') ?: 'wp_';
if (env('DATABASE_URL')) {
    $dsn = (object) parse_url(env('DATABASE_URL'));
    Config::define('DB_NAME', substr($dsn->path, 1));
    Config::define('DB_USER', $dsn->user);
    Config::define('DB_PASSWORD', isset($dsn->pass) ? $dsn->pass : null);
    Config::define('DB_HOST', isset($dsn->port) ? "{$dsn->host}:{$dsn->port}" : $dsn->host);
}
$env_config = __DIR__ . '/environments/' . WP_ENV . '.php';
if (file_exists($env_config)) { require_once $env_config; }
Config::apply();
if (!defined('ABSPATH')) { define('ABSPATH', $webroot_dir . '/wp/'); }
"#;

    const WP_CONFIG: &str = "<?php
require_once dirname(__DIR__) . '/vendor/autoload.php';
require_once dirname(__DIR__) . '/config/application.php';
require_once ABSPATH . 'wp-settings.php';
";

    /// The settings asked for, as text; `-` unset, `?` unresolved.
    fn evaluate(files: &[(&str, &str)], environment: &Environment, names: &[&str]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().canonicalize().unwrap();
        fs::create_dir_all(project.join("config/environments")).unwrap();
        fs::create_dir_all(project.join("web")).unwrap();
        fs::write(project.join("config/application.php"), APPLICATION).unwrap();
        for (name, text) in files {
            fs::write(project.join(name), text).unwrap();
        }
        let mut evaluator = Evaluator::new(&project.join("web/wp"), environment);
        let _ = evaluator.run_file(&project.join("web/wp-config.php"), WP_CONFIG.as_bytes());
        let show = |name: &&str| match name.strip_prefix('$') {
            Some(name) => evaluator.variable(name.as_bytes()),
            None => evaluator.constant(name.as_bytes()),
        };
        let text = |setting| match setting {
            Setting::Value { value, .. } => String::from_utf8(value.to_bytes().unwrap()).unwrap(),
            Setting::Unset => "-".to_owned(),
            Setting::Unresolved { reason, .. } => format!("?{reason}"),
        };
        let found = names.iter().map(show).map(text);
        found
            .map(|text| text.replace(project.to_str().unwrap(), "P"))
            .collect()
    }

    fn of_web(pairs: &[(&str, &str)]) -> Environment {
        Environment::of_process(
            pairs
                .iter()
                .map(|(n, v)| (OsString::from(n), OsString::from(v))),
        )
    }

    const NAMES: [&str; 5] = [
        "DB_NAME",
        "DB_PASSWORD",
        "DB_HOST",
        "$table_prefix",
        "WP_CONTENT_DIR",
    ];
    const ENV: &str = "DB_NAME='n'\nDB_USER=u\nDB_PASSWORD=\"p w\"\nWP_HOME=x\nWP_SITEURL=y\n";

    #[test]
    fn the_order_is_process_then_local_then_env() {
        let web = of_web(&[]);
        let seen = evaluate(&[(".env", ENV)], &web, &NAMES);
        assert_eq!(seen, ["n", "p w", "localhost", "wp_", "P/web/app"]);
        let local = [(".env", ENV), (".env.local", "DB_NAME=l\nDB_PREFIX=l_")];
        assert_eq!(
            evaluate(&local, &web, &NAMES)[..4],
            ["l", "p w", "localhost", "l_"]
        );
        let process = of_web(&[("DB_NAME", "proc"), ("DB_SSL", "true")]);
        assert_eq!(
            evaluate(&local, &process, &["DB_NAME", "MYSQL_CLIENT_FLAGS"]),
            ["proc", "2048"]
        );
    }

    #[test]
    fn a_url_and_an_environment_file_replace_settings() {
        let url = format!("{ENV}DATABASE_URL=mysql://a:b@h:3307/d\nWP_ENV=staging\n");
        let staging = "<?php use Roots\\WPConfig\\Config; Config::define('DB_CHARSET', 'latin1');";
        let files = [
            (".env", url.as_str()),
            ("config/environments/staging.php", staging),
        ];
        let names = ["DB_NAME", "DB_PASSWORD", "DB_HOST", "DB_CHARSET"];
        assert_eq!(
            evaluate(&files, &of_web(&[]), &names),
            ["d", "b", "h:3307", "latin1"]
        );
    }

    #[test]
    fn what_is_not_certain_stays_open() {
        let open = |files: &[(&str, &str)], environment: &Environment| {
            let seen = evaluate(files, environment, &["DB_NAME", "DB_PASSWORD"]);
            assert!(
                seen[0].starts_with('?') || seen[1].starts_with('?'),
                "{seen:?}"
            );
        };
        open(&[(".env", ENV)], &Environment::unknown());
        open(&[(".env", "DB_NAME=n\nDB_PASSWORD=0123")], &of_web(&[]));
        open(&[(".env", "DB_NAME=n\nDB_PASSWORD=${OTHER}")], &of_web(&[]));
        open(&[(".env", "DB_NAME=n\nbroken line")], &of_web(&[]));
        let hostile = [
            (".env", ENV),
            ("config/environments/production.php", "<?php boot();"),
        ];
        open(&hostile, &of_web(&[]));
    }
}
