//! The places, users and sessions that the observed cases assume, on a real site.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kickout_tests::{Scratch, Site, WordPress, php};
use serde_json::{Map, Value, json};

use super::Case;

/// Every stored value the cases start from, serialized by PHP itself: fixture → bytes.
pub(super) struct Sessions {
    about: Value,
    values: BTreeMap<String, Option<Vec<u8>>>,
}

impl Sessions {
    pub(super) fn prepare(cases: &[Case]) -> Self {
        let text = include_str!("../../data/wpcli-cases.json");
        let all: Vec<Value> = serde_json::from_str(text).unwrap();
        let about = all[0]["input"].clone();
        let mut wanted: Map<String, Value> = about["session_fixtures"].as_object().unwrap().clone();
        let long = [[
            json!("a".repeat(64)),
            session(&"x".repeat(3000), "10.0.0.1"),
        ]];
        wanted.insert("ua_long3000".to_owned(), json!(long));
        for user in about["users"].as_array().unwrap() {
            let id = user[0].as_u64().unwrap();
            let own = [[
                json!("a".repeat(64)),
                session("UA", &format!("10.0.0.{id}")),
            ]];
            wanted.insert(format!("user {id}"), json!(own));
        }
        let elsewhere = [[json!("a".repeat(64)), session("UA", "2.2.2.2")]];
        wanted.insert("second site".to_owned(), json!(elsewhere));
        for case in cases {
            let sessions = &case.input["sessions_of_user_1"];
            if sessions.is_object() {
                wanted.insert(sessions.to_string(), sessions["inline"].clone());
            }
        }
        // Ordered pairs become an array in their order; a string is stored as it is.
        let stored = php(
            "return array_map(static function ($pairs) {
                if (!is_array($pairs)) { return $pairs === null ? null : bin2hex($pairs); }
                $value = [];
                foreach ($pairs as [$key, $session]) { $value[$key] = $session; }
                return bin2hex(serialize($value));
            }, $args);",
            &Value::Object(wanted),
        );
        let values = stored.as_object().unwrap().iter();
        let values = values
            .map(|(name, hex)| (name.clone(), hex.as_str().map(unhex)))
            .collect();
        Self { about, values }
    }

    /// The stored value for a case's `sessions_of_user_1`.
    fn value(&self, sessions: &Value) -> Option<&[u8]> {
        let name = match sessions {
            Value::Null => "none".to_owned(),
            Value::String(name) => name.clone(),
            inline => inline.to_string(),
        };
        let known = self.values.get(&name);
        known
            .unwrap_or_else(|| panic!("no fixture `{name}`"))
            .as_deref()
    }
}

fn session(ua: &str, ip: &str) -> Value {
    json!({"expiration": 4_102_444_800_u64, "ip": ip, "ua": ua, "login": 1_700_000_000})
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

/// One site with everything around it; the cases of a worker use it one after the other.
pub(super) struct Bench<'a> {
    sessions: &'a Sessions,
    site: Site,
    second: Site,
}

impl<'a> Bench<'a> {
    pub(super) fn set_up(sessions: &'a Sessions) -> Self {
        let (site, second) = (WordPress::new().install(), WordPress::new().install());
        let around = site.around();
        std::os::unix::fs::symlink(second.root(), around.join("s2")).unwrap();
        around.write("empty/a.php", "<?php echo \"A\\n\";");
        around.write("empty/b.php", "<?php echo \"B\\n\";");
        around.write("cfg/.keep", "");
        for user in sessions.about["users"].as_array().unwrap() {
            let (id, login) = (user[0].as_u64().unwrap(), user[1].as_str().unwrap());
            let email = user[2].as_str().unwrap();
            if id != 1 {
                site.sql(format!(
                    "INSERT INTO wp_users (ID, user_login, user_nicename, user_email, display_name,
                       user_registered) VALUES ({id}, '{login}', 'user-{id}', '{email}', '{login}',
                       '2024-01-01 00:00:00');"
                ));
            }
            site.set_raw(id, sessions.value(&json!(format!("user {id}"))).unwrap());
        }
        second.set_raw(1, sessions.value(&json!("second site")).unwrap());
        Self {
            sessions,
            site,
            second,
        }
    }

    /// Brings the rows and files of one case about.
    pub(super) fn seed(&self, input: &Value) {
        match self.sessions.value(&input["sessions_of_user_1"]) {
            Some(value) => self.site.set_raw(1, value),
            None => self.site.clear_raw(1),
        }
        let around: &Scratch = self.site.around();
        std::fs::remove_dir_all(around.join("cfg")).unwrap();
        around.write("cfg/.keep", "");
        for (name, text) in input["config_files"].as_object().into_iter().flatten() {
            around.write(
                Path::new("cfg").join(name),
                self.placed(text.as_str().unwrap()),
            );
        }
    }

    /// What is stored for user 1 now.
    pub(super) fn left(&self) -> Option<Vec<u8>> {
        let mut rows = self.site.raw_rows(1);
        assert!(rows.len() <= 1, "user 1 has {} rows", rows.len());
        rows.pop().and_then(|row| row.value)
    }

    /// The directory behind a case's `cwd`.
    pub(super) fn directory(&self, cwd: &str) -> PathBuf {
        PathBuf::from(self.placed(cwd.trim_start_matches("wordpress-root ")))
    }

    /// Placeholders become paths.
    pub(super) fn placed(&self, text: &str) -> String {
        let pairs = self.places();
        pairs.iter().fold(text.to_owned(), |text, (name, path)| {
            text.replace(name, path)
        })
    }

    /// Paths become placeholders.
    pub(super) fn unplaced(&self, text: &str) -> String {
        let pairs = self.places();
        pairs.iter().fold(text.to_owned(), |text, (name, path)| {
            text.replace(path, name)
        })
    }

    fn places(&self) -> [(&'static str, String); 4] {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let around = self.site.around();
        [
            ("{S1}", path(self.site.root())),
            ("{S2}", path(&around.join("s2"))),
            ("{CFG}", path(&around.join("cfg"))),
            ("{EMPTY}", path(&around.join("empty"))),
        ]
    }
}

impl Drop for Bench<'_> {
    /// The second site must outlive the link to it.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.site.around().join("s2"));
        debug_assert!(self.second.root().exists());
    }
}
