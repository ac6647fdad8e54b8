//! An authority of one's own and what it signs, for a start: files that nobody else reads, never over
//! others. Serves nothing.

use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kickout_shared::token::sha256_hex;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType, date_time_ymd,
};
use ring::digest::{SHA256, digest};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier as _;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;

use crate::now;
use crate::private::{NotPrivate, create, is_private};

const DAY: u64 = 24 * 60 * 60;

/// How long the authority lasts, in days, and what it signs.
const AUTHORITY_DAYS: u64 = 5 * 365;
const DAYS: u64 = 365;

/// A clock that is behind takes them already.
const BEFORE: u64 = 60 * 60;

/// The authority: its certificate, which others trust, and its key.
const CA: &str = "ca.pem";
const CA_KEY: &str = "ca.key";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertError {
    /// It would be written over.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// The system said no.
    #[error("cannot {what} {}: {why}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Others could sign, too.
    #[error("{0}")]
    Open(NotPrivate),
    /// The authority is none of ours, or one of two files is missing.
    #[error("{} and {CA_KEY} beside it do not belong together, or were not made here: {why}", path.display())]
    Authority {
        /// Its certificate.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Neither a host's name nor an address.
    #[error("{0:?} is neither the name of a host nor an address")]
    Name(String),
    /// It is to be the name of a file.
    #[error("{0:?} cannot be the name of a file: lower-case letters, digits, dots and dashes")]
    Label(String),
    /// It cannot be made.
    #[error("cannot make it: {0}")]
    Make(#[from] rcgen::Error),
}

impl CertError {
    /// The command that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Exists(path) => format!(
                "Nothing is written over. Move {} away, or give another --to=<folder>.",
                path.display()
            ),
            Self::Io { .. } => "Give --to=<folder>: one that is there and yours.".to_owned(),
            Self::Open(NotPrivate { path, .. }) => format!(
                "chmod 600 {}, and make a new authority if others read it.",
                path.display()
            ),
            Self::Authority { .. } => {
                "Give --to=<folder> without an authority: one is made there.".to_owned()
            }
            Self::Name(_) => "Give what controllers call it: bridge.example, 192.0.2.1.".to_owned(),
            Self::Label(_) => "Give a name as laptop-anna.".to_owned(),
            Self::Make(_) => "Try again once the system has started up.".to_owned(),
        }
    }
}

/// A certificate for the bridge under these names; what to do with it.
pub fn server(folder: &Path, names: &[String]) -> Result<String, CertError> {
    let mut params = leaf(names.first().map_or("", String::as_str));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for name in names {
        let bad = || CertError::Name(name.clone());
        ServerName::try_from(name.as_str()).map_err(|_| bad())?;
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into().map_err(|_| bad())?),
        });
    }
    let [certificate, key] = ["server.pem", "server.key"].map(|it| folder.join(it));
    free(&[&certificate, &key])?;
    let authority = Authority::of(folder)?;
    let (own, signed) = authority.signs(&params)?;
    authority.shown_by_server(&signed, &names[0])?;
    write(&key, &own.serialize_pem())?;
    write(&certificate, &signed.pem())?;
    Ok(format!(
        "{}Made {certificate} and {key}, for {DAYS} days. Put into kickout-bridge.toml:\n\n\
         [tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n\n\
         A controller knows the bridge by --http-ca={CA}, or by\n--http-pin={pin}",
        authority.made,
        certificate = certificate.display(),
        key = key.display(),
        pin = pin(&own),
    ))
}

/// A certificate for a client, with its key in the same file; what to do with it.
pub fn client(folder: &Path, label: &str) -> Result<String, CertError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if label.is_empty() || label.starts_with('.') || label.len() > 64 || !label.chars().all(plain) {
        return Err(CertError::Label(label.to_owned()));
    }
    let mut params = leaf(label);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let file = folder.join(format!("{label}.pem"));
    free(&[&file])?;
    let authority = Authority::of(folder)?;
    let (own, signed) = authority.signs(&params)?;
    authority.shown_by_client(&signed)?;
    write(&file, &(signed.pem() + &own.serialize_pem()))?;
    Ok(format!(
        "{}Made {file} with its key, for {DAYS} days. Give it to the controller (--http-cert={label}.pem), \
         and take it away here. Put into kickout-bridge.toml:\n\n\
         [tls]\nclient_authorities = \"{ca}\"\n\n\
         A token counts with it alone by\nkickout-bridge token add --certificate={hash}",
        authority.made,
        file = file.display(),
        ca = folder.join(CA).display(),
        hash = sha256_hex(signed.der()),
    ))
}

/// Who signs.
struct Authority {
    path: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    roots: RootCertStore,
    /// What to say of it, if it is new.
    made: String,
}

impl Authority {
    /// That of the folder; a new one when there is none.
    fn of(folder: &Path) -> Result<Self, CertError> {
        let (path, key_path) = (folder.join(CA), folder.join(CA_KEY));
        let mut made = String::new();
        if free(&[&path, &key_path]).is_ok() {
            let key = KeyPair::generate()?;
            write(&key_path, &key.serialize_pem())?;
            write(&path, &authority().self_signed(&key)?.pem())?;
            made = format!(
                "Made {} and {}, for {} years. Whoever has that key can pose as the bridge, and as \
                 its clients: keep it elsewhere when you need no more certificates.\n",
                path.display(),
                key_path.display(),
                AUTHORITY_DAYS / 365,
            );
        }
        let facts = fs::metadata(&key_path).map_err(|why| io_of("look at", &key_path, why))?;
        if !is_private(&facts) {
            return Err(CertError::Open(NotPrivate::of(&key_path, &facts)));
        }
        let key = fs::read_to_string(&key_path).map_err(|why| io_of("read", &key_path, why))?;
        let wrong = |why: String| CertError::Authority {
            path: path.clone(),
            why,
        };
        let key = KeyPair::from_pem(&key).map_err(|why| wrong(why.to_string()))?;
        let shown = CertificateDer::from_pem_file(&path).map_err(|why| wrong(why.to_string()))?;
        let mut roots = RootCertStore::empty();
        roots.add(shown).map_err(|why| wrong(why.to_string()))?;
        Ok(Self {
            issuer: Issuer::new(authority(), key),
            path,
            roots,
            made,
        })
    }

    fn signs(&self, params: &CertificateParams) -> Result<(KeyPair, Certificate), CertError> {
        let key = KeyPair::generate()?;
        let signed = params.signed_by(&key, &self.issuer)?;
        Ok((key, signed))
    }

    /// Whether who trusts the authority takes it. It is not said of a file that was not made here.
    fn shown_by_server(&self, signed: &Certificate, name: &str) -> Result<(), CertError> {
        let provider = default_provider().into();
        let roots = self.roots.clone().into();
        let name = ServerName::try_from(name).map_err(|_| CertError::Name(name.to_owned()))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
        let verifier = verifier.map_err(|why| self.wrong(&why))?;
        verifier
            .verify_server_cert(signed.der(), &[], &name, &[], UnixTime::now())
            .map_err(|why| self.wrong(&why))?;
        Ok(())
    }

    fn shown_by_client(&self, signed: &Certificate) -> Result<(), CertError> {
        let provider = default_provider().into();
        let roots = self.roots.clone().into();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
        let verifier = verifier.map_err(|why| self.wrong(&why))?;
        verifier
            .verify_client_cert(signed.der(), &[], UnixTime::now())
            .map_err(|why| self.wrong(&why))?;
        Ok(())
    }

    fn wrong(&self, why: &dyn std::fmt::Display) -> CertError {
        CertError::Authority {
            path: self.path.clone(),
            why: why.to_string(),
        }
    }
}

/// Always the same, so that its key alone signs again.
fn authority() -> CertificateParams {
    let mut params = lasting(AUTHORITY_DAYS, "Authority of kickout-bridge");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf(name: &str) -> CertificateParams {
    let mut params = lasting(DAYS, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

fn lasting(days: u64, name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let at = |seconds: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    let now = now().unsigned_abs();
    params.not_before = at(now.saturating_sub(BEFORE));
    params.not_after = at(now + days * DAY);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// The hash of a public key as HPKP had it, and as `curl --pinnedpubkey` takes it with `//` in it.
fn pin(key: &KeyPair) -> String {
    let hash = digest(&SHA256, &key.subject_public_key_info());
    format!("sha256:{}", STANDARD.encode(hash))
}

fn free(paths: &[&Path]) -> Result<(), CertError> {
    match paths.iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(CertError::Exists(path.to_path_buf())),
        None => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), CertError> {
    let written = create(path, true).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|why| io_of("write", path, why))
}

fn io_of(what: &'static str, path: &Path, why: io::Error) -> CertError {
    let path = path.to_owned();
    CertError::Io { what, path, why }
}
