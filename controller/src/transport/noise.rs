//! What a host prints before its first word to us: bounded, skipped, and kept for the error text.

use kickout_shared::message::MAX_NOISE;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What the host printed that is not ours, and what is not read as lines yet.
#[derive(Default)]
pub(super) struct Noise {
    pub(super) unread: Vec<u8>,
    /// Bytes skipped so far.
    skipped: usize,
    /// The last of them.
    last: String,
}

impl Noise {
    /// The next line, without its end; `None` at the end of the output.
    pub(super) async fn line(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<Vec<u8>>, String> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.unread.drain(..=end).collect();
                line.pop();
                return Ok(Some(line));
            }
            if self.skipped + self.unread.len() > MAX_NOISE {
                return Err("the host prints without end".to_owned());
            }
            let count = from.read_buf(&mut self.unread).await;
            if count.map_err(|error| error.to_string())? == 0 {
                let rest = std::mem::take(&mut self.unread);
                self.skip(&rest);
                return Ok(None);
            }
        }
    }

    pub(super) fn skip(&mut self, line: &[u8]) {
        self.skipped += line.len() + 1;
        if !line.trim_ascii().is_empty() {
            self.last = String::from_utf8_lossy(line).chars().take(200).collect();
        }
    }

    /// What was seen last: mostly the reason, such as `This account is currently not available.`
    pub(super) fn shown(&self) -> String {
        let unread = String::from_utf8_lossy(&self.unread);
        let unread = unread.trim();
        match unread.is_empty() {
            true => self.last.trim().to_owned(),
            false => unread.chars().take(200).collect(),
        }
    }
}
