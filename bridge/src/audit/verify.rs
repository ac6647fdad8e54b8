//! Whether an audit is as it was written: each line's seal, the chain, and its end.

use std::io::{self, BufRead as _, BufReader, Read as _};

use kickout_shared::token::sha256_hex;

use super::{Entry, Head, Key, MAX_LINE, START, record};

/// What is wrong with an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// This line, counted from 1, is no record.
    NoRecord(u64),
    /// This line is not as the bridge wrote it: its seal is another.
    Forged(u64),
    /// This line does not follow on the one before: one between them was taken out, or, where there
    /// is no key, one of them changed.
    Broken(u64),
    /// No line has the given hash: the tail was cut, or everything was written anew.
    Cut,
}

/// An audit without a flaw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// How many records there are.
    pub records: u64,
    /// The last one's hash.
    pub head: Head,
    /// How many of them the given hash vouches for: what comes before it cannot be changed.
    pub vouched: u64,
}

/// Looks at every line; without a key not at their seals. `head` is a hash that must be that of some
/// line.
pub fn verify(
    reader: impl io::Read,
    head: Option<&str>,
    key: Option<&Key>,
) -> io::Result<Result<Sound, Flaw>> {
    let mut reader = BufReader::new(reader);
    let (mut line, mut lines, mut n) = (Vec::new(), 0, 0);
    let mut last = START.to_owned();
    let mut vouched = head.filter(|head| *head == START).map(|_| 0);
    // A line that is no record: it counts when the next says that it was cut short.
    let mut torn = None;
    loop {
        line.clear();
        let read = (&mut reader)
            .take(MAX_LINE + 1)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        lines += 1;
        if let Some(at) = torn.take()
            && !is_torn(&line)
        {
            return Ok(Err(Flaw::NoRecord(at)));
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        match record(text) {
            Some(_) if key.is_some_and(|key| !key.has_sealed(text)) => {
                return Ok(Err(Flaw::Forged(lines)));
            }
            Some(record) if record.n == n + 1 && record.prev == last => n = record.n,
            Some(_) => return Ok(Err(Flaw::Broken(lines))),
            None => torn = Some(lines),
        }
        last = sha256_hex(text);
        if head.is_some_and(|head| head == last) {
            vouched = Some(n);
        }
    }
    Ok(match (torn, vouched) {
        (Some(at), _) => Err(Flaw::NoRecord(at)),
        (None, None) if head.is_some() => Err(Flaw::Cut),
        (None, vouched) => Ok(Sound {
            records: n,
            head: last,
            vouched: vouched.unwrap_or(0),
        }),
    })
}

fn is_torn(line: &[u8]) -> bool {
    record(line).is_some_and(|record| record.entry == Entry::Torn)
}
