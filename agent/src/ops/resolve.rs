//! Who is meant by `<user>`: WP-CLI's order of number, email, login (`Fetchers\User`), with its
//! words for failure and ambiguity.

use kickout_shared::event::{Level, Line};
use kickout_shared::user::{User, UserKey, UserRef};

use crate::engine::Engine;
use crate::ops::{Desk, Stop, said};

/// Finds the user or ends the run in WP-CLI's words.
pub(super) async fn one<E: Engine>(desk: &mut Desk<'_, E>, named: &UserRef) -> Result<User, Stop> {
    match find(desk, named).await? {
        Some(user) => Ok(user),
        None => Err(said(not_found(named))),
    }
}

/// Finds all of them, before anything is done to any. Names every one that does not exist.
pub(super) async fn all<E: Engine>(
    desk: &mut Desk<'_, E>,
    named: &[UserRef],
) -> Result<Vec<User>, Stop> {
    let mut users = Vec::with_capacity(named.len());
    let mut missing: Vec<&UserRef> = Vec::new();
    for name in named {
        match find(desk, name).await? {
            Some(user) => users.push(user),
            None => missing.push(name),
        }
    }
    let Some((last, others)) = missing.split_last() else {
        return Ok(users);
    };
    for name in others {
        let Stop::Said(line) = said(not_found(name)) else {
            continue;
        };
        desk.out.line(line).await?;
    }
    Err(said(not_found(last)))
}

fn not_found(named: &UserRef) -> String {
    let what = match named.by {
        UserKey::Any => "user ID, email or login",
        UserKey::Id => "user ID",
        UserKey::Login => "user login",
        UserKey::Email => "user email",
    };
    format!("Invalid {what}: '{}'", named.text)
}

/// Finds the user, `None` when there is none. Warns when a number is also somebody's login. Who is
/// beyond the run's bounds is refused like one who does not exist.
pub(super) async fn find<E: Engine>(
    desk: &mut Desk<'_, E>,
    named: &UserRef,
) -> Result<Option<User>, Stop> {
    let Some(only) = desk.bounds.only_user else {
        return anybody(desk, named).await;
    };
    // Nothing is said of others, not even that there are two.
    let own = desk.engine.user(UserKey::Id, &only.to_string()).await?;
    let meant = own.filter(|own| is_meant(own, named));
    meant.map(Some).ok_or_else(|| beyond(&named.text))
}

/// Whether a user's own id, login or address was given.
fn is_meant(own: &User, named: &UserRef) -> bool {
    let text = named.text.trim();
    let id = own.id.to_string();
    let is = |key, value: &[u8]| {
        (named.by == key || named.by == UserKey::Any) && value == text.as_bytes()
    };
    is(UserKey::Id, id.as_bytes())
        || is(UserKey::Login, &own.login.0)
        || is(UserKey::Email, &own.email.0)
}

/// The bounds of a token are passed.
pub(super) fn beyond(what: &str) -> Stop {
    Stop::Said(Line {
        level: Level::Error,
        text: format!("The token is for one user alone, and not for '{what}'."),
        fix: Some("Name that user by login, address or id.".to_owned()),
    })
}

async fn anybody<E: Engine>(desk: &mut Desk<'_, E>, named: &UserRef) -> Result<Option<User>, Stop> {
    let text = named.text.as_str();
    match named.by {
        UserKey::Id => match numeric(text) {
            Some(number) => by_number(desk, number).await,
            None => Ok(None),
        },
        UserKey::Login => by_login(desk, text).await,
        UserKey::Email => Ok(desk.engine.user(UserKey::Email, text).await?),
        UserKey::Any => match numeric(text) {
            Some(number) => {
                let found = by_number(desk, number).await?;
                if let Some(found) = &found {
                    warn_if_ambiguous(desk, text, found).await?;
                }
                Ok(found)
            }
            None if is_email(text) => match desk.engine.user(UserKey::Email, text).await? {
                Some(user) => Ok(Some(user)),
                None => by_login(desk, text).await,
            },
            None => by_login(desk, text).await,
        },
    }
}

async fn by_number<E: Engine>(desk: &mut Desk<'_, E>, number: f64) -> Result<Option<User>, Stop> {
    // `absint`-like: the integer part; zero and negatives are nobody.
    if number < 1.0 || number >= u64::MAX as f64 {
        return Ok(None);
    }
    Ok(desk
        .engine
        .user(UserKey::Id, &format!("{}", number.trunc() as u64))
        .await?)
}

async fn warn_if_ambiguous<E: Engine>(
    desk: &mut Desk<'_, E>,
    text: &str,
    found: &User,
) -> Result<(), Stop> {
    // The user with id 7 and login "7" is one user.
    let twin = by_login(desk, text)
        .await?
        .filter(|twin| twin.id != found.id);
    if twin.is_some() {
        desk.out
            .warning(format!(
                "Ambiguous user match detected (both ID and user_login exist for identifier \
                 '{}'). Kickout will default to the ID, but you can force user_login instead with \
                 WP_CLI_FORCE_USER_LOGIN=1.",
                found.id
            ))
            .await?;
    }
    Ok(())
}

async fn by_login<E: Engine>(desk: &mut Desk<'_, E>, text: &str) -> Result<Option<User>, Stop> {
    let login = sanitize_user(text);
    if login.is_empty() {
        return Ok(None);
    }
    Ok(desk.engine.user(UserKey::Login, &login).await?)
}

/// PHP's `is_numeric`, and the value: white space on both ends, a sign, digits with a fraction and
/// an exponent; no hex, no thousands.
fn numeric(text: &str) -> Option<f64> {
    const SPACE: &[char] = &[' ', '\t', '\n', '\r', '\x0b', '\x0c'];
    let text = text.trim_matches(SPACE);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && digits.bytes().any(|b| b.is_ascii_digit());
    if !plain {
        return None;
    }
    // Rust reads the rest of the grammar alike ("1.", ".5", "1e3"; not "1e", not "1e3e").
    text.parse().ok()
}

/// `is_email`, as WordPress decides it (it knows no quotes, no IP literals, no bare hosts).
fn is_email(text: &str) -> bool {
    if text.len() < 6 {
        return false;
    }
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let in_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let in_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let labels: Vec<&str> = domain.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label.trim_matches([' ', '\t', '\n', '\r', '\0', '\x0b', '-']) == *label
            && label.chars().all(in_label)
    };
    !local.is_empty()
        && local.chars().all(in_local)
        && text.rfind('@') == text.find('@')
        && labels.len() >= 2
        && labels.iter().all(is_label)
}

/// `sanitize_user` without its strict form: tags and percent-octets and entities go, white space
/// collapses, the ends are trimmed.
fn sanitize_user(text: &str) -> String {
    let mut login = strip_tags(text);
    login = without(&login, |rest| {
        let bytes = rest.as_bytes();
        let octet = bytes.len() >= 3
            && bytes[0] == b'%'
            && bytes[1].is_ascii_hexdigit()
            && bytes[2].is_ascii_hexdigit();
        octet.then_some(3)
    });
    login = without(&login, |rest| {
        let name = rest.strip_prefix('&')?;
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '#'))?;
        // `&.+?;` is what core writes; entities are what it means, and what can stand in a login.
        (end > 0 && name[end..].starts_with(';')).then_some(end + 2)
    });
    login.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Removes every piece whose length `matches` tells at its place.
fn without(text: &str, matches: impl Fn(&str) -> Option<usize>) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match matches(rest) {
            Some(length) => rest = &rest[length..],
            None => {
                kept.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    kept
}

/// `wp_strip_all_tags`: scripts and styles with their content, then every `<…>` that looks like a
/// tag to PHP (a `<` before white space stays).
fn strip_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (before, tag) = rest.split_at(open);
        kept.push_str(before);
        if tag[1..].starts_with(char::is_whitespace) || tag.len() == 1 {
            kept.push('<');
            rest = &tag[1..];
            continue;
        }
        let lower = tag.to_ascii_lowercase();
        let content = ["script", "style"].iter().find_map(|name| {
            lower[1..]
                .starts_with(name)
                .then(|| lower.find(&format!("</{name}>")))?
        });
        let from = content.unwrap_or(0);
        rest = match tag[from..].find('>') {
            Some(close) => &tag[from + close + 1..],
            None => "",
        };
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_php_calls_numeric() {
        let rows = [
            ("1", Some(1.0)),
            ("01", Some(1.0)),
            ("1.9", Some(1.9)),
            ("1e3", Some(1000.0)),
            ("+1", Some(1.0)),
            (" 1", Some(1.0)),
            ("1 ", Some(1.0)),
            ("-1", Some(-1.0)),
            (".5", Some(0.5)),
            ("1.", Some(1.0)),
            ("", None),
            (".", None),
            ("0x1", None),
            ("1e", None),
            ("1_000", None),
            ("inf", None),
            ("nan", None),
            ("1 2", None),
            ("one", None),
        ];
        for (text, value) in rows {
            assert_eq!(numeric(text), value, "{text:?}");
        }
    }

    #[test]
    fn emails_are_what_wordpress_calls_one() {
        let yes = [
            "a@b.co",
            "carol@example.org",
            "a+b@x-y.example",
            "o'neil@example.com",
        ];
        let no = [
            "a@b",
            "@bob",
            "bob@",
            "a b@c.de",
            "\"odd name\"@example.com",
            "a@b@c.de",
            "a@-b.com",
            "a@b..com",
            "x@y",
        ];
        for text in yes {
            assert!(is_email(text), "{text}");
        }
        for text in no {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn logins_are_sanitized_as_core_does() {
        let rows = [
            (" admin ", "admin"),
            ("<b>bob</b>", "bob"),
            ("b&amp;ob", "bob"),
            ("b%41ob", "bob"),
            ("Jane  Doe", "Jane Doe"),
            ("o'neil", "o'neil"),
            ("<script>x</script>bob", "bob"),
            ("a < b", "a < b"),
            ("josé", "josé"),
            ("<unclosed", ""),
        ];
        for (typed, login) in rows {
            assert_eq!(sanitize_user(typed), login, "{typed:?}");
        }
    }
}
