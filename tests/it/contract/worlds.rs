//! Where the contract is tried: stores that a test can fill and change behind an engine's back.

use std::path::Path;

use kickout_agent::engine::memory::Memory;
use kickout_agent::engine::native::{MySql, Native, Sqlite, Tables};
use kickout_agent::engine::php::{How, Launch, Php, find_php};
use kickout_agent::engine::{Engine, Survivor, WayIn};
use kickout_agent::site::{self, Config, Database, Environment};
use kickout_shared::site::Load;
use kickout_shared::user::User;
use kickout_tests::{Binaries, MariaDb, Site, WordPress};

/// A store and the engine that is tried on it.
pub(super) trait World {
    /// The engine.
    type Engine: Engine;
    /// Whether a value may be any bytes.
    const ANY_BYTES: bool;
    /// Whether a value may be text of every script.
    const WIDE: bool = true;
    /// Whether rows of an unrelated key come back too.
    const ANY_KEY: bool = false;

    fn engine(&mut self) -> &mut Self::Engine;
    fn add_user(&mut self, id: u64, login: &str, email: &str, role: &str);
    fn add_way_in(&mut self, way: &Survivor);
    fn add_row(&mut self, user: u64, key: &str, value: Option<&[u8]>) -> u64;
    /// Many rows at once, in this order.
    fn add_rows(&mut self, user: u64, values: &[Vec<u8>]) -> Vec<u64>;
    /// Somebody else writes; the engine finds out when it writes next.
    fn overwrite(&mut self, row: u64, value: &[u8]);
    fn value(&self, row: u64) -> Option<Vec<u8>>;
    /// Removes all session rows.
    fn clear(&mut self);
}

/// The model.
#[derive(Default)]
pub(super) struct InMemory {
    memory: Memory,
    users: Vec<User>,
}

impl World for InMemory {
    type Engine = Memory;
    const ANY_BYTES: bool = true;
    const ANY_KEY: bool = true;

    fn engine(&mut self) -> &mut Memory {
        &mut self.memory
    }

    fn add_user(&mut self, id: u64, login: &str, email: &str, role: &str) {
        let user = User {
            id,
            login: login.into(),
            display_name: login.into(),
            email: email.into(),
            registered: "2026-01-01 00:00:00".into(),
            roles: vec![role.into()],
        };
        self.users.push(user.clone());
        self.memory.add_user(user);
    }

    fn add_way_in(&mut self, way: &Survivor) {
        self.memory.add_survivor(way.clone());
    }

    fn add_row(&mut self, user: u64, key: &str, value: Option<&[u8]>) -> u64 {
        let value = value.unwrap_or_default();
        self.memory.add_row(user, key == "session_tokens", value)
    }

    fn add_rows(&mut self, user: u64, values: &[Vec<u8>]) -> Vec<u64> {
        let add = |value: &Vec<u8>| self.memory.add_row(user, true, value);
        values.iter().map(add).collect()
    }

    fn overwrite(&mut self, row: u64, value: &[u8]) {
        let mut value = Some(value.to_vec());
        self.memory.meddle(Box::new(move |_, rows| {
            if let (Some(row), Some(value)) = (rows.get_mut(&row), value.take()) {
                row.value = Some(value);
            }
        }));
    }

    fn value(&self, row: u64) -> Option<Vec<u8>> {
        self.memory.value(row).map(<[u8]>::to_vec)
    }

    fn clear(&mut self) {
        self.memory = Memory::default();
        for user in self.users.clone() {
            self.memory.add_user(user);
        }
    }
}

/// A real site, asked by an engine and changed by another client.
pub(super) struct Real<E, const ANY_BYTES: bool, const WIDE: bool> {
    site: Site,
    engine: E,
    next: u64,
}

impl<E: Engine, const ANY_BYTES: bool, const WIDE: bool> World for Real<E, ANY_BYTES, WIDE> {
    type Engine = E;
    const ANY_BYTES: bool = ANY_BYTES;
    const WIDE: bool = WIDE;

    fn engine(&mut self) -> &mut E {
        &mut self.engine
    }

    fn add_user(&mut self, id: u64, login: &str, email: &str, role: &str) {
        self.site.sql(format!(
            "INSERT INTO wp_users (ID, user_login, user_nicename, user_email, user_pass, \
               user_registered, display_name) \
             VALUES ({id}, '{login}', '{login}', '{email}', '', '2026-01-01 00:00:00', '{login}'); \
             INSERT INTO wp_usermeta (user_id, meta_key, meta_value) \
             VALUES ({id}, 'wp_capabilities', 'a:1:{{s:{}:\"{role}\";b:1;}}');",
            role.len()
        ));
    }

    fn add_way_in(&mut self, way: &Survivor) {
        let user = way.user;
        self.site.sql(match way.way {
            WayIn::Passwords { count, last_used } => {
                let used = last_used.map_or("N;".to_owned(), |time| format!("i:{time};"));
                let count = count.unwrap();
                let list: String = (0..count)
                    .map(|at| {
                        format!("i:{at};a:2:{{s:4:\"name\";s:1:\"x\";s:9:\"last_used\";{used}}}")
                    })
                    .collect();
                format!(
                    "INSERT INTO wp_usermeta (user_id, meta_key, meta_value) \
                     VALUES ({user}, '_application_passwords', 'a:{count}:{{{list}}}');"
                )
            }
            WayIn::Reset { since } => {
                let time = since.map_or(String::new(), |time| format!("{time}:"));
                format!("UPDATE wp_users SET user_activation_key = '{time}key' WHERE ID = {user};")
            }
        });
    }

    fn add_row(&mut self, user: u64, key: &str, value: Option<&[u8]>) -> u64 {
        let id = self.next;
        self.next += 3;
        let value = value.map_or("NULL".to_owned(), |value| self.literal(value));
        self.site.sql(format!(
            "INSERT INTO wp_usermeta (umeta_id, user_id, meta_key, meta_value) \
             VALUES ({id}, {user}, '{key}', {value});"
        ));
        id
    }

    fn add_rows(&mut self, user: u64, values: &[Vec<u8>]) -> Vec<u64> {
        let ids: Vec<u64> = (self.next..).take(values.len()).collect();
        self.next += values.len() as u64;
        let tuple = |(id, value): (&u64, &Vec<u8>)| {
            format!("({id}, {user}, 'session_tokens', {})", self.literal(value))
        };
        let tuples: Vec<_> = ids.iter().zip(values).map(tuple).collect();
        self.site.sql(format!(
            "INSERT INTO wp_usermeta (umeta_id, user_id, meta_key, meta_value) VALUES {};",
            tuples.join(", ")
        ));
        ids
    }

    fn overwrite(&mut self, row: u64, value: &[u8]) {
        let value = self.literal(value);
        self.site.sql(format!(
            "UPDATE wp_usermeta SET meta_value = {value} WHERE umeta_id = {row};"
        ));
    }

    fn value(&self, row: u64) -> Option<Vec<u8>> {
        let value = self.read();
        let rows = self.site.sql(format!(
            "SELECT HEX({value}) FROM wp_usermeta WHERE umeta_id = {row};"
        ));
        // A row of an empty value comes back as no column at all from sqlite3.
        rows.first()
            .map(|row| row.first().map_or(Vec::new(), |hex| unhex(hex)))
    }

    fn clear(&mut self) {
        self.site
            .sql("DELETE FROM wp_usermeta WHERE meta_key LIKE 'session_tokens%';");
    }
}

impl<E, const ANY_BYTES: bool, const WIDE: bool> Real<E, ANY_BYTES, WIDE> {
    /// The bytes as PHP sends them over the connection of this site.
    fn literal(&self, value: &[u8]) -> String {
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        match (&self.site.store(), self.site.config().charset.as_str()) {
            (kickout_tests::Store::Sqlite(_), _) => format!("CAST(X'{hex}' AS TEXT)"),
            (_, charset) => format!("CONVERT(X'{hex}' USING {charset})"),
        }
    }

    fn read(&self) -> String {
        match (&self.site.store(), self.site.config().charset.as_str()) {
            (kickout_tests::Store::Sqlite(_), _) => "CAST(meta_value AS BLOB)".to_owned(),
            (_, charset) => format!("CONVERT(meta_value USING {charset})"),
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn tables() -> Tables {
    Tables {
        users: "wp_users".to_owned(),
        usermeta: "wp_usermeta".to_owned(),
        options: "wp_options".to_owned(),
        blog_prefix: "wp_".to_owned(),
        multisite: false,
    }
}

fn database(root: &Path) -> Database {
    let environment = Environment::unknown();
    let root = site::at(root).unwrap();
    let config = Config::read(&root, &environment).unwrap();
    site::database(&config).unwrap()
}

async fn on_server<const ANY_BYTES: bool, const WIDE: bool>(
    server: &MariaDb,
    wordpress: WordPress,
) -> Real<Native<MySql>, ANY_BYTES, WIDE> {
    let site = wordpress.install_on(server);
    let Database::MySql(settings) = database(site.root()) else {
        panic!("a site on a server");
    };
    let sql = MySql::open(&settings, "wp_users", "wp_usermeta")
        .await
        .unwrap();
    let engine = Native::new(sql, tables());
    Real {
        site,
        engine,
        next: 1_000,
    }
}

/// As sites are today.
pub(super) async fn on_utf8mb4(server: &MariaDb) -> Real<Native<MySql>, false, true> {
    on_server(server, WordPress::new()).await
}

/// As sites were twenty years ago; `日本` is UTF-8 in the bytes of a latin1 column there.
pub(super) async fn on_latin1(server: &MariaDb) -> Real<Native<MySql>, true, false> {
    let wordpress = WordPress::new().config(|config| config.charset = "latin1".to_owned());
    on_server(server, wordpress).await
}

/// The official drop-in's own tables.
pub(super) async fn on_sqlite() -> Real<Native<Sqlite>, true, true> {
    let site = WordPress::new().install_sqlite();
    let Database::Sqlite { file } = database(site.root()) else {
        panic!("a site on SQLite");
    };
    let sql = Sqlite::open(&file, "wp_users", "wp_usermeta")
        .await
        .unwrap();
    let engine = Native::new(sql, tables());
    Real {
        site,
        engine,
        next: 1_000,
    }
}

/// A site whose WordPress is asked, without anybody who reads beside it. PHP never runs as root, so
/// whoever stands between this process and PHP becomes the site's owner.
pub(super) async fn on_php(site: Site) -> Real<Php, false, true> {
    let agent = site.around().write(
        "agent",
        format!(
            "#!/bin/sh\nexec setpriv --reuid={} --regid={} --clear-groups {} \"$@\"\n",
            site.owner().uid,
            site.owner().gid,
            Binaries::dev().agent.display()
        ),
    );
    std::fs::set_permissions(&agent, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let launch = Launch {
        agent,
        php: find_php().unwrap(),
        environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        root: site.root().to_path_buf(),
    };
    let how = How {
        load: &Load::default(),
        act_as: None,
        url: None,
    };
    let (engine, _) = Php::start(launch, how, None, &mut Vec::new())
        .await
        .unwrap();
    Real {
        site,
        engine,
        next: 1_000,
    }
}
