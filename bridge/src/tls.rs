//! Who the bridge is, and whose clients it hears: TLS with ring, 1.2 and 1.3. The keeper reads the
//! files, the front gets what is in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::config::Tls;
use crate::private::{NotPrivate, is_private};

/// The longest file, in bytes: all authorities of a distribution are about as long.
pub const MAX_PEM: u64 = 256 * 1024;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// It holds something else.
    #[error("[tls] {setting}: {why}")]
    Content {
        /// Which setting names it.
        setting: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Others could read the key.
    #[error("{0}")]
    Open(NotPrivate),
}

impl TlsError {
    /// The command that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::File { .. } | Self::Content { .. } => {
                "PEM files are needed: kickout-bridge cert makes them for a start.".to_owned()
            }
            Self::Open(NotPrivate { path, .. }) => {
                format!(
                    "chmod 600 {0}, and make a new key if others read it.",
                    path.display()
                )
            }
        }
    }
}

/// Certificate, key and authorities, as their files have them.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pem {
    certificate: String,
    key: String,
    client_authorities: Option<String>,
    client_required: bool,
}

/// Reads the files, and sees whether they will do.
pub fn read(tls: &Tls) -> Result<Pem, TlsError> {
    let file = |why| TlsError::File {
        path: tls.key.clone(),
        why,
    };
    let facts = fs::metadata(&tls.key).map_err(file)?;
    if !is_private(&facts) {
        return Err(TlsError::Open(NotPrivate::of(&tls.key, &facts)));
    }
    let authorities = tls.client_authorities.as_deref().map(text).transpose()?;
    let pem = Pem {
        certificate: text(&tls.certificate)?,
        key: text(&tls.key)?,
        client_authorities: authorities,
        client_required: tls.client_required,
    };
    load(&pem)?;
    Ok(pem)
}

fn text(path: &Path) -> Result<String, TlsError> {
    let read = fs::metadata(path).and_then(|facts| match facts.len() > MAX_PEM {
        true => Err(io::Error::other("it is too long")),
        false => fs::read_to_string(path),
    });
    read.map_err(|why| {
        let path = path.to_owned();
        TlsError::File { path, why }
    })
}

/// What a connection is accepted with.
pub fn load(pem: &Pem) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(default_provider());
    let chain = certificates("certificate", &pem.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes());
    let key = key.map_err(|why| wrong("key", why))?;
    let versions = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|why| wrong("certificate", why))?;
    let clients = match &pem.client_authorities {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(authorities) => clients(authorities, pem.client_required, provider)?,
    };
    let mut config = versions
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(|why| wrong("certificate", why))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn clients(
    authorities: &str,
    required: bool,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let setting = "client_authorities";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(setting, authorities)? {
        roots.add(certificate).map_err(|why| wrong(setting, why))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = match required {
        true => verifier,
        false => verifier.allow_unauthenticated(),
    };
    verifier.build().map_err(|why| wrong(setting, why))
}

fn certificates(
    setting: &'static str,
    pem: &str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let chain = chain.map_err(|why| wrong(setting, why))?;
    match chain.is_empty() {
        true => Err(wrong(setting, "it holds no certificate")),
        false => Ok(chain),
    }
}

fn wrong(setting: &'static str, why: impl ToString) -> TlsError {
    let why = why.to_string();
    TlsError::Content { setting, why }
}
