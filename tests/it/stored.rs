//! Values as PHP serializes them, and an agent with a shell around it: what several topics share.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use kickout_tests::{Binaries, Scratch, Site};

/// Unix seconds, here and on the site: they are one host. Read once, so that the same words make
/// the same values all through a test.
pub(crate) fn now() -> i64 {
    static NOW: OnceLock<i64> = OnceLock::new();
    *NOW.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(since.as_secs()).unwrap()
    })
}

/// `s:3:"abc";`
pub(crate) fn string(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [format!("s:{}:\"", bytes.len()).as_bytes(), bytes, b"\";"].concat()
}

/// The verifier of a made-up session: 64 hex digits, different from the first one on.
pub(crate) fn verifier(number: u64) -> String {
    format!(
        "{:08x}{:056x}",
        number.wrapping_mul(0x9e37_79b1) & 0xffff_ffff,
        number
    )
}

/// One session as WordPress stores it, made an hour ago and good for a day.
pub(crate) fn session(ua: impl AsRef<[u8]>) -> Vec<u8> {
    let (login, until) = (now() - 3600, now() + 86_400);
    let mut value = format!("a:4:{{s:10:\"expiration\";i:{until};s:2:\"ip\";").into_bytes();
    value.extend(string("192.0.2.1"));
    value.extend(string("ua"));
    value.extend(string(ua));
    value.extend(format!("s:5:\"login\";i:{login};}}").into_bytes());
    value
}

/// A whole `session_tokens` value of these entries.
pub(crate) fn value(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut value = format!("a:{}:{{", entries.len()).into_bytes();
    for (key, entry) in entries {
        value.extend(string(key));
        value.extend(entry);
    }
    value.push(b'}');
    value
}

/// So many ordinary sessions in one value.
pub(crate) fn many(count: u64) -> Vec<u8> {
    let entries: Vec<_> = (1..=count).map(|n| (verifier(n), session("UA"))).collect();
    value(&entries)
}

/// Gives so many users, made by SQL, one session each; returns nothing but the last id.
pub(crate) fn crowd(site: &Site, first: u64, count: u64, role: &str) {
    let (users, meta) = (site.users_table(), site.usermeta_table());
    let capabilities = format!("a:1:{{{}b:1;}}", String::from_utf8(string(role)).unwrap());
    let tokens = String::from_utf8(many(1)).unwrap();
    let prefix = &site.config().prefix;
    let last = first + count - 1;
    site.sql(format!(
        "INSERT INTO {users} (ID, user_login, user_nicename, user_email, user_pass, \
           user_registered, display_name) \
         SELECT seq, CONCAT('u', seq), CONCAT('u', seq), CONCAT('u', seq, '@example.com'), '', \
           '2026-01-01 00:00:00', CONCAT('User ', seq) FROM seq_{first}_to_{last}; \
         INSERT INTO {meta} (user_id, meta_key, meta_value) \
         SELECT seq, '{prefix}capabilities', '{capabilities}' FROM seq_{first}_to_{last}; \
         INSERT INTO {meta} (user_id, meta_key, meta_value) \
         SELECT seq, 'session_tokens', '{tokens}' FROM seq_{first}_to_{last};"
    ));
}

/// All rows of sessions of a site, as one text to compare.
pub(crate) fn all_rows(site: &Site) -> Vec<Vec<String>> {
    let meta = site.usermeta_table();
    site.sql(format!(
        "SELECT umeta_id, user_id, HEX(meta_value) FROM {meta} \
         WHERE meta_key = 'session_tokens' ORDER BY umeta_id;"
    ))
}

/// An agent that a shell starts: `$AGENT "$NONCE"` is the real one. What `--agent` names runs from
/// a sealed memory file, which no interpreter could open again: so the shell has a program around
/// it.
pub(crate) fn wrapped_agent(scratch: &Scratch, script: &str) -> PathBuf {
    let agent = Binaries::dev().agent.display();
    let script = format!("AGENT={agent} NONCE=$0\n{script}");
    let literal: String = script
        .bytes()
        .map(|byte| format!("\\x{byte:02x}\"\""))
        .collect();
    let source = scratch.write(
        "wrapper.c",
        format!(
            "#include <unistd.h>\nint main(int count, char **args) {{\n\
             return execl(\"/bin/sh\", \"sh\", \"-c\", \"{literal}\", args[count - 1], (char *)0);\n}}\n"
        ),
    );
    let program = scratch.join("wrapper");
    let status = Command::new("cc")
        .arg("-o")
        .arg(&program)
        .arg(source)
        .status();
    assert!(status.unwrap().success(), "cc failed");
    program
}
