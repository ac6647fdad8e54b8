//! What the operator brings to bridges: whom he trusts, his certificate, his tokens. Reads files and
//! one variable; opens no connection.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use zeroize::Zeroizing;

use super::error::HttpError;
use crate::target::{Hop, HttpUrl, Pin};
use crate::tls;
use crate::transport::{Around, Ask, asked};

/// The variable that holds a token.
const TOKEN: &str = "KICKOUT_TOKEN";

/// The longest file with a token, a certificate or authorities, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// The longest token.
const MAX_TOKEN: usize = 512;

/// What was said of bridges.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// `--http-token-file`
    pub token_file: Option<String>,
    /// `--http-pin`: any of them is enough, and needed then.
    pub pins: Vec<Pin>,
    /// `--http-ca`: these authorities instead of those of the system.
    pub authorities: Option<String>,
    /// `--http-cert`: a certificate and its key, for bridges that want one.
    pub certificate: Option<String>,
    /// `--http-proxy`: the way to bridges. The environment's proxies are not used.
    pub proxy: Option<Hop>,
}

/// What is brought to every bridge of a run.
pub struct Operator {
    pub(super) tls: Arc<ClientConfig>,
    pub(super) proxy: Option<Hop>,
    pub(super) state: Option<PathBuf>,
    has_certificate: bool,
    token: Option<Zeroizing<String>>,
    tokens: Option<PathBuf>,
}

impl Operator {
    /// Reads what was named, for so many bridges. A token that was named is for one bridge alone.
    pub fn read(means: &Means, around: &Around, count: usize) -> Result<Self, HttpError> {
        let named = means.token_file.as_deref();
        let token = match (named, around.var(TOKEN)) {
            (Some(_), _) if count > 1 => {
                let what = "--http-token-file";
                return Err(HttpError::OneToken { what, count });
            }
            (None, Some(_)) if count > 1 => {
                return Err(HttpError::OneToken { what: TOKEN, count });
            }
            (Some(file), _) => Some(kept(&around.expanded(file))?),
            (None, Some(text)) => Some(token(text, TOKEN)?),
            (None, None) => None,
        };
        Ok(Self {
            tls: Arc::new(config_of(means, around)?),
            proxy: means.proxy.clone(),
            state: around.state(),
            has_certificate: means.certificate.is_some(),
            token,
            tokens: around.config().map(|it| it.join("tokens")),
        })
    }

    /// The token for a bridge: the one that was named, the one that is kept for it, or the one that
    /// somebody types. None where a certificate says who we are.
    pub(super) async fn token(
        &self,
        url: &HttpUrl,
        ask: Option<&Ask>,
    ) -> Result<Option<Zeroizing<String>>, HttpError> {
        if let Some(token) = &self.token {
            return Ok(Some(token.clone()));
        }
        let place = url.authority();
        let file = self.tokens.as_ref().map(|it| it.join(&place));
        if let Some(file) = file.as_deref().filter(|it| it.exists()) {
            return kept(file).map(Some);
        }
        if self.has_certificate {
            return Ok(None);
        }
        let typed = match ask {
            Some(ask) => asked(ask, format!("Token for {place}: ")).await,
            None => None,
        };
        match typed {
            Some(typed) => token(&typed, "the answer").map(Some),
            None => Err(HttpError::NoToken { place, file }),
        }
    }
}

/// The token in a file that nobody else can read.
fn kept(path: &Path) -> Result<Zeroizing<String>, HttpError> {
    let text = Zeroizing::new(private(path)?);
    token(&text, &path.display().to_string())
}

fn token(text: &str, place: &str) -> Result<Zeroizing<String>, HttpError> {
    let text = text.trim();
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    match text.starts_with("kob_") && text.len() <= MAX_TOKEN && plain {
        true => Ok(Zeroizing::new(text.to_owned())),
        false => Err(HttpError::NotToken(place.to_owned())),
    }
}

/// A file of text, if it is ours, or root's, alone.
fn private(path: &Path) -> Result<String, HttpError> {
    let file = std::fs::File::open(path).map_err(|why| broken(path, &why))?;
    let facts = file.metadata().map_err(|why| broken(path, &why))?;
    let own = rustix::process::geteuid().as_raw();
    if facts.mode() & 0o077 != 0 || ![own, 0].contains(&facts.uid()) {
        return Err(HttpError::NotPrivate {
            path: path.to_owned(),
        });
    }
    let mut text = String::new();
    let read = file.take(MAX_FILE).read_to_string(&mut text);
    read.map_err(|why| broken(path, &why))?;
    Ok(text)
}

fn broken(path: &Path, why: &dyn std::fmt::Display) -> HttpError {
    HttpError::File {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

fn certificates(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(broken(path, &"it holds no certificate")),
        Err(why) => Err(broken(path, &why)),
    }
}

fn config_of(means: &Means, around: &Around) -> Result<ClientConfig, HttpError> {
    let ours = |why: Error| HttpError::Tls {
        place: "a bridge".to_owned(),
        why: why.to_string(),
    };
    let builder = match &means.authorities {
        _ if !means.pins.is_empty() => tls::builder()
            .map_err(ours)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned {
                pins: means.pins.clone(),
                provider: tls::provider(),
            })),
        Some(file) => {
            let path = around.expanded(file);
            let text = std::fs::read(&path).map_err(|why| broken(&path, &why))?;
            let mut roots = RootCertStore::empty();
            for authority in certificates(&path, &text)? {
                roots.add(authority).map_err(|why| broken(&path, &why))?;
            }
            tls::builder().map_err(ours)?.with_root_certificates(roots)
        }
        None => tls::system().map_err(ours)?,
    };
    let Some(file) = &means.certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let path = around.expanded(file);
    let text = Zeroizing::new(private(&path)?);
    let chain = certificates(&path, text.as_bytes())?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes());
    let key = key.map_err(|_| broken(&path, &"it holds no private key beside the certificate"))?;
    let config = builder.with_client_auth_cert(chain, key);
    config.map_err(|why| broken(&path, &why))
}

/// Takes a server whose key is known, whoever signed its certificate, for whatever name and time.
#[derive(Debug)]
struct Pinned {
    pins: Vec<Pin>,
    provider: Arc<CryptoProvider>,
}

/// The key is another.
#[derive(Debug)]
pub(super) struct OtherKey(pub(super) Pin);

impl std::fmt::Display for OtherKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "its key is {}", self.0)
    }
}

impl std::error::Error for OtherKey {}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = webpki::EndEntityCert::try_from(end_entity);
        let certificate = certificate.map_err(|_| CertificateError::BadEncoding)?;
        let key = certificate.subject_public_key_info();
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &key).as_ref());
        match self.pins.contains(&Pin(hash)) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::Other(OtherError(Arc::new(OtherKey(Pin(hash))))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}
