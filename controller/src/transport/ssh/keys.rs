//! The operator's private keys and certificates: read once, unlocked once a run, kept for every
//! host. Knows no host and no server.

use std::collections::HashMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::transport::Ask;

/// No key file is larger.
const MAX_KEY: u64 = 64 * 1024;

/// Times a passphrase is asked for.
const PASSPHRASES: usize = 3;

/// What a key file turned out to be.
#[derive(Clone)]
pub(super) enum Key {
    /// There is no such file.
    Missing,
    /// It needs a passphrase that nobody gave.
    Locked,
    /// It is no key, or others may read it.
    Unusable(String),
    /// It can be used.
    Open(Arc<PrivateKey>),
}

/// The keys of this run. One lock over all: two hosts never ask for the same passphrase at once.
#[derive(Default)]
pub(super) struct Keys {
    opened: Mutex<HashMap<PathBuf, Key>>,
}

impl Keys {
    /// The key of a file; asks for its passphrase, once a run.
    pub(super) async fn open(&self, file: &Path, ask: Option<&Ask>) -> Key {
        let mut opened = self.opened.lock().await;
        if let Some(key) = opened.get(file) {
            return key.clone();
        }
        let key = unlocked(file, ask).await;
        opened.insert(file.to_owned(), key.clone());
        key
    }

    /// The public halves of these files, as far as they lie beside them.
    pub(super) fn public(&self, files: &[PathBuf]) -> Vec<KeyData> {
        let read = |file: &PathBuf| {
            let text = text(&beside(file, ".pub")).ok()??;
            Some(PublicKey::from_openssh(&text).ok()?.key_data().clone())
        };
        files.iter().filter_map(read).collect()
    }

    /// The certificates that were named, and the one beside the key.
    pub(super) fn certificates(&self, file: &Path, named: &[PathBuf]) -> Vec<Certificate> {
        let own = beside(file, "-cert.pub");
        named
            .iter()
            .chain([&own])
            .filter_map(|file| Certificate::from_openssh(&text(file).ok()??).ok())
            .collect()
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A small text file; `None` when it is not there.
fn text(file: &Path) -> std::io::Result<Option<Zeroizing<String>>> {
    let open = match std::fs::File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = Zeroizing::new(String::new());
    open.take(MAX_KEY).read_to_string(&mut text)?;
    Ok(Some(text))
}

async fn unlocked(file: &Path, ask: Option<&Ask>) -> Key {
    let text = match text(file) {
        Ok(Some(text)) => text,
        Ok(None) => return Key::Missing,
        Err(error) => return Key::Unusable(error.to_string()),
    };
    // As OpenSSH: a private key that others can read is not private.
    if std::fs::metadata(file).is_ok_and(|it| it.mode() & 0o077 != 0) {
        return Key::Unusable("others may read it: chmod 600".to_owned());
    }
    match decode_secret_key(&text, None) {
        Ok(key) => return Key::Open(Arc::new(key)),
        Err(russh::keys::Error::KeyIsEncrypted) => {}
        Err(_) if text.contains("ENCRYPTED") => {}
        Err(error) => return Key::Unusable(error.to_string()),
    }
    let Some(ask) = ask else {
        return Key::Locked;
    };
    let shown = file.display().to_string();
    for attempt in 0..PASSPHRASES {
        let question = match attempt {
            0 => format!("Passphrase of {shown}: "),
            _ => format!("That was not it. Passphrase of {shown}: "),
        };
        let (ask, text) = (Arc::clone(ask), text.clone());
        // The key derivation takes a tenth of a second, and a person longer: off the loop.
        let opened = tokio::task::spawn_blocking(move || {
            let typed = ask(&question)?;
            Some(decode_secret_key(&text, Some(&typed)).ok())
        });
        match opened.await {
            Ok(Some(Some(key))) => return Key::Open(Arc::new(key)),
            Ok(Some(None)) => {}
            Ok(None) | Err(_) => return Key::Locked,
        }
    }
    Key::Locked
}
