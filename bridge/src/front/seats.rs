//! Who is connected: so many in all, so many from one address. When there is no room a newcomer takes
//! the place of who has been there longest without a whole request: nobody keeps others out by being
//! slow.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

/// Connections at once, and from one address.
const MAX_CONNECTIONS: usize = 256;
const MAX_PER_ADDRESS: usize = 32;

/// The connections there are, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    next: u64,
    taken: BTreeMap<u64, Taken>,
}

#[derive(Debug)]
struct Taken {
    peer: IpAddr,
    kept: bool,
    /// Dropped, it says that the place is somebody else's.
    _tell: oneshot::Sender<Infallible>,
}

/// One connection's place.
#[derive(Debug)]
pub(super) struct Seat {
    all: Arc<Seats>,
    number: u64,
}

/// Comes when the place is somebody else's.
pub(super) type Lost = oneshot::Receiver<Infallible>;

impl Seats {
    /// A place for somebody from this address, if need be another's.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<(Arc<Seat>, Lost)> {
        let mut all = self.0.lock().ok()?;
        let from_there = all.taken.values().filter(|it| it.peer == peer).count();
        let crowd = from_there >= MAX_PER_ADDRESS;
        if crowd || all.taken.len() >= MAX_CONNECTIONS {
            let may_go = |it: &Taken| !it.kept && (!crowd || it.peer == peer);
            let oldest = all.taken.iter().find(|(_, it)| may_go(it));
            let number = *oldest?.0;
            all.taken.remove(&number);
        }
        let (_tell, lost) = oneshot::channel();
        let number = all.next;
        all.next += 1;
        let kept = false;
        all.taken.insert(number, Taken { peer, kept, _tell });
        let all = Arc::clone(self);
        Some((Arc::new(Seat { all, number }), lost))
    }
}

impl Seat {
    /// Nobody else gets it from now on; not so when somebody has it already.
    pub(super) fn keep(&self) -> bool {
        let Ok(mut all) = self.all.0.lock() else {
            return false;
        };
        let own = all.taken.get_mut(&self.number);
        own.map(|it| it.kept = true).is_some()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Ok(mut all) = self.all.0.lock() {
            all.taken.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: usize) -> IpAddr {
        IpAddr::from([192, 0, 2, u8::try_from(number).unwrap()])
    }

    #[test]
    fn who_waits_gives_way() {
        let seats = Arc::new(Seats::default());
        let mut taken: Vec<_> = (0..MAX_CONNECTIONS)
            .map(|number| seats.take(address(number / 16)).unwrap())
            .collect();
        assert!(taken[0].0.keep() && taken[2].0.keep());
        // The oldest that does not ask for anything: the second, then the fourth.
        let new = seats.take(address(99)).unwrap();
        let lost = |one: &mut (Arc<Seat>, Lost)| {
            one.1.try_recv() == Err(oneshot::error::TryRecvError::Closed)
        };
        let gone: Vec<_> = taken.iter_mut().map(lost).collect();
        assert_eq!(gone.iter().position(|it| *it), Some(1));
        assert_eq!(gone.iter().filter(|it| **it).count(), 1);
        assert!(!taken[1].0.keep(), "it is somebody else's");
        let other = seats.take(address(99)).unwrap();
        assert!(lost(&mut taken[3]) && !lost(&mut taken[2]));
        // It ends; that it had been given away frees nobody else's.
        drop(taken.remove(1));
        assert_eq!(seats.0.lock().unwrap().taken.len(), MAX_CONNECTIONS);
        drop(new);
        assert_eq!(seats.0.lock().unwrap().taken.len(), MAX_CONNECTIONS - 1);
        drop(other);
        for (seat, _) in &taken {
            seat.keep();
        }
        let more: Vec<_> = (0..3).map(|_| seats.take(address(98))).collect();
        let full = more.iter().flatten().count();
        assert_eq!(
            full, 3,
            "two that had gone, and one in the place of one of these"
        );
        drop(taken);
    }

    #[test]
    fn an_address_has_so_many() {
        let seats = Arc::new(Seats::default());
        let other = seats.take(address(1)).unwrap();
        let mut own: Vec<_> = (0..=MAX_PER_ADDRESS)
            .map(|_| seats.take(address(2)).unwrap())
            .collect();
        assert!(own[0].1.try_recv() == Err(oneshot::error::TryRecvError::Closed));
        assert!(other.0.keep(), "nobody else gives way");
        for (seat, _) in &own[1..] {
            assert!(seat.keep());
        }
        assert!(seats.take(address(2)).is_none());
        assert!(seats.take(address(3)).is_some());
    }
}
