//! An engine on another host: the same docker code, over ssh. Each request to the engine is a
//! channel of one ssh connection: the engine's socket forwarded, or `docker system dial-stdio`
//! where the server forwards no sockets.

use std::sync::Arc;

use bollard::errors::Error as EngineError;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use russh::ChannelStream;
use russh::client::Msg;

use super::ssh::Session;

/// Where engines listen: docker, then podman.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];

/// What a server runs that forwards no sockets.
const DIAL: &str = "docker system dial-stdio";

/// Seconds for one request to the engine, as elsewhere.
const SECONDS: u64 = 120;

/// How the engine is reached from the host.
#[derive(Clone, Copy)]
enum Way {
    Socket(&'static str),
    Dial,
}

/// Why the engine of another host was not reached.
#[derive(Debug, thiserror::Error)]
#[error("{place} leads to no container engine: {why}")]
pub struct ViaError {
    /// Host and port.
    place: String,
    /// What the engine, or ssh, said last.
    why: String,
}

impl ViaError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        "The account needs access to the engine's socket there (group docker), and sshd must allow \
         it: AllowStreamLocalForwarding yes."
            .to_owned()
    }
}

/// A client of the engine on the host of this login.
pub(super) async fn engine(session: &Arc<Session>) -> Result<Docker, ViaError> {
    let mut why = String::new();
    let sockets = SOCKETS.into_iter().map(Way::Socket);
    for way in sockets.chain([Way::Dial]) {
        let client = client(session, way);
        let asked = async { client?.negotiate_version().await };
        match asked.await {
            Ok(client) => return Ok(client),
            Err(error) => why = error.to_string(),
        }
    }
    Err(ViaError {
        place: session.place().to_owned(),
        why,
    })
}

fn client(session: &Arc<Session>, way: Way) -> Result<Docker, EngineError> {
    let session = Arc::clone(session);
    let request = move |request: BollardRequest| {
        let session = Arc::clone(&session);
        async move {
            let broken = |why: String| EngineError::IOError {
                err: std::io::Error::other(why),
            };
            let stream = channel(&session, way)
                .await
                .map_err(|error| broken(error.to_string()))?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream))
                    .await
                    .map_err(|error| broken(error.to_string()))?;
            // Ends with its channel; an attached exec is an upgrade of it.
            tokio::spawn(connection.with_upgrades());
            sender
                .send_request(addressed(request))
                .await
                .map_err(|error| broken(error.to_string()))
        }
    };
    Docker::connect_with_custom_transport(
        request,
        Some("http://engine"),
        SECONDS,
        API_DEFAULT_VERSION,
    )
}

/// The request as a server behind a socket expects it: a bare path, and any host.
fn addressed(mut request: BollardRequest) -> BollardRequest {
    let path = request.uri().path_and_query().cloned();
    if let Some(path) = path {
        *request.uri_mut() = path.into();
    }
    let host = HeaderValue::from_static("docker");
    request.headers_mut().insert(HOST, host);
    request
}

async fn channel(session: &Session, way: Way) -> Result<ChannelStream<Msg>, russh::Error> {
    let handle = session.handle();
    let channel = match way {
        Way::Socket(path) => handle.channel_open_direct_streamlocal(path).await?,
        Way::Dial => {
            let channel = handle.channel_open_session().await?;
            channel.exec(true, DIAL).await?;
            channel
        }
    };
    Ok(channel.into_stream())
}
