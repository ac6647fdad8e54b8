//! Tests of the audit: what was changed, taken out, cut or torn is found, and nothing else is.

use super::*;

const NOW: i64 = 1_800_000_000;

fn result(operation: &str) -> Entry {
    Entry::Result {
        operation: operation.to_owned(),
        verdict: "gone".to_owned(),
        users: 1,
        sessions: 2,
    }
}

/// An audit of so many records, and every head it had.
fn written(path: &Path, records: u32) -> Vec<Head> {
    let mut audit = Audit::open(path, NOW).unwrap();
    let heads = (0..records).map(|n| audit.append(result(&n.to_string()), NOW).unwrap().clone());
    heads.collect()
}

fn look(bytes: &[u8], head: Option<&str>, key: Option<&Key>) -> Result<(u64, Head), Flaw> {
    let sound = verify(bytes, head, key).unwrap()?;
    Ok((sound.records, sound.head))
}

#[test]
fn every_change_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    let heads = written(&path, 9);
    let good = std::fs::read(&path).unwrap();
    let key = Key::read(&path).unwrap();
    let (own, none) = (key.as_ref(), None);
    let last = heads.last().map(String::as_str);
    for key in [own, none] {
        assert_eq!(look(&good, None, key), Ok((9, heads[8].clone())));
        for (number, head) in heads.iter().enumerate() {
            let sound = verify(&good[..], Some(head), key).unwrap().unwrap();
            assert_eq!(sound.vouched, number as u64 + 1);
        }
    }
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    // Each byte in turn: in the last line only its hash tells, or its seal.
    let mut line = 1;
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        assert!(look(&bytes, last, none).is_err(), "byte {at}");
        let flaw = look(&bytes, None, own).unwrap_err();
        let named = [Flaw::Forged(line), Flaw::NoRecord(line)];
        assert!(named.contains(&flaw), "byte {at}: {flaw:?}");
        line += u64::from(good[at] == b'\n');
    }
    for out in 0..lines.len() {
        let rest = [&lines[..out], &lines[out + 1..]].concat().concat();
        assert!(look(&rest, last, none).is_err(), "line {out} taken out");
        if out + 1 < lines.len() {
            let broken = Err(Flaw::Broken(out as u64 + 1));
            assert_eq!(look(&rest, None, own), broken);
            let mut swapped = lines.clone();
            swapped.swap(out, out + 1);
            let swapped = swapped.concat();
            assert!(look(&swapped, last, none).is_err(), "lines {out} swapped");
            assert_eq!(look(&swapped, None, own), broken);
        }
    }
    for keep in 0..lines.len() {
        let cut = lines[..keep].concat();
        for key in [own, none] {
            assert!(look(&cut, None, key).is_ok(), "nobody knows");
            assert_eq!(look(&cut, last, key), Err(Flaw::Cut), "{keep} lines left");
        }
    }
    // Everything written anew, by somebody with another key.
    let mut anew = Audit::open(&dir.path().join("anew"), NOW).unwrap();
    for n in 0..12 {
        anew.append(result(&n.to_string()), NOW + 1).unwrap();
    }
    let anew = std::fs::read(dir.path().join("anew")).unwrap();
    assert!(look(&anew, None, none).is_ok(), "nobody knows");
    assert_eq!(look(&anew, last, none), Err(Flaw::Cut));
    assert_eq!(look(&anew, None, own), Err(Flaw::Forged(1)));
    // A line added to the right ones.
    let more = [
        &good,
        &anew[..anew.iter().position(|it| *it == b'\n').unwrap() + 1],
    ]
    .concat();
    assert_eq!(look(&more, None, own), Err(Flaw::Forged(10)));
}

#[test]
fn it_does_not_go_on_without_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let key = dir.path().join("audit.key");
    written(&path, 2);
    let facts = std::fs::metadata(&key).unwrap();
    assert!(crate::private::is_private(&facts) && facts.len() == 32);
    let own = std::fs::read(&key).unwrap();
    let open = || Audit::open(&path, NOW).unwrap_err();
    std::fs::write(&key, [0; 32]).unwrap();
    assert!(matches!(open(), AuditError::Damaged(_)));
    for short in [&b""[..], &own[..31]] {
        std::fs::write(&key, short).unwrap();
        assert!(matches!(open(), AuditError::NoKey(_)));
    }
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(open(), AuditError::NoKey(_)));
    std::fs::write(&key, &own).unwrap();
    assert!(matches!(open(), AuditError::Open(_)), "others read it");
    std::fs::remove_file(&key).unwrap();
    crate::private::replace(&key, &own, 0o600).unwrap();
    assert!(Audit::open(&path, NOW).is_ok());
}

#[test]
fn it_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    written(&path, 2);
    assert!(matches!(
        Audit::open(dir.path(), NOW),
        Err(AuditError::Io { .. })
    ));
    let first = Audit::open(&path, NOW).unwrap();
    assert!(matches!(Audit::open(&path, NOW), Err(AuditError::Busy(_))));
    drop(first);
    let heads = written(&path, 2);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(
        look(&bytes, None, Key::read(&path).unwrap().as_ref()),
        Ok((4, heads[1].clone()))
    );
}

#[test]
fn a_torn_line_is_said_to_be_one() {
    let dir = tempfile::tempdir().unwrap();
    for records in [1, 3] {
        let path = dir.path().join(format!("audit-{records}"));
        written(&path, records);
        let good = std::fs::read(&path).unwrap();
        let start = good[..good.len() - 1]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |it| it + 1);
        for end in start + 1..good.len() {
            std::fs::write(&path, &good[..end]).unwrap();
            let heads = written(&path, 1);
            let bytes = std::fs::read(&path).unwrap();
            // The line and what says so, or a line whose newline was missing.
            let count = u64::from(records) + 1;
            assert_eq!(
                look(&bytes, None, Key::read(&path).unwrap().as_ref()),
                Ok((count, heads[0].clone())),
                "{end}"
            );
        }
        // A line that is none, and nothing that says so.
        std::fs::write(&path, [&good[..], b"{}\n"].concat()).unwrap();
        assert!(matches!(
            Audit::open(&path, NOW),
            Err(AuditError::Damaged(_))
        ));
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(
            look(&bytes, None, Key::read(&path).unwrap().as_ref()),
            Err(Flaw::NoRecord(u64::from(records) + 1))
        );
    }
}

#[test]
fn a_full_disk_stops_it_and_leaves_it_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    let mut audit = Audit::open(&path, NOW).unwrap();
    audit.append(result("a"), NOW).unwrap();
    let long = result(&"x".repeat(100_000));
    assert!(audit.append(long, NOW).is_err());
    let head = audit.append(result("b"), NOW).unwrap().clone();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(
        look(&bytes, None, Key::read(&path).unwrap().as_ref()),
        Ok((2, head))
    );
}
