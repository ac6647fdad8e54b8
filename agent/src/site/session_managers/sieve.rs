//! One look over a file's bytes: whether any of the words may be there that `hits` looks for. Most
//! files end here, and most bytes are never looked at. Pure.

/// A piece of every word that matters, in lower case, all of one length: the rarest one of each.
const PIECES: [&[u8; LENGTH]; 8] = [
    b"sion_to", // session_token
    b"r_metad", // user_metadata
    b"h_redir", // auth_redirect
    b"h_cooki", // auth_cookie, after which five functions are named
    b"t_curre", // wp_get_current_user, wp_set_current_user
    b"wp_hash", b"wp_logo", // wp_logout
    b"wp_salt",
];

/// Those that matter wherever they stand. The others are names that everybody calls: only their
/// declarations do.
const ANYWHERE: usize = 2;

const LENGTH: usize = 7;

/// Kinds of pairs of bytes: five bits of each, in which upper and lower case are the same.
const PAIRS: usize = 1 << 10;

/// How far to go on after a pair: to where it could be the end of a piece (Wu and Manber).
const STEPS: [u8; PAIRS] = {
    let mut steps = [(LENGTH - 1) as u8; PAIRS];
    let mut piece = 0;
    while piece < PIECES.len() {
        let mut at = 1;
        while at < LENGTH {
            let pair = pair(PIECES[piece][at - 1], PIECES[piece][at]);
            let step = (LENGTH - 1 - at) as u8;
            if step < steps[pair] {
                steps[pair] = step;
            }
            at += 1;
        }
        piece += 1;
    }
    steps
};

const fn pair(first: u8, second: u8) -> usize {
    ((first & 31) as usize) << 5 | (second & 31) as usize
}

/// Whether the text may hold any of the words, as a declaration where only that matters.
pub(super) fn holds_any(text: &[u8]) -> bool {
    let mut end = LENGTH;
    while let Some(&[first, second]) = text.get(end.wrapping_sub(2)..end) {
        let step = STEPS[pair(first, second)];
        if step == 0 && matters(text, end - LENGTH) {
            return true;
        }
        end += usize::from(step.max(1));
    }
    false
}

fn matters(text: &[u8], at: usize) -> bool {
    let window = &text[at..at + LENGTH];
    let found = PIECES
        .iter()
        .position(|piece| window.eq_ignore_ascii_case(*piece));
    found.is_some_and(|piece| piece < ANYWHERE || is_declared(&text[..at]))
}

/// Whether a name of which this is the beginning follows the word `function`.
fn is_declared(before: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let name = before.iter().rev().take_while(|byte| is_name(byte)).count();
    let before = before[..before.len() - name].trim_ascii_end();
    let before = before.strip_suffix(b"&").unwrap_or(before).trim_ascii_end();
    let word = b"function";
    let start = before.len().checked_sub(word.len());
    start.is_some_and(|start| before[start..].eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_wherever_it_stands() {
        let anywhere = [
            "session_token_manager",
            "WP_Session_Tokens",
            "wp_user_meta_session_tokens",
            "get_user_metadata",
        ];
        let declared = [
            "auth_redirect",
            "wp_clear_auth_cookie",
            "wp_generate_auth_cookie",
            "wp_get_current_user",
            "wp_hash",
            "wp_logout",
            "wp_parse_auth_cookie",
            "wp_salt",
            "wp_set_auth_cookie",
            "WP_SET_CURRENT_USER",
            "wp_validate_auth_cookie",
        ];
        for before in 0..20 {
            for after in [0, 1, 9] {
                let around = |word: &str| {
                    let text = format!("{} {word}{}", "w".repeat(before), "(".repeat(after));
                    holds_any(text.as_bytes())
                };
                for word in anywhere {
                    assert!(around(word), "{word}");
                }
                for name in declared {
                    assert!(around(&format!("function {name}")), "{name}");
                    assert!(around(&format!("FUNCTION\n\t& {name}")), "{name}");
                    assert!(!around(name), "{name}");
                }
            }
        }
        for text in [
            "",
            "wp_has",
            "function wp_has",
            "session_t",
            "function current user",
        ] {
            assert!(!holds_any(text.as_bytes()), "{text}");
        }
    }
}
