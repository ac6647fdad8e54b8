//! What in the text of one PHP file replaces sessions or the cookie check. Bytes are searched first;
//! a file with a hit is read as PHP, so that comments and methods do not count. Code that cannot be
//! read so counts as it stands: a hit too many costs a slower engine, one too few a false success.

use super::{FindingKind, sieve};
use crate::site::literal::Literal;
use crate::site::php::{Part, Tok, Token, tokens};

/// Pluggable functions of core that decide who is logged in.
const PLUGGABLE: [&[u8]; 11] = [
    b"auth_redirect",
    b"wp_clear_auth_cookie",
    b"wp_generate_auth_cookie",
    b"wp_get_current_user",
    b"wp_hash",
    b"wp_logout",
    b"wp_parse_auth_cookie",
    b"wp_salt",
    b"wp_set_auth_cookie",
    b"wp_set_current_user",
    b"wp_validate_auth_cookie",
];

/// Every hit, with its line, counted from 1.
pub(super) fn of(text: &[u8]) -> Vec<(FindingKind, u32)> {
    if !sieve::holds_any(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    find_all(text, b"session_token", |at| {
        found.extend(manager(text, at));
    });
    find_all(text, b"user_metadata", |at| {
        found.extend(metadata(text, at));
    });
    find_all(text, b"function", |at| found.extend(pluggable(text, at)));
    if found.is_empty() {
        return Vec::new();
    }
    if let Some(read) = as_php(text) {
        return read;
    }
    let line = |at: usize| text[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let found = found.into_iter();
    found
        .map(|(kind, at)| (kind, u32::try_from(line(at)).unwrap_or(u32::MAX)))
        .collect()
}

/// The hits in what PHP would run; `None` when the text cannot be read as PHP to its end.
fn as_php(text: &[u8]) -> Option<Vec<(FindingKind, u32)>> {
    let tokens = tokens(text, false);
    let unclear = |token: &Token| match &token.tok {
        Tok::Bad(_) => true,
        // What follows is data, which may be code of an archive.
        Tok::Ident(name) => name.eq_ignore_ascii_case(b"__halt_compiler"),
        _ => false,
    };
    if tokens.iter().any(unclear) {
        return None;
    }
    let mut found = Vec::new();
    for token in &tokens {
        for text in texts(&token.tok) {
            find_all(text, b"session_token_manager", |_| {
                found.push((FindingKind::ManagerFilter, token.line));
            });
            let named = matches!(token.tok, Tok::Ident(_));
            let filter = metadata_filter(text).filter(|_| !named);
            found.extend(filter.map(|kind| (kind, token.line)));
        }
    }
    found.extend(declared(&tokens));
    Some(found)
}

/// What a token says as text. A word counts: a hook may be named after the function that serves it.
fn texts(token: &Tok) -> Vec<&[u8]> {
    match token {
        Tok::Ident(text) | Tok::Lit(Literal::Text(text)) => vec![text],
        Tok::Template(parts) => {
            let mut texts = Vec::new();
            for part in parts {
                if let Part::Text(text) = part {
                    texts.push(text.as_slice());
                }
            }
            texts
        }
        _ => Vec::new(),
    }
}

fn metadata_filter(name: &[u8]) -> Option<FindingKind> {
    let verb = without_end(name, b"_user_metadata")?;
    if verb.eq_ignore_ascii_case(b"get") {
        return Some(FindingKind::MetadataAnswer);
    }
    let others: [&[u8]; 3] = [b"add", b"update", b"delete"];
    let other = others.iter().any(|other| verb.eq_ignore_ascii_case(other));
    other.then_some(FindingKind::MetadataFilter)
}

/// Pluggable functions that are declared for everybody (no methods, nothing in a namespace), and
/// classes that extend or import one of core's.
fn declared(tokens: &[Token]) -> Vec<(FindingKind, u32)> {
    let ident = |at: usize| match tokens.get(at).map(|token| &token.tok) {
        Some(Tok::Ident(name)) => name.to_ascii_lowercase(),
        _ => Vec::new(),
    };
    let is = |at: usize, op: &'static str| tokens.get(at).is_some_and(|t| t.tok == Tok::Op(op));
    let mut found = Vec::new();
    // Whether each open brace is a class's, and at which parenthesis the next class's is awaited.
    let (mut braces, mut parens, mut class) = (Vec::new(), 0_u32, None);
    let mut namespaced = false;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(ident).unwrap_or_default();
        match &token.tok {
            Tok::Op("(") => parens += 1,
            Tok::Op(")") => parens = parens.saturating_sub(1),
            Tok::Op("{") => {
                let own = class == Some(parens);
                braces.push(own);
                class = class.filter(|_| !own);
            }
            Tok::Op("}") => {
                braces.pop();
            }
            Tok::Ident(word) => match word.to_ascii_lowercase().as_slice() {
                b"namespace" if is(at + 1, "{") => namespaced = false,
                b"namespace" => namespaced = namespaced || !ident(at + 1).is_empty(),
                b"class" | b"trait" | b"interface" | b"enum" => {
                    let member = at > 0 && ["->", "?->", "::"].iter().any(|op| is(at - 1, op));
                    let named = !ident(at + 1).is_empty() && before != b"function";
                    let nameless = before == b"new" || before == b"readonly";
                    if !member && (named || nameless) {
                        class = Some(parens);
                    }
                }
                b"extends" | b"use" => {
                    let name = ident(at + 1);
                    let name = name.strip_prefix(b"\\").unwrap_or(&name);
                    if CLASSES.contains(&name) {
                        found.push((FindingKind::ManagerClass, token.line));
                    }
                }
                b"function" if !namespaced && braces.last() != Some(&true) => {
                    let name = ident(at + 1 + usize::from(is(at + 1, "&")));
                    if PLUGGABLE.contains(&name.as_slice()) {
                        found.push((FindingKind::PluggableAuth, token.line));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    found
}

/// Core's classes of sessions.
const CLASSES: [&[u8]; 2] = [b"wp_session_tokens", b"wp_user_meta_session_tokens"];

fn manager(text: &[u8], at: usize) -> Option<(FindingKind, usize)> {
    let after = &text[at + b"session_token".len()..];
    if starts_with(after, b"_manager") {
        return Some((FindingKind::ManagerFilter, at));
    }
    let before = without_end(&text[..at], b"wp_user_meta_").or(without_end(&text[..at], b"wp_"))?;
    let before = before
        .strip_suffix(b"\\")
        .unwrap_or(before)
        .trim_ascii_end();
    let class = starts_with(after, b"s")
        && (without_end(before, b"extends").is_some() || without_end(before, b"use").is_some());
    class.then_some((FindingKind::ManagerClass, at))
}

fn metadata(text: &[u8], at: usize) -> Option<(FindingKind, usize)> {
    let end = at + b"user_metadata".len();
    let quote = text.get(end).filter(|byte| b"'\"".contains(byte))?;
    let open = text[..at].iter().rposition(|byte| byte == quote)?;
    Some((metadata_filter(&text[open + 1..end])?, at))
}

fn pluggable(text: &[u8], at: usize) -> Option<(FindingKind, usize)> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    if text[..at].last().is_some_and(is_name) {
        return None;
    }
    let after = text[at + b"function".len()..].trim_ascii_start();
    let after = after.strip_prefix(b"&").unwrap_or(after).trim_ascii_start();
    let length = after.iter().take_while(|byte| is_name(byte)).count();
    let name = &after[..length];
    let known = PLUGGABLE
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name));
    known.then_some((FindingKind::PluggableAuth, at))
}

fn starts_with(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn without_end<'a>(text: &'a [u8], suffix: &[u8]) -> Option<&'a [u8]> {
    let (start, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(start)
}

/// Calls `hit` with every position of a lower-case needle, whatever the case of the text
/// (Boyer-Moore-Horspool: most bytes are never looked at).
fn find_all(text: &[u8], needle: &[u8], mut hit: impl FnMut(usize)) {
    let last = needle.len() - 1;
    let mut skips = [needle.len(); 256];
    for (at, byte) in needle[..last].iter().enumerate() {
        skips[usize::from(*byte)] = last - at;
        skips[usize::from(byte.to_ascii_uppercase())] = last - at;
    }
    let mut at = 0;
    while let Some(window) = text.get(at..at + needle.len()) {
        if window.eq_ignore_ascii_case(needle) {
            hit(at);
        }
        at += skips[usize::from(window[last])];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_a_finding() {
        use FindingKind::*;
        let long = format!(
            "class A {{ {} }}\nfunction wp_salt() {{}}",
            "f();".repeat(9)
        );
        let rows: [(&str, Option<FindingKind>); 34] = [
            (
                "add_filter('session_token_manager', 'f');",
                Some(ManagerFilter),
            ),
            (
                "add_filter(\"session_token_manager\", 'f');",
                Some(ManagerFilter),
            ),
            (
                "$x = <<<'X'\nsession_token_manager\nX;",
                Some(ManagerFilter),
            ),
            (
                "eval(\"f('session_token_manager', $x);\");",
                Some(ManagerFilter),
            ),
            ("// session_token_manager", None),
            ("/** session_token_manager */ # get_user_metadata", None),
            (
                "`session_token_manager`; // session_token_manager",
                Some(ManagerFilter),
            ),
            (
                "__halt_compiler(); session_token_manager",
                Some(ManagerFilter),
            ),
            ("class A extends WP_Session_Tokens {}", Some(ManagerClass)),
            ("class A extends \\WP_Session_Tokens {}", Some(ManagerClass)),
            (
                "class A EXTENDS\n  wp_user_meta_session_tokens {}",
                Some(ManagerClass),
            ),
            ("use WP_Session_Tokens as Base;", Some(ManagerClass)),
            ("WP_Session_Tokens::get_instance(1);", None),
            (
                "function wp_validate_auth_cookie( $a ) {}",
                Some(PluggableAuth),
            ),
            ("function &WP_Salt() {}", Some(PluggableAuth)),
            ("if (1) { function wp_salt() {} }", Some(PluggableAuth)),
            ("class A { function wp_salt() {} }", None),
            (
                "trait A { static function wp_salt() { if (1) { } } function wp_hash() {} }",
                None,
            ),
            (
                "f(new class(function () {}) { function wp_salt() {} });",
                None,
            ),
            (
                "class A { function f() { function wp_salt() {} } }",
                Some(PluggableAuth),
            ),
            (
                "class A { function f() { $x = $this->class; } } function wp_salt() {}",
                Some(PluggableAuth),
            ),
            (
                "f(class: 1); if (1) { function wp_salt() {} }",
                Some(PluggableAuth),
            ),
            (
                "$x = A::class; if (1) { function wp_salt() {} }",
                Some(PluggableAuth),
            ),
            (&long, Some(PluggableAuth)),
            ("namespace A; function wp_salt() {}", None),
            (
                "namespace A { } namespace { function wp_salt() {} }",
                Some(PluggableAuth),
            ),
            (
                "add_filter(\"get_user_metadata\", 'f');",
                Some(MetadataAnswer),
            ),
            (
                "add_filter('delete_user_metadata', 'f');",
                Some(MetadataFilter),
            ),
            ("$m = get_user_metadata();", None),
            ("function my_wp_salt() {}", None),
            ("myfunction wp_salt()", None),
            ("wp_salt();", None),
            ("// nothing", None),
            ("?><p>session_token_manager</p>", None),
        ];
        for (code, want) in rows {
            let found = of(format!("<?php\n\n{code}").as_bytes());
            assert_eq!(found.first().map(|found| found.0), want, "{code}");
            assert!(found.iter().all(|found| found.1 >= 3), "{code}: {found:?}");
        }
    }
}
