//! TLS towards servers of others: whom this machine trusts, and what is wrong with a certificate, in
//! words. Opens no connection.

use std::io;
use std::sync::{Arc, OnceLock};

use tokio_rustls::rustls::client::WantsClientCert;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
};

/// The cryptography all of it uses.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A configuration that lacks whom to trust.
pub(crate) fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()
}

/// One that trusts whom this machine trusts; what that is, is read once.
pub(crate) fn system() -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    Ok(builder()?.with_root_certificates(Arc::clone(roots)))
}

/// What is wrong with the certificate that ended a handshake; `None` when something else did.
pub(crate) fn flaw(why: &io::Error) -> Option<String> {
    let inner = why.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(flaw) = inner else {
        return None;
    };
    Some(match flaw {
        CertificateError::UnknownIssuer => {
            "is signed by itself, or by an authority that is not trusted here".to_owned()
        }
        CertificateError::BadSignature => {
            "is signed by another authority than the one that is trusted here".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for other names".to_owned()
        }
        flaw => format!("is not valid: {flaw}"),
    })
}
