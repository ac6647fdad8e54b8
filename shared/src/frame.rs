//! Bytes to lines to frames, under a cap, without I/O.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest line, its newline included, in bytes.
pub const MAX_LINE: usize = 1024 * 1024;

/// Why bytes are not a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A line without end.
    #[error("a line is longer than {MAX_LINE} bytes")]
    TooLong,
    /// The stream ended inside a line.
    #[error("the stream ended in the middle of a line ({0} bytes)")]
    Truncated(usize),
    /// Not a frame of this protocol.
    #[error("not a frame: {0}")]
    Json(#[from] serde_json::Error),
}

/// Collects bytes and hands out whole lines. Holds at most one line and what arrived with it.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Where the first unread byte stands.
    start: usize,
    /// How far behind `start` there is no newline.
    searched: usize,
}

impl Lines {
    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line, without its newline; `None` when more bytes are needed.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let unread = &self.buffer[self.start..];
        let Some(end) = unread[self.searched..]
            .iter()
            .position(|&byte| byte == b'\n')
        else {
            self.searched = unread.len();
            return if unread.len() >= MAX_LINE {
                Err(FrameError::TooLong)
            } else {
                Ok(None)
            };
        };
        let end = self.searched + end;
        if end >= MAX_LINE {
            return Err(FrameError::TooLong);
        }
        let line = self.start..self.start + end;
        self.start += end + 1;
        self.searched = 0;
        Ok(Some(&self.buffer[line]))
    }

    /// The next frame; empty lines are skipped.
    pub fn next_frame<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        while let Some(line) = self.next_line()? {
            if !line.iter().all(u8::is_ascii_whitespace) {
                return decode(line).map(Some);
            }
        }
        Ok(None)
    }

    /// How many bytes have come and not been handed out.
    pub fn unread(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// To be called at end of input: nothing may be left.
    pub fn finish(&self) -> Result<(), FrameError> {
        match self.unread() {
            0 => Ok(()),
            left => Err(FrameError::Truncated(left)),
        }
    }
}

/// Reads one line. Depth is bounded by the JSON reader (128).
pub fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, FrameError> {
    Ok(serde_json::from_slice(line)?)
}

/// Writes a frame as one line, newline included.
///
/// # Errors
///
/// [`FrameError::TooLong`] when it does not fit: the caller sends it in parts.
pub fn encode<T: Serialize>(frame: &T) -> Result<Vec<u8>, FrameError> {
    let mut line = serde_json::to_vec(frame)?;
    line.push(b'\n');
    if line.len() > MAX_LINE {
        Err(FrameError::TooLong)
    } else {
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{RunId, ToAgent};

    #[test]
    fn lines_come_out_however_the_bytes_came_in() {
        let stream = b"one\n\ntwo\nthree\n";
        for step in 1..stream.len() {
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            for piece in stream.chunks(step) {
                lines.push(piece);
                while let Some(line) = lines.next_line().unwrap() {
                    seen.push(line.to_vec());
                }
            }
            assert_eq!(seen, [&b"one"[..], b"", b"two", b"three"], "step {step}");
            lines.finish().unwrap();
        }
    }

    #[test]
    fn a_line_of_a_mebibyte_passes_and_one_byte_more_does_not() {
        for (length, ok) in [(MAX_LINE - 1, true), (MAX_LINE, false)] {
            let mut lines = Lines::default();
            let mut bytes = vec![b'x'; length];
            bytes.push(b'\n');
            lines.push(&bytes);
            assert_eq!(lines.next_line().is_ok(), ok, "{length}");
        }
    }

    #[test]
    fn a_line_without_end_stops_at_the_cap() {
        let mut lines = Lines::default();
        let mut pushed = 0;
        while lines.next_line().is_ok() {
            lines.push(&[b'x'; 4096]);
            pushed += 4096;
            assert!(pushed <= MAX_LINE, "the cap must hold");
        }
    }

    #[test]
    fn a_truncated_session_is_an_error_at_each_byte() {
        let frame = encode(&ToAgent::Cancel { id: RunId(1) }).unwrap();
        for cut in 1..frame.len() {
            let mut lines = Lines::default();
            lines.push(&frame[..cut]);
            assert!(
                lines.next_frame::<ToAgent>().unwrap().is_none(),
                "cut at {cut}"
            );
            assert!(lines.finish().is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn hostile_lines_are_refused() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        for line in [
            "",
            "{}",
            "[]",
            "null",
            "{\"type\":\"reboot\"}",
            "{\"type\":\"ping\"",
            &deep,
        ] {
            assert!(decode::<ToAgent>(line.as_bytes()).is_err(), "{line:.40}");
        }
        assert!(decode::<ToAgent>(b"{\"type\":\"ping\",\"\xff\":1}").is_err());
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let line = br#"{"type":"cancel","id":7,"why":"newer controller"}"#;
        assert_eq!(
            decode::<ToAgent>(line).unwrap(),
            ToAgent::Cancel { id: RunId(7) }
        );
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let mut lines = Lines::default();
            lines.push(&bytes);
            while let Ok(Some(line)) = lines.next_line() {
                let _ = decode::<ToAgent>(line);
            }
        }
    }
}
