//! How many of us knock at one server at once: sshd drops most of those who come when ten are not
//! logged in yet (`MaxStartups 10:30:100`). Knows addresses only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Below the ten of an sshd that was left as it came.
const AT_ONCE: usize = 8;

/// The doors, by host and port.
#[derive(Default)]
pub(super) struct Gate {
    doors: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Leave to connect and log in, until it is dropped.
pub(super) struct Pass {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Gate {
    /// Waits until fewer than [`AT_ONCE`] others are between connecting and being let in.
    pub(super) async fn pass(&self, place: &str) -> Pass {
        let door = self.doors.lock().ok().map(|mut doors| {
            let door = doors.entry(place.to_owned());
            Arc::clone(door.or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        });
        let permit = match door {
            Some(door) => door.acquire_owned().await.ok(),
            None => None,
        };
        Pass { _permit: permit }
    }
}
