//! The last of what a program says on stderr, kept for an error text while it is read.

use std::sync::{Mutex, PoisonError};

/// How much is kept, in bytes.
const MOST: usize = 4 * 1024;

/// What was said last.
#[derive(Default)]
pub(super) struct LastWords(Mutex<Vec<u8>>);

impl LastWords {
    /// It said more.
    pub(super) fn add(&self, more: &[u8]) {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(more);
        let over = words.len().saturating_sub(MOST);
        words.drain(..over);
    }

    /// As text, so far.
    pub(super) fn text(&self) -> String {
        let words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&words).into_owned()
    }
}
