//! Tests of tokens: which one counts when, what is stored, and who may change it.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

const NOW: i64 = 1_800_000_000;

fn new(certificate: Option<&str>, life: i64) -> Result<(Stored, Secret), TokenError> {
    let certificate = certificate.map(str::to_owned);
    Stored::new(
        "laptop".to_owned(),
        Grant::default(),
        certificate,
        NOW,
        life,
    )
}

/// What is presented, with which certificate, when; and whose it is.
type Row<'a> = (&'a str, Option<&'a str>, i64, Result<&'a str, Refusal>);

#[test]
fn which_token_counts() {
    let (good, secret) = new(None, 100).unwrap();
    let (bound, with) = new(Some("c1"), 100).unwrap();
    let (revoked, gone) = new(None, 100).unwrap();
    let revoked = Stored {
        revoked: Some(NOW),
        ..revoked
    };
    let (alone, _) = new(Some("c3"), 100).unwrap();
    let alone = Stored {
        alone: true,
        ..alone
    };
    let tokens = [good.clone(), bound.clone(), revoked, alone.clone()];
    let (text, with) = (secret.reveal(), with.reveal());
    let (id, rest) = text.strip_prefix("kob_").unwrap().split_once('_').unwrap();
    let other = format!("kob_{id}_{}", &with[17..]);
    let changed = format!("kob_{id}_{}A", &rest[..42]);
    let unknown = format!("kob_{}_{rest}", "0".repeat(12));
    let long = format!("{text}A");
    let rows: [Row<'_>; 20] = [
        (text, None, NOW, Ok(id)),
        (text, Some("c1"), NOW + 99, Ok(id)),
        (text, None, NOW + 100, Err(Refusal::Expired)),
        (text, None, NOW - 1, Err(Refusal::Expired)),
        (with, Some("c1"), NOW, Ok(&bound.id)),
        (with, Some("c2"), NOW, Err(Refusal::Certificate)),
        (with, None, NOW, Err(Refusal::Certificate)),
        (gone.reveal(), None, NOW, Err(Refusal::Revoked)),
        (&other, None, NOW, Err(Refusal::Wrong)),
        (&changed, None, NOW, Err(Refusal::Wrong)),
        (&unknown, None, NOW, Err(Refusal::Unknown)),
        (&long, None, NOW, Err(Refusal::Malformed)),
        (rest, None, NOW, Err(Refusal::Malformed)),
        ("", None, NOW, Err(Refusal::Malformed)),
        ("", Some("c1"), NOW, Err(Refusal::Malformed)),
        ("", Some("c3"), NOW, Ok(&alone.id)),
        ("", Some("c3"), NOW + 100, Err(Refusal::Expired)),
        ("x", Some("c3"), NOW, Err(Refusal::Malformed)),
        ("kob__", None, NOW, Err(Refusal::Malformed)),
        ("kob_\u{e4}\u{e4}_x", None, NOW, Err(Refusal::Malformed)),
    ];
    for (presented, certificate, now, expected) in rows {
        let counted = check(&tokens, presented, certificate, now);
        assert_eq!(
            counted.map(|token| token.id.as_str()),
            expected,
            "{presented}"
        );
    }
    // What is stored opens nothing, and says nothing of the secret.
    let stored = serde_json::to_string(&good).unwrap();
    assert!(!stored.contains(rest) && stored.contains(&good.sha256));
    let hash = format!("kob_{id}_{}", &good.sha256[..43]);
    assert_eq!(check(&tokens, &hash, None, NOW), Err(Refusal::Wrong));
    assert_eq!(format!("{secret:?}"), "Secret");
}

#[test]
fn tokens_differ_and_end() {
    let (one, two) = (new(None, 1).unwrap(), new(None, MAX_LIFE).unwrap());
    assert_ne!(one.0.id, two.0.id);
    assert_ne!(one.1.reveal(), two.1.reveal());
    assert_eq!(one.1.reveal().len(), "kob_".len() + 12 + 1 + 43);
    for life in [0, -1, MAX_LIFE + 1, i64::MAX] {
        assert!(matches!(new(None, life), Err(TokenError::Life)), "{life}");
    }
}

#[test]
fn kept_whole_and_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokens.json");
    let store = Store::at(&path);
    assert_eq!(store.read().unwrap(), []);
    let (token, _) = new(None, 100).unwrap();
    let add = |tokens: &mut Vec<Stored>| {
        tokens.push(token.clone());
        Ok(())
    };
    store.change(add).unwrap();
    assert_eq!(store.read().unwrap(), std::slice::from_ref(&token));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    // A change that fails changes nothing.
    let fails = |tokens: &mut Vec<Stored>| {
        tokens.clear();
        Err::<(), _>(TokenError::Unknown("x".to_owned()))
    };
    assert!(store.change(fails).is_err());
    assert_eq!(store.read().unwrap().len(), 1);

    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert!(matches!(store.read(), Err(TokenError::Open(_))), "{mode:o}");
        assert!(store.change(add).is_err());
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let good = fs::read(&path).unwrap();
    for damaged in [
        &b""[..],
        b"[]",
        b"{}",
        b"{\"tokens\":[{}]}",
        &good[..good.len() / 2],
    ] {
        fs::write(&path, damaged).unwrap();
        assert!(matches!(store.read(), Err(TokenError::Damaged { .. })));
    }
    let short = String::from_utf8(good)
        .unwrap()
        .replace(&token.sha256, "00");
    fs::write(&path, short).unwrap();
    assert!(matches!(store.read(), Err(TokenError::Damaged { .. })));
    fs::rename(&path, dir.path().join("elsewhere")).unwrap();
    symlink("elsewhere", &path).unwrap();
    assert!(matches!(store.read(), Err(TokenError::Io { .. })));
}

#[test]
fn two_changes_never_meet() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path().join("tokens.json"));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..8 {
                    let (token, _) = new(None, 100).unwrap();
                    let add = |tokens: &mut Vec<Stored>| {
                        tokens.push(token);
                        Ok(())
                    };
                    store.change(add).unwrap();
                }
            });
        }
    });
    assert_eq!(store.read().unwrap().len(), 64);
}

/// Whether more of a hash is right does not show in the time: Welch's t of two sets of times, taken
/// in no order. By chance it exceeds 4.5 once in 100,000 tries; what a busy machine does to one, it
/// does not do to each of three.
#[test]
fn the_time_tells_nothing() {
    let (mut token, secret) = new(None, 100).unwrap();
    let hash = token.sha256.clone();
    let other = |digit: &str| if digit == "0" { "1" } else { "0" };
    let (last, first) = (hash.len() - 1, 1);
    let right = format!("{}{}", &hash[..last], other(&hash[last..]));
    let wrong = format!("{}{}", other(&hash[..first]), &hash[first..]);
    let mut tries = (0..3).map(|_| {
        let mut times = [Vec::new(), Vec::new()];
        for number in 0..100_000 {
            // Not one after the other: a rhythm of the machine's would favour one.
            let which = ((number * 2_654_435_761_u64) >> 16) as usize % 2;
            token.sha256.clone_from([&right, &wrong][which]);
            let tokens = std::slice::from_ref(&token);
            let start = std::time::Instant::now();
            let checked = check(std::hint::black_box(tokens), secret.reveal(), None, NOW);
            times[which].push(start.elapsed().as_nanos() as f64);
            assert_eq!(checked.unwrap_err(), Refusal::Wrong);
        }
        welch(&mut times).abs()
    });
    assert!(tries.any(|t| t < 4.5));
}

/// Of the quicker nine tenths: what is above was interrupted.
fn welch(times: &mut [Vec<f64>; 2]) -> f64 {
    let [one, two] = times.each_mut().map(|times| {
        times.sort_unstable_by(f64::total_cmp);
        times.truncate(times.len() * 9 / 10);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let square = |time: &f64| (time - mean).powi(2);
        let variance = times.iter().map(square).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    (one.0 - two.0) / (one.1 + two.1).sqrt()
}
