//! Who a host is, by the files of known hosts. Border: reads and appends to these files; knows no
//! connection, asks nobody, and in doubt says no.
//!
//! The rules are OpenSSH's (`hostfile.c`, `sshconnect.c`), stricter in three places: a damaged
//! `@revoked` line refuses, a certificate without principals is nobody's, and a key revoked for
//! the plain name is revoked on every port.

mod error;
mod file;
mod line;
mod record;

use std::path::{Path, PathBuf};

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};

pub use error::{CertificateError, KnownHostsError, RecordError};
use file::Entries;
pub use file::Files;
use line::{Line, Marker};
pub use record::{Recorded, record};

use super::pattern::matches;

/// What the files say about a host's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is the host's.
    Known,
    /// Nothing is known about the host.
    Unknown,
    /// The host has other keys.
    Changed {
        /// The file with the other key.
        file: PathBuf,
        /// The line of it, from 1.
        line: usize,
    },
    /// The key was revoked.
    Revoked {
        /// The file that says so.
        file: PathBuf,
        /// The line of it, from 1.
        line: usize,
    },
}

/// How a host is called in the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// `host`, or `[host]:port` when the port is not 22.
    spelled: String,
    /// The host alone: what certificates name.
    host: String,
}

impl Name {
    /// The name of a host on a port.
    #[must_use]
    pub fn of(host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        let spelled = match port {
            22 => host.clone(),
            port => format!("[{host}]:{port}"),
        };
        Self { spelled, host }
    }

    /// A name that stands for the host on any port (`HostKeyAlias`).
    #[must_use]
    pub fn alias(alias: &str) -> Self {
        let host = alias.to_ascii_lowercase();
        let spelled = host.clone();
        Self { spelled, host }
    }

    /// As the files spell it; also what `ssh-keygen -R` takes.
    #[must_use]
    pub fn spelled(&self) -> &str {
        &self.spelled
    }
}

/// What is known for a host, so that the client can ask for those keys first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Algorithms {
    /// The algorithms of the host's keys, each once, in the order of the files.
    pub keys: Vec<Algorithm>,
    /// An authority signs certificates for the host: ask for certificates before keys.
    pub authority: bool,
}

/// What the files say about one host.
#[derive(Debug)]
pub struct KnownHost {
    name: Name,
    files: Vec<(PathBuf, Entries)>,
    /// The entries about the name as it is spelled: file and index.
    spelled: Vec<(usize, usize)>,
    /// The entries about the plain name: the same on port 22.
    bare: Vec<(usize, usize)>,
}

/// One entry with its place.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a Path,
    number: usize,
    line: &'a Line,
}

impl KnownHost {
    /// Reads the files in this order. One that is not there holds no keys; anything else that
    /// hinders reading is an error, because a revocation may stand there.
    pub fn read(files: &[PathBuf], name: Name, read: &Files) -> Result<Self, KnownHostsError> {
        let entries = |file: &PathBuf| Ok((file.clone(), read.entries(file)?));
        let files = files.iter().map(entries).collect::<Result<Vec<_>, _>>()?;
        // Once for all questions: a hashed name costs a hash a line.
        let about = |name: &str| -> Vec<(usize, usize)> {
            let lines = files.iter().enumerate().flat_map(|(file, (_, entries))| {
                let lines = entries.iter().enumerate();
                lines.map(move |(index, (_, line))| (file, index, line))
            });
            let about = lines.filter(|(.., line)| line.is_about(name));
            about.map(|(file, index, _)| (file, index)).collect()
        };
        let spelled = about(&name.spelled);
        let bare = match name.spelled == name.host {
            true => spelled.clone(),
            false => about(&name.host),
        };
        Ok(Self {
            name,
            files,
            spelled,
            bare,
        })
    }

    /// How it is called.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What is known about a plain key that the host shows.
    pub fn key(&self, key: &PublicKey) -> Result<Standing, KnownHostsError> {
        let blob = bytes(key)?;
        if let Some(revoked) = self.revoked(&blob) {
            return Ok(revoked);
        }
        let standing = self.plain(&self.spelled, &blob);
        if standing == Standing::Unknown {
            // As OpenSSH: the same key under the plain name is good on another port as well.
            let bare = self.plain(&self.bare, &blob);
            return Ok(if bare == Standing::Known {
                bare
            } else {
                standing
            });
        }
        Ok(standing)
    }

    /// What is known about a certificate that the host shows, at this time. Without an authority
    /// for the host it is judged by its key, as OpenSSH does.
    pub fn certificate(
        &self,
        certificate: &Certificate,
        now_unix: u64,
    ) -> Result<Result<Standing, CertificateError>, KnownHostsError> {
        let own = PublicKey::from(certificate.public_key().clone());
        let authority = bytes(&PublicKey::from(certificate.signature_key().clone()))?;
        for blob in [&bytes(&own)?, &authority] {
            if let Some(revoked) = self.revoked(blob) {
                return Ok(Ok(revoked));
            }
        }
        let signs =
            |it: &Place<'_>| it.line.marker == Marker::Authority && *it.line.blob() == *authority;
        if self.first(signs).is_none() {
            return self.key(&own).map(Ok);
        }
        Ok(valid(&self.name, certificate, now_unix).map(|()| Standing::Known))
    }

    /// The kinds of keys that are known for the host.
    #[must_use]
    pub fn algorithms(&self) -> Algorithms {
        let mut found = Algorithms::default();
        for about in [&self.spelled, &self.bare] {
            for it in self.places(about) {
                match it.line.marker {
                    Marker::Authority => found.authority = true,
                    Marker::Plain => {
                        for algorithm in algorithms(it.line.kind()) {
                            if !found.keys.contains(&algorithm) {
                                found.keys.push(algorithm);
                            }
                        }
                    }
                    Marker::Revoked => {}
                }
            }
            if found != Algorithms::default() {
                break;
            }
        }
        found
    }

    fn places<'a>(&'a self, about: &'a [(usize, usize)]) -> impl Iterator<Item = Place<'a>> {
        about.iter().filter_map(|&(file, index)| {
            let (file, entries) = self.files.get(file)?;
            let (number, line) = entries.get(index)?;
            Some(Place {
                file,
                number: *number,
                line,
            })
        })
    }

    /// The first such entry, under either name.
    fn first(&self, is: impl Fn(&Place<'_>) -> bool) -> Option<Place<'_>> {
        let all = self.places(&self.spelled).chain(self.places(&self.bare));
        all.into_iter().find(|it| is(it))
    }

    /// The line that revokes the key for this host.
    fn revoked(&self, blob: &[u8]) -> Option<Standing> {
        let revokes = |it: &Place<'_>| it.line.marker == Marker::Revoked && it.line.blob() == blob;
        let it = self.first(revokes)?;
        Some(Standing::Revoked {
            file: it.file.to_owned(),
            line: it.number,
        })
    }

    /// The plain keys of one spelling.
    fn plain(&self, about: &[(usize, usize)], blob: &[u8]) -> Standing {
        let mut other: Option<Place<'_>> = None;
        for it in self
            .places(about)
            .filter(|it| it.line.marker == Marker::Plain)
        {
            if it.line.blob() == blob {
                return Standing::Known;
            }
            // The line worth showing is the one with the same type of key.
            let same_type = it.line.kind() == line::kind_of(blob);
            if other.is_none_or(|other| same_type && other.line.kind() != it.line.kind()) {
                other = Some(it);
            }
        }
        other.map_or(Standing::Unknown, |it| Standing::Changed {
            file: it.file.to_owned(),
            line: it.number,
        })
    }
}

/// The key as it travels.
fn bytes(key: &PublicKey) -> Result<Vec<u8>, KnownHostsError> {
    key.to_bytes().map_err(|error| KnownHostsError::Key {
        why: error.to_string(),
    })
}

/// Whether a certificate of a trusted authority is good for this host now.
fn valid(name: &Name, it: &Certificate, now_unix: u64) -> Result<(), CertificateError> {
    let host = name.host.clone();
    let weak = matches!(
        it.signature().algorithm(),
        Algorithm::Dsa | Algorithm::Rsa { hash: None }
    );
    if weak || it.verify_signature().is_err() {
        return Err(CertificateError::Signature { host });
    }
    if it.cert_type() != CertType::Host {
        return Err(CertificateError::NotOfHost { host });
    }
    if now_unix < it.valid_after() {
        return Err(CertificateError::Early { host });
    }
    if now_unix >= it.valid_before() {
        return Err(CertificateError::Expired { host });
    }
    if !it
        .valid_principals()
        .iter()
        .any(|names| matches(names, &host))
    {
        return Err(CertificateError::Principal { host });
    }
    if !it.critical_options().is_empty() {
        return Err(CertificateError::Options { host });
    }
    Ok(())
}

/// The signature algorithms of a type of key; RSA keys sign with SHA-2 only.
fn algorithms(kind: &[u8]) -> Vec<Algorithm> {
    let Some(algorithm) = std::str::from_utf8(kind)
        .ok()
        .and_then(|kind| Algorithm::new(kind).ok())
    else {
        return Vec::new();
    };
    match algorithm {
        Algorithm::Rsa { .. } => [HashAlg::Sha512, HashAlg::Sha256]
            .map(|hash| Algorithm::Rsa { hash: Some(hash) })
            .to_vec(),
        Algorithm::Dsa | Algorithm::Other(_) => Vec::new(),
        other => vec![other],
    }
}

#[cfg(test)]
mod certificate_tests;
#[cfg(test)]
#[path = "known_hosts_tests.rs"]
mod tests;
