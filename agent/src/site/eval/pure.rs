//! PHP's functions whose result follows from their arguments and the files on disk.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::site::literal::Literal;
use crate::site::{php, read};

/// None where the result is not certain.
pub(super) fn call(name: &str, arguments: &[Literal]) -> Option<Literal> {
    use Literal::{Bool, Int, Text};
    Some(match (name, arguments) {
        ("dirname", [Text(path)]) => Text(dirname(path, 1)?),
        ("dirname", [Text(path), Int(levels)]) => Text(dirname(path, *levels)?),
        ("basename", [Text(path)]) => {
            let path = path.strip_suffix(b"/").unwrap_or(path);
            Text(path.rsplit(|byte| *byte == b'/').next()?.to_vec())
        }
        ("file_exists", [Text(path)]) => Bool(facts(path)?.is_some()),
        ("is_file", [Text(path)]) => Bool(facts(path)?.is_some_and(|facts| facts.is_file())),
        ("is_dir", [Text(path)]) => Bool(facts(path)?.is_some_and(|facts| facts.is_dir())),
        ("is_readable", [Text(path)]) => Bool(readable(path)?),
        ("trim", [Text(text)]) => Text(blanks(blanks(text, true), false).to_vec()),
        ("ltrim", [Text(text)]) => Text(blanks(text, true).to_vec()),
        ("rtrim", [Text(text)]) => Text(blanks(text, false).to_vec()),
        ("rtrim", [Text(text), Text(set)]) if !set.windows(2).any(|pair| pair == b"..") => {
            let end = text
                .iter()
                .rposition(|byte| !set.contains(byte))
                .map_or(0, |at| at + 1);
            Text(text[..end].to_vec())
        }
        // PHP 8 maps ASCII only; older versions follow the locale.
        ("strtolower", [Text(text)]) if text.is_ascii() => Text(text.to_ascii_lowercase()),
        ("strtoupper", [Text(text)]) if text.is_ascii() => Text(text.to_ascii_uppercase()),
        ("intval", [value]) => php::cast("int", value)?,
        ("strval", [value]) => php::cast("string", value)?,
        ("boolval", [value]) => Bool(value.truthy()),
        ("in_array", [needle, Literal::Array(items)]) => {
            let mut found = false;
            for (_, item) in items {
                found |= php::binary("==", needle, item)?.truthy();
            }
            Bool(found)
        }
        // Past the end PHP 7 gives false and PHP 8 an empty string.
        ("substr", [Text(text), Int(from)]) => Text(
            text.get(usize::try_from(*from).ok()?..)
                .filter(|rest| !rest.is_empty())?
                .to_vec(),
        ),
        ("parse_url", [Text(url)]) => parse_url(url)?,
        ("preg_replace", [Text(pattern), Text(by), Text(text)]) if by.is_empty() => {
            Text(without(pattern, text)?)
        }
        ("file_get_contents", [Text(path)]) => Text(contents(path)?),
        _ => return None,
    })
}

/// What a configuration removes from a host name: its port, its first label, or every character
/// that is not of a set. Other patterns are not followed.
fn without(pattern: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    if !text.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let after = |byte| text.iter().position(|seen| *seen == byte);
    match pattern {
        b"/:.*/" => return Some(text[..after(b':').unwrap_or(text.len())].to_vec()),
        br"/^[^.]*\./" => return Some(text[after(b'.').map_or(0, |at| at + 1)..].to_vec()),
        _ => {}
    }
    let set = pattern.strip_prefix(b"/[^")?.strip_suffix(b"]/")?;
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(first) = set.get(at).copied() {
        match (first, set.get(at + 1).copied(), set.get(at + 2).copied()) {
            (b'\\', Some(mark), _) if mark.is_ascii_punctuation() => {
                kept.push(mark);
                at += 2;
            }
            (from, Some(b'-'), Some(to)) if from.is_ascii_alphanumeric() && to >= from => {
                kept.extend(from..=to);
                at += 3;
            }
            (b'\\' | b'[' | b']' | b'/' | b'^', ..) => return None,
            (first, ..) => {
                kept.push(first);
                at += 1;
            }
        }
    }
    let keep = |byte: &u8| kept.contains(byte);
    Some(text.iter().copied().filter(keep).collect())
}

/// PHP's `dirname` for absolute paths without doubled slashes.
fn dirname(path: &[u8], levels: i64) -> Option<Vec<u8>> {
    if !path.starts_with(b"/") || path.windows(2).any(|pair| pair == b"//") || levels < 1 {
        return None;
    }
    let mut path = path;
    for _ in 0..levels.min(4096) {
        path = path.strip_suffix(b"/").unwrap_or(path);
        let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        path = &path[..slash];
    }
    Some(if path.is_empty() {
        b"/".to_vec()
    } else {
        path.to_vec()
    })
}

/// `Some(None)`: certainly no such file. None: not ours to say.
fn facts(path: &[u8]) -> Option<Option<fs::Metadata>> {
    let path = Path::new(OsStr::from_bytes(path));
    if !path.is_absolute() {
        return None;
    }
    match fs::metadata(path) {
        Ok(facts) => Some(Some(facts)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(None),
        Err(_) => None,
    }
}

/// What we can read, PHP may not; so only world-readable files and absent ones are decided.
fn readable(path: &[u8]) -> Option<bool> {
    use std::os::unix::fs::MetadataExt;
    match facts(path)? {
        None => Some(false),
        Some(facts) if facts.is_file() && facts.mode() & 0o004 != 0 => {
            read::file(Path::new(OsStr::from_bytes(path)), u64::MAX >> 1)
                .is_ok()
                .then_some(true)
        }
        Some(_) => None,
    }
}

/// Files of the site and secrets; not what the kernel makes up for each process.
fn contents(path: &[u8]) -> Option<Vec<u8>> {
    let path = Path::new(OsStr::from_bytes(path));
    if !path.is_absolute() {
        return None;
    }
    let path = path.canonicalize().ok()?;
    let made_up = ["/proc", "/sys", "/dev"]
        .iter()
        .any(|folder| path.starts_with(folder));
    if made_up {
        None
    } else {
        read::file(&path, read::MAX_CONFIG_BYTES).ok()
    }
}

fn blanks(text: &[u8], start: bool) -> &[u8] {
    let kept = |byte: &u8| !b" \t\n\r\0\x0b".contains(byte);
    if start {
        &text[text.iter().position(kept).unwrap_or(text.len())..]
    } else {
        &text[..text.iter().rposition(kept).map_or(0, |at| at + 1)]
    }
}

/// `scheme://user:password@host:port/path` in plain characters; anything else is not decided.
fn parse_url(url: &[u8]) -> Option<Literal> {
    let url = std::str::from_utf8(url).ok()?;
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_once('/')?;
    let (login, place) = authority.split_once('@')?;
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    let (host, port) = match place.split_once(':') {
        Some((host, port)) => (
            host,
            Some(port.parse::<u16>().ok().filter(|port| *port > 0)?),
        ),
        None => (place, None),
    };
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"/?#@:[]".contains(&byte))
    };
    let parts = [Some(scheme), Some(user), password, Some(host), Some(path)];
    if !parts.into_iter().flatten().all(plain) {
        return None;
    }
    let text = |text: &str| Literal::Text(text.as_bytes().to_vec());
    let mut out = vec![(text("scheme"), text(scheme)), (text("host"), text(host))];
    out.extend(port.map(|port| (text("port"), Literal::Int(i64::from(port)))));
    out.push((text("user"), text(user)));
    out.extend(password.map(|password| (text("pass"), text(password))));
    out.push((text("path"), text(&format!("/{path}"))));
    Some(Literal::Array(out))
}
