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

fn look(bytes: &[u8], head: Option<&str>) -> Result<(u64, Head), Flaw> {
    verify(bytes, head).unwrap()
}

#[test]
fn every_change_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    let heads = written(&path, 9);
    let good = std::fs::read(&path).unwrap();
    assert_eq!(look(&good, None), Ok((9, heads[8].clone())));
    for head in &heads {
        assert!(look(&good, Some(head)).is_ok());
    }
    let last = heads.last().map(String::as_str);
    // Each byte in turn: in the last line only its hash tells.
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        assert!(look(&bytes, last).is_err(), "byte {at}");
    }
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    for out in 0..lines.len() {
        let rest = [&lines[..out], &lines[out + 1..]].concat().concat();
        assert!(look(&rest, last).is_err(), "line {out} taken out");
        if out + 1 < lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(out, out + 1);
            assert!(
                look(&swapped.concat(), last).is_err(),
                "lines {out} swapped"
            );
        }
    }
    for keep in 0..lines.len() {
        let cut = lines[..keep].concat();
        assert!(look(&cut, None).is_ok(), "nobody knows");
        assert_eq!(look(&cut, last), Err(Flaw::Cut), "{keep} lines left");
    }
    // Everything written anew.
    let mut anew = Audit::open(&dir.path().join("anew"), NOW).unwrap();
    for n in 0..12 {
        anew.append(result(&n.to_string()), NOW + 1).unwrap();
    }
    let anew = std::fs::read(dir.path().join("anew")).unwrap();
    assert_eq!(look(&anew, last), Err(Flaw::Cut));
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
    assert_eq!(look(&bytes, None), Ok((4, heads[1].clone())));
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
            assert_eq!(look(&bytes, None), Ok((count, heads[0].clone())), "{end}");
        }
        // A line that is none, and nothing that says so.
        std::fs::write(&path, [&good[..], b"{}\n"].concat()).unwrap();
        assert!(matches!(
            Audit::open(&path, NOW),
            Err(AuditError::Damaged(_))
        ));
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(
            look(&bytes, None),
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
    assert_eq!(look(&bytes, None), Ok((2, head)));
}
