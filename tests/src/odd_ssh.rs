//! An ssh server that says by the letter what a test tells it to, for what no real one would say:
//! the key exchange is right, everything after it is the test's.

use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};

const VERSION: &[u8] = b"SSH-2.0-odd";

/// The longest packet a client may send us.
const MAX_PACKET: usize = 1 << 20;

/// A message under construction: `Message::new(91).number(0).text("x")`.
#[derive(Debug, Clone)]
#[must_use]
pub struct Message(Vec<u8>);

impl Message {
    /// One of this kind (RFC 4250, section 4.1).
    pub fn new(kind: u8) -> Self {
        Self(vec![kind])
    }

    /// A byte, or a boolean.
    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// Four bytes.
    pub fn number(mut self, number: u32) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// A length and so many bytes.
    pub fn text(self, text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        let mut whole = self.number(u32::try_from(text.len()).unwrap());
        whole.0.extend(text);
        whole
    }

    /// A number of any size that is not negative.
    fn integer(self, bytes: &[u8]) -> Self {
        let bytes = &bytes[bytes.iter().take_while(|it| **it == 0).count()..];
        match bytes.first() {
            Some(first) if first & 0x80 != 0 => self.text([&[0], bytes].concat()),
            _ => self.text(bytes),
        }
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// One way of the encrypted connection.
struct Cipher {
    key: LessSafeKey,
    nonce: [u8; 12],
}

impl Cipher {
    fn nonce(&mut self) -> Nonce {
        let now = self.nonce;
        let count = u64::from_be_bytes(now[4..].try_into().unwrap());
        self.nonce[4..].copy_from_slice(&count.wrapping_add(1).to_be_bytes());
        Nonce::assume_unique_for_key(now)
    }
}

/// A connection of somebody who came.
pub struct Odd {
    from: BufReader<TcpStream>,
    to: TcpStream,
    host: Arc<Ed25519KeyPair>,
    /// What the client called itself.
    version: Vec<u8>,
    session: Vec<u8>,
    up: Option<Cipher>,
    down: Option<Cipher>,
    /// The client's number of its channel.
    channel: u32,
    /// The compressions it offers.
    pub compression: &'static str,
    /// What it shows in the key exchange instead of a point on the curve.
    pub point: Option<Vec<u8>>,
}

impl Odd {
    /// Both versions, and the first exchange of keys.
    pub fn meet(&mut self) -> Result<()> {
        self.to.write_all(&[VERSION, b"\r\n"].concat())?;
        self.from.read_until(b'\n', &mut self.version)?;
        self.version = self.version.trim_ascii_end().to_vec();
        self.exchange()
    }

    /// An exchange of keys; again, when there are keys already.
    pub fn exchange(&mut self) -> Result<()> {
        let ours = Message::new(20);
        let ours = (0..16).fold(ours, Message::byte);
        let names = [
            "curve25519-sha256",
            "ssh-ed25519",
            "aes256-gcm@openssh.com",
            "aes256-gcm@openssh.com",
            "hmac-sha2-256",
            "hmac-sha2-256",
            self.compression,
            self.compression,
            "",
            "",
        ];
        let ours = names.into_iter().fold(ours, Message::text);
        let ours = ours.byte(0).number(0);
        self.send(&ours)?;
        let theirs = self.await_kind(20)?;
        let init = self.await_kind(30)?;
        let point = init.get(5..).unwrap_or_default().to_vec();
        let random = SystemRandom::new();
        let secret = EphemeralPrivateKey::generate(&X25519, &random).unwrap();
        let own = secret.compute_public_key().unwrap().as_ref().to_vec();
        let own = self.point.clone().unwrap_or(own);
        let shared = agree_ephemeral(secret, &UnparsedPublicKey::new(&X25519, point), |it| {
            it.to_vec()
        });
        let shared = shared.map_err(|_| Error::other("no point"))?;
        let shared = Message(Vec::new()).integer(&shared).0;
        let key = self.key();
        let all = Message(Vec::new())
            .text(&self.version)
            .text(VERSION)
            .text(&theirs)
            .text(&ours)
            .text(&key)
            .text(&init[5..])
            .text(&own);
        let hash = Sha256::digest([all.0.as_slice(), &shared].concat()).to_vec();
        if self.session.is_empty() {
            self.session.clone_from(&hash);
        }
        let signature = self.host.sign(&hash);
        let signature = Message(Vec::new()).text("ssh-ed25519").text(signature);
        let reply = Message::new(31).text(key).text(own).text(signature);
        self.send(&reply)?;
        self.send(Message::new(21))?;
        let made = |letter: u8| {
            let parts = [&shared, &hash, [letter].as_slice(), &self.session].concat();
            Sha256::digest(parts).to_vec()
        };
        let cipher = |nonce: u8, key: u8| Cipher {
            key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &made(key)).unwrap()),
            nonce: made(nonce)[..12].try_into().unwrap(),
        };
        let (up, down) = (cipher(b'A', b'C'), cipher(b'B', b'D'));
        self.down = Some(down);
        self.await_kind(21)?;
        self.up = Some(up);
        Ok(())
    }

    /// The host key as it travels.
    fn key(&self) -> Vec<u8> {
        key_of(&self.host)
    }

    /// Sends one message.
    pub fn send(&mut self, message: impl AsRef<[u8]>) -> Result<()> {
        let message = message.as_ref();
        let block = if self.down.is_some() { 16 } else { 8 };
        // With a cipher of this kind the length itself is not part of the blocks.
        let outside = if self.down.is_some() { 0 } else { 4 };
        let bare = outside + 1 + message.len();
        let padding = 4 + (block - (bare + 4) % block) % block;
        let mut body = vec![u8::try_from(padding).unwrap()];
        body.extend(message);
        body.resize(body.len() + padding, 0);
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        if let Some(cipher) = &mut self.down {
            let nonce = cipher.nonce();
            let done = cipher
                .key
                .seal_in_place_append_tag(nonce, Aad::from(length), &mut body);
            done.unwrap();
        }
        self.to.write_all(&[&length, body.as_slice()].concat())
    }

    /// The next message.
    pub fn receive(&mut self) -> Result<Vec<u8>> {
        let mut length = [0; 4];
        self.from.read_exact(&mut length)?;
        let size = u32::from_be_bytes(length) as usize;
        if size > MAX_PACKET {
            return Err(Error::other("too long"));
        }
        let tag = if self.up.is_some() { 16 } else { 0 };
        let mut body = vec![0; size + tag];
        self.from.read_exact(&mut body)?;
        if let Some(cipher) = &mut self.up {
            let nonce = cipher.nonce();
            let opened = cipher
                .key
                .open_in_place(nonce, Aad::from(length), &mut body);
            opened.map_err(|_| Error::other("not authentic"))?;
        }
        body.truncate(size);
        let padding = usize::from(body[0]);
        Ok(body[1..size.saturating_sub(padding).max(1)].to_vec())
    }

    /// The next message of this kind; others are not answered.
    pub fn await_kind(&mut self, kind: u8) -> Result<Vec<u8>> {
        loop {
            let message = self.receive()?;
            if message.first() == Some(&kind) {
                return Ok(message);
            }
        }
    }

    /// Takes the wish to log in, and the first request to.
    pub fn asked(&mut self) -> Result<()> {
        self.meet()?;
        self.await_kind(5)?;
        self.send(Message::new(6).text("ssh-userauth"))?;
        self.await_kind(50).map(drop)
    }

    /// Lets everybody in.
    pub fn login(&mut self) -> Result<()> {
        self.asked()?;
        self.send(Message::new(52))
    }

    /// Waits for a channel to be asked for.
    pub fn channel(&mut self) -> Result<()> {
        self.login()?;
        let open = self.await_kind(90)?;
        let number = open.get(5 + "session".len()..).unwrap_or_default();
        let number = number.first_chunk().copied().unwrap_or_default();
        self.channel = u32::from_be_bytes(number);
        Ok(())
    }

    /// A session with a command, for which it takes so many bytes, in pieces of so many; gives the
    /// command.
    pub fn command(&mut self, window: u32, packet: u32) -> Result<String> {
        self.channel()?;
        let open = self.on(91).number(0).number(window).number(packet);
        self.send(open)?;
        let command = self.await_kind(98)?;
        self.send(self.on(99))?;
        Ok(String::from_utf8_lossy(&command).into_owned())
    }

    /// A message about the client's channel.
    pub fn on(&self, kind: u8) -> Message {
        Message::new(kind).number(self.channel)
    }

    /// Output of the command.
    pub fn data(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.send(self.on(94).text(bytes))
    }

    /// Takes whatever comes until the other side leaves.
    pub fn stay(&mut self) -> Result<()> {
        std::io::copy(&mut self.from, &mut std::io::sink()).map(drop)
    }
}

fn key_of(pair: &Ed25519KeyPair) -> Vec<u8> {
    let key = Message(Vec::new()).text("ssh-ed25519");
    key.text(pair.public_key()).0
}

/// A running server; dropping it takes no more connections.
#[derive(Debug)]
pub struct OddSsh {
    address: SocketAddr,
    key: String,
    ended: Arc<AtomicBool>,
}

impl OddSsh {
    /// Starts one that does this with every connection.
    pub fn start(script: impl Fn(&mut Odd) -> Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let host = Ed25519KeyPair::from_seed_unchecked(b"a key that is nobody's secret...");
        let host = Arc::new(host.unwrap());
        let key = format!("ssh-ed25519 {}", STANDARD.encode(key_of(&host)));
        let ended = Arc::new(AtomicBool::new(false));
        let (end, script) = (Arc::clone(&ended), Arc::new(script));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                let _ = client.set_nodelay(true);
                let mut odd = Odd {
                    from: BufReader::new(client.try_clone().unwrap()),
                    to: client,
                    host: Arc::clone(&host),
                    version: Vec::new(),
                    session: Vec::new(),
                    up: None,
                    down: None,
                    channel: 0,
                    compression: "none",
                    point: None,
                };
                let script = Arc::clone(&script);
                // The other side leaves in the middle: that is what it should do.
                std::thread::spawn(move || script(&mut odd));
            }
        });
        Self {
            address,
            key,
            ended,
        }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its line of known_hosts.
    pub fn known(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port(), self.key)
    }
}

impl Drop for OddSsh {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}
