//! Who the bridge is, and whose clients it hears: TLS from files, with ring, 1.2 and 1.3.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::config::Tls;
use crate::private::{NotPrivate, is_private};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("cannot use {}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
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
            Self::File { .. } => {
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

/// Reads certificate, key and authorities.
pub fn load(tls: &Tls) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(default_provider());
    let chain = certificates(&tls.certificate)?;
    let file = |path: &Path, why: String| TlsError::File {
        path: path.to_owned(),
        why,
    };
    let facts = std::fs::metadata(&tls.key).map_err(|why| file(&tls.key, why.to_string()))?;
    if !is_private(&facts) {
        return Err(TlsError::Open(NotPrivate::of(&tls.key, &facts)));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key);
    let key = key.map_err(|why| file(&tls.key, why.to_string()))?;
    let versions = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|why| file(&tls.certificate, why.to_string()))?;
    let clients = match &tls.client_authorities {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(path) => clients(path, tls.client_required, provider)?,
    };
    let mut config = versions
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(|why| file(&tls.certificate, why.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn clients(
    path: &Path,
    required: bool,
    provider: Arc<tokio_rustls::rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let file = |why: String| TlsError::File {
        path: path.to_owned(),
        why,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|why| file(why.to_string()))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = match required {
        true => verifier,
        false => verifier.allow_unauthenticated(),
    };
    verifier.build().map_err(|why| file(why.to_string()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |why: String| TlsError::File {
        path: path.to_owned(),
        why,
    };
    let read = CertificateDer::pem_file_iter(path).map_err(|why| file(why.to_string()))?;
    let chain: Result<Vec<_>, _> = read.collect();
    let chain = chain.map_err(|why| file(why.to_string()))?;
    match chain.is_empty() {
        true => Err(file("it holds no certificate".to_owned())),
        false => Ok(chain),
    }
}
