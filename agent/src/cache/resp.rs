//! Redis's protocol (RESP2): commands out, replies in, both bounded. Knows no command's meaning.

use std::future::Future;
use std::pin::Pin;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// Bytes that the replies to one batch of commands may take together.
pub(super) const MAX_BYTES: usize = 20 * 1024 * 1024;

/// A line holds a number or an error message.
const MAX_LINE: u64 = 4 * 1024;

/// Arrays in arrays; SCAN's answer has two.
const MAX_DEPTH: u32 = 4;

/// Elements in one array; SCAN is asked for a thousand, and may give more.
const MAX_ELEMENTS: usize = 100_000;

/// What the server answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// `+OK`
    Status(String),
    /// `-ERR …`
    Error(String),
    /// `:1`
    Int(i64),
    /// Bytes, or none.
    Bulk(Option<Vec<u8>>),
    /// Replies.
    Array(Vec<Self>),
}

/// Appends a command.
pub(super) fn encode(command: &[&[u8]], to: &mut Vec<u8>) {
    to.extend(format!("*{}\r\n", command.len()).bytes());
    for word in command {
        to.extend(format!("${}\r\n", word.len()).bytes());
        to.extend_from_slice(word);
        to.extend_from_slice(b"\r\n");
    }
}

/// Reads one reply, taking its size from `budget`. An error says what was wrong, for people.
pub(super) async fn reply<R: AsyncBufRead + Unpin>(
    from: &mut R,
    budget: &mut usize,
) -> Result<Reply, String> {
    element(from, budget, 0).await
}

type Boxed<'a> = Pin<Box<dyn Future<Output = Result<Reply, String>> + 'a>>;

fn element<'a, R: AsyncBufRead + Unpin>(
    from: &'a mut R,
    budget: &'a mut usize,
    depth: u32,
) -> Boxed<'a> {
    Box::pin(async move {
        let line = line(from, budget).await?;
        let Some((kind, rest)) = line.split_at_checked(1) else {
            return Err("it sent an empty line".to_owned());
        };
        match kind {
            "+" => Ok(Reply::Status(rest.to_owned())),
            "-" => Ok(Reply::Error(rest.to_owned())),
            ":" => Ok(Reply::Int(number(rest)?)),
            "$" => match usize::try_from(number(rest)?) {
                Err(_) => Ok(Reply::Bulk(None)),
                Ok(size) => bulk(from, budget, size).await,
            },
            "*" => {
                let count = usize::try_from(number(rest)?).unwrap_or(0);
                if depth == MAX_DEPTH || count > MAX_ELEMENTS {
                    return Err("it sent a larger array than was asked for".to_owned());
                }
                let mut elements = Vec::new();
                for _ in 0..count {
                    elements.push(element(from, budget, depth + 1).await?);
                }
                Ok(Reply::Array(elements))
            }
            _ => Err("it does not speak Redis's protocol".to_owned()),
        }
    })
}

async fn bulk<R: AsyncBufRead + Unpin>(
    from: &mut R,
    budget: &mut usize,
    size: usize,
) -> Result<Reply, String> {
    spend(budget, size)?;
    // Grows with what arrives: a size alone takes no memory.
    let mut bytes = Vec::new();
    let limit = size as u64 + 2;
    let mut limited = from.take(limit);
    limited.read_to_end(&mut bytes).await.map_err(broken)?;
    if bytes.len() != size + 2 || !bytes.ends_with(b"\r\n") {
        return Err("it ended inside an answer".to_owned());
    }
    bytes.truncate(size);
    Ok(Reply::Bulk(Some(bytes)))
}

async fn line<R: AsyncBufRead + Unpin>(from: &mut R, budget: &mut usize) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut limited = from.take(MAX_LINE);
    limited
        .read_until(b'\n', &mut bytes)
        .await
        .map_err(broken)?;
    spend(budget, bytes.len())?;
    match bytes.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None if bytes.is_empty() => Err("it hung up".to_owned()),
        None => Err("it does not speak Redis's protocol".to_owned()),
    }
}

fn spend(budget: &mut usize, size: usize) -> Result<(), String> {
    // An element is more than its bytes.
    let left = budget.checked_sub(size.saturating_add(32));
    *budget = left.ok_or_else(|| format!("its answer is larger than {MAX_BYTES} bytes"))?;
    Ok(())
}

fn number(text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|_| "it does not speak Redis's protocol".to_owned())
}

fn broken(error: std::io::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Reply, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(reply(&mut &bytes[..], &mut 100_000))
    }

    #[test]
    fn what_a_server_says() {
        let bulk = |text: &str| Reply::Bulk(Some(text.as_bytes().to_vec()));
        let rows = [
            ("+OK\r\n", Reply::Status("OK".to_owned())),
            ("-ERR no\r\n", Reply::Error("ERR no".to_owned())),
            (":-7\r\n", Reply::Int(-7)),
            ("$-1\r\n", Reply::Bulk(None)),
            ("$0\r\n\r\n", bulk("")),
            ("$4\r\na\r\nb\r\n", bulk("a\r\nb")),
            ("*-1\r\n", Reply::Array(Vec::new())),
            (
                "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n",
                Reply::Array(vec![bulk("0"), Reply::Array(vec![bulk("k")])]),
            ),
        ];
        for (bytes, wanted) in rows {
            assert_eq!(read(bytes.as_bytes()), Ok(wanted), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_answer() {
        let deep = "*1\r\n".repeat(9);
        let long = format!("+{}\r\n", "x".repeat(5_000));
        let rows = [
            ("", "hung up"),
            ("HTTP/1.1 400 Bad Request\r\n", "does not speak"),
            ("\r\n", "empty line"),
            ("$3\r\nab", "ended inside"),
            ("$3\r\nabcd\r\n", "ended inside"),
            ("$999999999999\r\n", "larger than"),
            ("*999999999\r\n", "larger array"),
            (":1x\r\n", "does not speak"),
            (&deep, "larger array"),
            (&long, "does not speak"),
        ];
        for (bytes, wanted) in rows {
            let said = read(bytes.as_bytes()).unwrap_err();
            assert!(said.contains(wanted), "{bytes:?}: {said}");
        }
    }

    #[test]
    fn words_keep_their_bytes() {
        let mut bytes = Vec::new();
        encode(&[b"DEL", b"a\r\nb\xff"], &mut bytes);
        assert_eq!(bytes, b"*2\r\n$3\r\nDEL\r\n$5\r\na\r\nb\xff\r\n");
    }
}
