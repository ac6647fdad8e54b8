//! A connection to one Redis server: dialled, logged in, its database chosen; every question under
//! a deadline. Names are resolved by the agent's own resolver, never by the C library's.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::error::{CacheError, quote};
use super::resp::{self, Reply};
use super::settings::{Place, Server};
use super::tls;
use crate::engine::native::dial_tcp;

/// How long the server may take until it is ready to be asked.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a batch of commands may take.
const ANSWER: Duration = Duration::from_secs(15);

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// An open connection.
pub(super) struct Client {
    stream: BufReader<Box<dyn Stream>>,
    at: String,
    /// `Redis 7.0.15`, when the server says.
    pub(super) version: Option<String>,
}

impl Client {
    /// Connects, logs in and chooses the database.
    pub(super) async fn open(server: &Server) -> Result<Self, CacheError> {
        let at = server.place();
        let greeted = async {
            let stream = connect(server).await.map_err(|why| CacheError::Connect {
                at: at.clone(),
                why: quote(&why),
            })?;
            let mut client = Self {
                stream: BufReader::new(stream),
                at: at.clone(),
                version: None,
            };
            client.begin(server).await?;
            Ok(client)
        };
        match timeout(CONNECT, greeted).await {
            Ok(client) => client,
            Err(_) => {
                let seconds = CONNECT.as_secs();
                Err(CacheError::Timeout { at, seconds })
            }
        }
    }

    async fn begin(&mut self, server: &Server) -> Result<(), CacheError> {
        if let Some(login) = &server.login {
            let password = login.password.expose();
            match &login.user {
                Some(user) => self.one(&[b"AUTH", user, password]).await?,
                None => self.one(&[b"AUTH", password]).await?,
            };
        }
        if server.database != 0 {
            let number = server.database.to_string();
            self.one(&[b"SELECT", number.as_bytes()]).await?;
        }
        // An account that may not ask this may still clear the cache.
        let facts = match self.ask(&[&[b"INFO"]]).await?.pop() {
            Some(Reply::Bulk(Some(facts))) => String::from_utf8_lossy(&facts).into_owned(),
            Some(Reply::Error(why)) if why.starts_with("NOPERM") => String::new(),
            Some(Reply::Error(why)) => return Err(self.refused(b"INFO", &why)),
            _ => return Err(self.strange()),
        };
        let fact = |name: &str| {
            let line = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(':')?.to_owned());
            facts.lines().find_map(line)
        };
        let at = self.at.clone();
        if fact("cluster_enabled").as_deref() == Some("1") {
            return Err(CacheError::Cluster { at });
        }
        if fact("role").as_deref() == Some("slave") {
            return Err(CacheError::Replica { at });
        }
        self.version = fact("redis_version").map(|version| format!("Redis {}", quote(&version)));
        Ok(())
    }

    /// One command; an error reply is an error.
    pub(super) async fn one(&mut self, command: &[&[u8]]) -> Result<Reply, CacheError> {
        match self.ask(&[command]).await?.pop() {
            Some(Reply::Error(why)) => Err(self.refused(command[0], &why)),
            Some(reply) => Ok(reply),
            None => Err(self.strange()),
        }
    }

    /// Several commands at once; a reply each, in their order.
    pub(super) async fn ask(&mut self, commands: &[&[&[u8]]]) -> Result<Vec<Reply>, CacheError> {
        let exchange = async {
            let mut bytes = zeroize::Zeroizing::new(Vec::new());
            for command in commands {
                resp::encode(command, &mut bytes);
            }
            let broken = |error: std::io::Error| error.to_string();
            self.stream
                .get_mut()
                .write_all(&bytes)
                .await
                .map_err(broken)?;
            self.stream.get_mut().flush().await.map_err(broken)?;
            let mut budget = resp::MAX_BYTES;
            let mut replies = Vec::with_capacity(commands.len());
            for _ in commands {
                replies.push(resp::reply(&mut self.stream, &mut budget).await?);
            }
            Ok::<_, String>(replies)
        };
        let at = self.at.clone();
        match timeout(ANSWER, exchange).await {
            Ok(Ok(replies)) => Ok(replies),
            Ok(Err(why)) => Err(CacheError::Lost {
                at,
                why: quote(&why),
            }),
            Err(_) => {
                let seconds = ANSWER.as_secs();
                Err(CacheError::Timeout { at, seconds })
            }
        }
    }

    /// The server's refusal as an error.
    pub(super) fn refused(&self, command: &[u8], why: &str) -> CacheError {
        CacheError::refused(&self.at, &String::from_utf8_lossy(command), why)
    }

    /// A walk over its keys that comes to no end.
    pub(super) fn endless(&self) -> CacheError {
        CacheError::Lost {
            at: self.at.clone(),
            why: "its keys come to no end".to_owned(),
        }
    }

    /// An answer to another question.
    pub(super) fn strange(&self) -> CacheError {
        CacheError::Lost {
            at: self.at.clone(),
            why: "it gave an answer to another question".to_owned(),
        }
    }
}

async fn connect(server: &Server) -> Result<Box<dyn Stream>, String> {
    match &server.place {
        Place::Socket(path) => {
            let stream = UnixStream::connect(path).await;
            Ok(Box::new(stream.map_err(|error| error.to_string())?))
        }
        Place::Tcp { host, port } => {
            let stream = dial_tcp(host, *port).await?;
            match &server.tls {
                None => Ok(Box::new(stream)),
                Some(tls) => Ok(Box::new(tls::greet(tls, host, stream).await?)),
            }
        }
    }
}

impl Server {
    /// Where it listens, for people.
    pub(super) fn place(&self) -> String {
        match &self.place {
            Place::Socket(path) => path.display().to_string(),
            Place::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Place::Tcp { host, port } => format!("{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::super::pass::Pass;
    use super::*;

    /// A walk that is led on for ever ends after a time, whatever is walked over.
    #[tokio::test(start_paused = true)]
    async fn a_walk_without_end() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            let mut heard = [0; 1024];
            while theirs.read(&mut heard).await.is_ok_and(|size| size > 0) {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let _ = theirs.write_all(b"*2\r\n$1\r\n7\r\n*0\r\n").await;
            }
        });
        let mut client = Client {
            stream: BufReader::new(Box::new(ours)),
            at: "here".to_owned(),
            version: None,
        };
        let mut pass = Pass::new();
        let stopped = loop {
            match pass.keys(&mut client, b"*").await {
                Ok(Some(keys)) => assert!(keys.is_empty()),
                other => break other,
            }
        };
        assert!(stopped.unwrap_err().to_string().contains("no end"));
    }
}
