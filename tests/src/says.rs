//! Somebody on loopback who answers HTTP as a test tells him, and remembers what he was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// He ends with the value.
#[derive(Debug)]
pub struct Says {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
}

impl Says {
    /// Answers each path with these bytes, whatever they are, and closes.
    pub fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let says = Self {
            address,
            heard: Arc::default(),
            ended: Arc::default(),
        };
        let (heard, ended, answer) = (says.heard.clone(), says.ended.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let (heard, answer) = (heard.clone(), answer.clone());
                std::thread::spawn(move || serve(client, &heard, &*answer));
            }
        });
        says
    }

    /// `127.0.0.1:<port>`
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The heads he was sent.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Says {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // His thread waits in accept.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(client: TcpStream, heard: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Vec<u8>) {
    let (mut head, mut length) = (String::new(), 0);
    let mut reader = BufReader::new(client);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        head += &line;
        if line == "\r\n" {
            break;
        }
    }
    let _ = reader.by_ref().take(length).read_to_end(&mut Vec::new());
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heard.lock().unwrap().push(head);
    // He may have been left in the middle.
    let _ = reader.get_mut().write_all(&answer(&path));
}
