//! From a session or a user to the cells of a row: names, times, and what is computed. Knows no
//! format.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kickout_shared::age::age;
use kickout_shared::session::Session;
use kickout_shared::user::User;
use kickout_shared::value::{Key, Value};

use super::browser;

/// Something that can be a row of a listing.
pub trait Record {
    /// The columns when none are named.
    const DEFAULT_FIELDS: &'static [&'static str];

    /// The column that comes first when the rows belong to several users.
    const OWNER_FIELD: Option<&'static str>;

    /// The cell under a name. `None`: this record has no such field. `Some(Null)`: it has, and the
    /// value is unknown. `now` is the site's clock, in Unix seconds.
    fn cell(&self, field: &str, now: i64) -> Option<Cow<'_, Value>>;

    /// What `--format=ids` prints.
    fn id(&self) -> Cow<'_, [u8]>;
}

/// The names in `--fields=`: trimmed, in order, doubles kept. An empty text is one empty name.
pub fn split_fields(typed: &str) -> Vec<String> {
    typed
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect()
}

/// The columns of a listing: those that were typed, exactly, else the defaults of the record, after
/// the owner when there is more than one.
pub fn fields_or_default<R: Record>(typed: Option<&str>, several_users: bool) -> Vec<String> {
    if let Some(typed) = typed {
        return split_fields(typed);
    }
    let owner = R::OWNER_FIELD.filter(|_| several_users);
    owner
        .iter()
        .chain(R::DEFAULT_FIELDS)
        .map(|&name| name.to_owned())
        .collect()
}

/// The column of a site's name, in a listing of several.
pub const SITE_FIELD: &str = "site";

/// A record of one of several sites: it knows whose it is.
pub struct OfSite<'a, R> {
    site: Value,
    record: &'a R,
}

impl<'a, R> OfSite<'a, R> {
    /// A record of this site.
    pub fn new(site: &str, record: &'a R) -> Self {
        Self {
            site: Value::Text(site.into()),
            record,
        }
    }
}

impl<R: Record> Record for OfSite<'_, R> {
    const DEFAULT_FIELDS: &'static [&'static str] = R::DEFAULT_FIELDS;
    const OWNER_FIELD: Option<&'static str> = R::OWNER_FIELD;

    fn cell(&self, field: &str, now: i64) -> Option<Cow<'_, Value>> {
        match field {
            SITE_FIELD => Some(Cow::Borrowed(&self.site)),
            _ => self.record.cell(field, now),
        }
    }

    fn id(&self) -> Cow<'_, [u8]> {
        self.record.id()
    }
}

impl Record for Session {
    const DEFAULT_FIELDS: &'static [&'static str] =
        &["token", "login_time", "expiration_time", "ip", "ua"];
    const OWNER_FIELD: Option<&'static str> = Some("user_login");

    fn cell(&self, field: &str, now: i64) -> Option<Cow<'_, Value>> {
        let time = |name: &str| self.field(name.as_bytes()).and_then(Value::as_int);
        match field {
            "token" => Some(Cow::Owned(match &self.token {
                Key::Int(number) => Value::Int(*number),
                Key::Text(text) => Value::Text(text.clone()),
            })),
            "login_time" => Some(Cow::Owned(or_null(time("login").map(utc)))),
            "expiration_time" => Some(Cow::Owned(or_null(time("expiration").map(utc)))),
            "user_id" => Some(Cow::Owned(id_value(self.user_id))),
            "user_login" => Some(Cow::Owned(Value::Text(self.user_login.clone()))),
            // Plugins store keys of their own, and what is stored is never hidden by a guess.
            _ => stored(self, field)
                .map(Cow::Borrowed)
                .or_else(|| match field {
                    "browser" => Some(Cow::Owned(or_null(match self.field(b"ua") {
                        Some(Value::Text(user_agent)) => browser::name(&user_agent.0),
                        _ => None,
                    }))),
                    "age" => Some(Cow::Owned(or_null(
                        time("login").map(|login| age(login, now)),
                    ))),
                    _ => None,
                }),
        }
    }

    fn id(&self) -> Cow<'_, [u8]> {
        match &self.token {
            Key::Int(number) => Cow::Owned(number.to_string().into_bytes()),
            Key::Text(text) => Cow::Borrowed(&text.0),
        }
    }
}

impl Record for User {
    const DEFAULT_FIELDS: &'static [&'static str] = &[
        "ID",
        "user_login",
        "display_name",
        "user_email",
        "user_registered",
        "roles",
    ];
    const OWNER_FIELD: Option<&'static str> = None;

    fn cell(&self, field: &str, _now: i64) -> Option<Cow<'_, Value>> {
        let text = match field {
            "ID" => return Some(Cow::Owned(id_value(self.id))),
            "user_login" => self.login.clone(),
            "display_name" => self.display_name.clone(),
            "user_email" => self.email.clone(),
            "user_registered" => self.registered.clone(),
            "roles" => {
                let roles: Vec<&[u8]> = self.roles.iter().map(AsRef::as_ref).collect();
                roles.join(&b',').into()
            }
            _ => return None,
        };
        Some(Cow::Owned(Value::Text(text)))
    }

    fn id(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.id.to_string().into_bytes())
    }
}

/// Any key of the session; a decimal name is an integer key in PHP.
fn stored<'a>(session: &'a Session, name: &str) -> Option<&'a Value> {
    session.field(name.as_bytes()).or_else(|| {
        let number = Key::Int(name.parse().ok()?);
        session
            .fields
            .iter()
            .rev()
            .find(|(key, _)| *key == number)
            .map(|(_, value)| value)
    })
}

fn or_null(text: Option<String>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.into()))
}

/// A user id. MySQL's are unsigned; one beyond PHP's integers stays readable as text.
fn id_value(id: u64) -> Value {
    i64::try_from(id).map_or_else(|_| Value::Text(id.to_string().into()), Value::Int)
}

/// `Y-m-d H:i:s` in UTC. A time beyond the calendar (stored by hand) stays visible as a number.
fn utc(seconds: i64) -> String {
    let Ok(time) = Timestamp::from_second(seconds) else {
        return format!("@{seconds}");
    };
    let time = TimeZone::UTC.to_datetime(time);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn session(fields: &[(&str, Value)]) -> Session {
        Session {
            user_id: 1,
            user_login: "admin".into(),
            token: Key::Text("a".repeat(64).into()),
            fields: fields
                .iter()
                .map(|(k, v)| (Key::Text((*k).into()), v.clone()))
                .collect(),
        }
    }

    fn text(value: &str) -> Option<Value> {
        Some(Value::Text(value.into()))
    }

    #[test]
    fn cells_of_a_session() {
        let session = session(&[
            ("expiration", Value::Int(4_102_444_800)),
            ("ip", Value::Text("9.9.9.9".into())),
            ("ua", Value::Text("curl/8.5.0".into())),
            ("login", Value::Int(NOW - 3 * 86_400 - 5)),
            ("flag", Value::Bool(true)),
        ]);
        let cell = |name| session.cell(name, NOW).map(Cow::into_owned);
        assert_eq!(cell("token"), text(&"a".repeat(64)));
        assert_eq!(cell("login_time"), text("2023-11-11 22:13:15"));
        assert_eq!(cell("expiration_time"), text("2100-01-01 00:00:00"));
        assert_eq!(cell("expiration"), Some(Value::Int(4_102_444_800)));
        assert_eq!(cell("user_id"), Some(Value::Int(1)));
        assert_eq!(cell("user_login"), text("admin"));
        assert_eq!(cell("browser"), text("curl 8"));
        assert_eq!(cell("age"), text("3 days"));
        assert_eq!(cell("flag"), Some(Value::Bool(true)));
        assert_eq!(cell("bogus"), None);
        assert_eq!(cell(""), None);
        assert_eq!(session.id(), "a".repeat(64).as_bytes());
    }

    #[test]
    fn a_legacy_session_knows_no_login() {
        let session = session(&[("expiration", Value::Int(4_102_444_800))]);
        let cell = |name| session.cell(name, NOW).map(Cow::into_owned);
        assert_eq!(cell("login_time"), Some(Value::Null));
        assert_eq!(cell("expiration_time"), text("2100-01-01 00:00:00"));
        assert_eq!(cell("age"), Some(Value::Null));
        assert_eq!(cell("browser"), Some(Value::Null));
        assert_eq!((cell("login"), cell("ip")), (None, None));
    }

    #[test]
    fn stored_keys_win_over_guesses_and_may_be_integers() {
        let mut session = session(&[("browser", Value::Text("mine".into()))]);
        session.fields.push((Key::Int(7), Value::Int(70)));
        assert_eq!(
            session.cell("browser", NOW).map(Cow::into_owned),
            text("mine")
        );
        assert_eq!(
            session.cell("7", NOW).map(Cow::into_owned),
            Some(Value::Int(70))
        );
    }

    #[test]
    fn cells_of_a_user() {
        let user = User {
            id: 7,
            login: "josé".into(),
            display_name: "José".into(),
            email: "jose@example.com".into(),
            registered: "2023-11-14 22:13:20".into(),
            roles: vec!["editor".into(), "shop_manager".into()],
        };
        let cell = |name| user.cell(name, NOW).map(Cow::into_owned);
        assert_eq!(cell("ID"), Some(Value::Int(7)));
        assert_eq!(cell("user_login"), text("josé"));
        assert_eq!(cell("roles"), text("editor,shop_manager"));
        assert!(User::DEFAULT_FIELDS.iter().all(|name| cell(name).is_some()));
        assert_eq!((cell("id"), cell("user_pass")), (None, None));
        assert_eq!(user.id(), &b"7"[..]);
    }

    #[test]
    fn times_and_ages() {
        let times = [
            (-1, "1969-12-31 23:59:59"),
            (0, "1970-01-01 00:00:00"),
            (1_700_000_300, "2023-11-14 22:18:20"),
            (i64::MAX, "@9223372036854775807"),
        ];
        for (seconds, shown) in times {
            assert_eq!(utc(seconds), shown);
        }
        let ages = [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "1 minute"),
            (7_200, "2 hours"),
            (3 * 86_400, "3 days"),
            (45 * 86_400, "1 month"),
            (800 * 86_400, "2 years"),
            (-300, "in 5 minutes"),
        ];
        for (ago, shown) in ages {
            assert_eq!(age(NOW - ago, NOW), shown);
        }
        age(i64::MIN, i64::MAX);
    }

    #[test]
    fn which_columns() {
        let fields = |typed, several| fields_or_default::<Session>(typed, several).join("|");
        assert_eq!(
            fields(None, false),
            "token|login_time|expiration_time|ip|ua"
        );
        assert_eq!(
            fields(None, true),
            "user_login|token|login_time|expiration_time|ip|ua"
        );
        assert_eq!(fields(Some(" ip , ua"), true), "ip|ua");
        assert_eq!(split_fields(""), [""]);
        assert_eq!(fields_or_default::<User>(None, true)[0], "ID");
    }
}
