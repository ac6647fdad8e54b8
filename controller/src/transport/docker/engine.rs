//! Which engine, and a client of it: what the environment, the docker contexts and the usual
//! sockets say, in docker's own order.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use serde::Deserialize;

use super::DockerError;
use super::error::said;
use crate::target::{Ssh, Target};
use crate::transport::Around;
use kickout_shared::token::sha256_hex;

/// How long an engine may take to answer one question.
const ANSWER_SECONDS: u64 = 60;

/// How long it may take to answer the first.
const FIRST: Duration = Duration::from_secs(10);

/// Configuration files are small; what is larger is none.
const MAX_FILE: u64 = 1024 * 1024;

/// Where docker listens.
const DOCKER: &str = "/var/run/docker.sock";

/// Where podman's system service listens.
const PODMAN: &str = "/run/podman/podman.sock";

/// Where an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// On a socket of this machine.
    Unix(PathBuf),
    /// At a host and port.
    Tcp {
        /// `host:port`.
        address: String,
        /// The folder with `ca.pem`, `cert.pem` and `key.pem`.
        tls: Option<PathBuf>,
    },
    /// The engine of another host, over ssh.
    Ssh(Box<Ssh>),
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { address, .. } => write!(f, "tcp://{address}"),
            Self::Ssh(host) => Target::Ssh(Ssh::clone(host)).fmt(f),
        }
    }
}

/// The engine that docker's own command line would use, else podman's.
pub fn find(around: &Around) -> Result<Engine, DockerError> {
    let config = match (around.var("DOCKER_CONFIG"), around.home()) {
        (Some(dir), _) => Some(PathBuf::from(dir)),
        (None, Some(home)) => Some(home.join(".docker")),
        (None, None) => None,
    };
    if let Some(host) = around.var("DOCKER_HOST") {
        let verify = around.var("DOCKER_TLS_VERIFY").is_some();
        let certificates = around.var("DOCKER_CERT_PATH").map(PathBuf::from).or(config);
        return address(host, certificates.filter(|_| verify));
    }
    if let Some(config) = &config {
        let current = match around.var("DOCKER_CONTEXT") {
            Some(name) => Some(name.to_owned()),
            None => current_context(config)?,
        };
        if let Some(name) = current.filter(|name| !name.is_empty() && name != "default") {
            return context(config, &name);
        }
    }
    let own = around
        .var("XDG_RUNTIME_DIR")
        .map(|dir| Path::new(dir).join("podman/podman.sock"));
    let sockets = [
        Some(PathBuf::from(DOCKER)),
        own,
        Some(PathBuf::from(PODMAN)),
    ];
    let there = sockets.into_iter().flatten().find(|path| path.exists());
    Ok(Engine::Unix(there.unwrap_or_else(|| PathBuf::from(DOCKER))))
}

/// Reads an address as in `DOCKER_HOST`.
fn address(text: &str, tls: Option<PathBuf>) -> Result<Engine, DockerError> {
    match text.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(Engine::Unix(PathBuf::from(path))),
        Some(("tcp" | "http" | "https", rest)) => {
            let address = rest.trim_end_matches('/');
            let port = if tls.is_some() { 2376 } else { 2375 };
            let has_port = address
                .rsplit_once(':')
                .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            let address = if has_port {
                address.to_owned()
            } else {
                format!("{address}:{port}")
            };
            Ok(Engine::Tcp { address, tls })
        }
        // Which of its sockets it listens on is found out there: a path would be another question.
        Some(("ssh", _)) => match Target::parse(text) {
            Ok(Target::Ssh(host)) if host.path.is_none() => Ok(Engine::Ssh(Box::new(host))),
            _ => Err(DockerError::Address(shown(text))),
        },
        _ => Err(DockerError::Address(text.to_owned())),
    }
}

/// An address without the password that may stand in it.
fn shown(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => format!("ssh://…@{host}"),
        None => text.to_owned(),
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    current_context: Option<String>,
}

fn current_context(config: &Path) -> Result<Option<String>, DockerError> {
    let broken = |why: String| DockerError::Context {
        name: "default".to_owned(),
        why,
    };
    let path = config.join("config.json");
    let Some(text) = read(&path).map_err(|why| broken(format!("{}: {why}", path.display())))?
    else {
        return Ok(None);
    };
    let config: Config = serde_json::from_slice(&text)
        .map_err(|why| broken(format!("{}: {why}", path.display())))?;
    Ok(config.current_context)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host", default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_verify: bool,
}

/// Reads a context that `docker context create` made.
fn context(config: &Path, name: &str) -> Result<Engine, DockerError> {
    let broken = |why: String| DockerError::Context {
        name: name.to_owned(),
        why,
    };
    let id = sha256_hex(name.as_bytes());
    let path = config.join("contexts/meta").join(&id).join("meta.json");
    let text = read(&path)
        .map_err(|why| broken(why.to_string()))?
        .ok_or_else(|| broken("there is none of this name".to_owned()))?;
    let meta: Meta = serde_json::from_slice(&text).map_err(|why| broken(why.to_string()))?;
    let endpoint = meta.endpoints.docker;
    let endpoint = endpoint.ok_or_else(|| broken("it names no docker engine".to_owned()))?;
    let tls = config.join("contexts/tls").join(&id).join("docker");
    if endpoint.skip_verify && endpoint.host.starts_with("tcp") {
        // An engine that anybody can pretend to be would be given an agent to run.
        return Err(broken(
            "it says not to verify the engine's certificate".to_owned(),
        ));
    }
    address(&endpoint.host, Some(tls).filter(|tls| tls.is_dir()))
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    use io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut text)?;
    Ok(Some(text))
}

/// A client that speaks the engine's own version of the protocol.
pub async fn connect(engine: &Engine) -> Result<Docker, DockerError> {
    let unreachable = |why: String| DockerError::Unreachable {
        engine: engine.to_string(),
        why,
    };
    let docker = match engine {
        Engine::Ssh(_) => return Err(DockerError::Elsewhere(engine.to_string())),
        Engine::Unix(path) => {
            may_use(path).await.map_err(|why| match why.kind() {
                io::ErrorKind::PermissionDenied => DockerError::Denied(path.clone()),
                _ => unreachable(why.to_string()),
            })?;
            let path = path
                .to_str()
                .ok_or_else(|| unreachable("no such path".to_owned()))?;
            Docker::connect_with_unix(path, ANSWER_SECONDS, API_DEFAULT_VERSION)
        }
        Engine::Tcp { address, tls: None } => {
            let address = format!("tcp://{address}");
            Docker::connect_with_http(&address, ANSWER_SECONDS, API_DEFAULT_VERSION)
        }
        Engine::Tcp {
            address,
            tls: Some(dir),
        } => {
            let [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map(|file| dir.join(file));
            let address = format!("tcp://{address}");
            Docker::connect_with_ssl(
                &address,
                &key,
                &cert,
                &ca,
                ANSWER_SECONDS,
                API_DEFAULT_VERSION,
            )
            .map_err(|why| DockerError::Tls(said(&why)))
            .map(Ok)?
        }
    };
    let docker = docker.map_err(|why| unreachable(said(&why)))?;
    match tokio::time::timeout(FIRST, docker.negotiate_version()).await {
        Ok(Ok(docker)) => Ok(docker),
        Ok(Err(why)) => Err(match (engine, said(&why)) {
            // An engine that is not the one it should be is no engine that is away.
            (Engine::Tcp { tls: Some(_), .. }, why) if why.contains("certificate") => {
                DockerError::Tls(why)
            }
            (_, why) => unreachable(why),
        }),
        Err(_) => Err(unreachable(format!(
            "no answer within {} seconds",
            FIRST.as_secs()
        ))),
    }
}

/// Whether the socket takes us: the client's own error does not say why not.
async fn may_use(path: &Path) -> io::Result<()> {
    tokio::net::UnixStream::connect(path).await.map(drop)
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
