//! How much one peer and one token may ask for. Clockless: the time is given.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::token::KeyId;

/// Requests a second that one token may make for long.
const PER_SECOND: f64 = 10.0;

/// Requests that it may make at once after a pause.
const BURST: f64 = 20.0;

/// Tokens that do not count which one address may show within a minute.
const FAILURES: u32 = 5;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;

/// Addresses and tokens that are remembered; beyond, the oldest are forgotten.
const MAX_KEPT: usize = 10_000;

/// What was asked for lately.
#[derive(Debug, Default)]
pub struct Limits {
    tokens: HashMap<KeyId, Bucket>,
    failures: HashMap<IpAddr, Window>,
}

#[derive(Debug)]
struct Bucket {
    level: f64,
    at: f64,
    hour: Window,
}

#[derive(Debug, Default)]
struct Window {
    since: f64,
    count: u32,
}

impl Window {
    fn add(&mut self, now: f64, length: f64) -> u32 {
        if now - self.since >= length {
            (self.since, self.count) = (now, 0);
        }
        self.count += 1;
        self.count
    }
}

impl Limits {
    /// Whether a token may ask once more at `now`, in seconds of any clock that only goes forward;
    /// if not, after how many seconds it may.
    pub fn ask(&mut self, token: &KeyId, per_hour: Option<u32>, now: f64) -> Result<(), u32> {
        trim(&mut self.tokens, |bucket| bucket.at);
        let bucket = self.tokens.entry(token.clone()).or_insert(Bucket {
            level: BURST,
            at: now,
            hour: Window::default(),
        });
        bucket.level = (bucket.level + (now - bucket.at) * PER_SECOND).min(BURST);
        bucket.at = now;
        if bucket.level < 1.0 {
            return Err(1);
        }
        bucket.level -= 1.0;
        match per_hour {
            Some(most) if bucket.hour.add(now, HOUR) > most => {
                Err((bucket.hour.since + HOUR - now).max(1.0) as u32)
            }
            _ => Ok(()),
        }
    }

    /// Whether an address has shown so many bad tokens that no other is looked at now.
    pub fn is_shut_out(&self, peer: IpAddr, now: f64) -> bool {
        let window = self.failures.get(&peer);
        window.is_some_and(|it| it.count >= FAILURES && now - it.since < MINUTE)
    }

    /// An address has shown a token that does not count.
    pub fn failed(&mut self, peer: IpAddr, now: f64) {
        trim(&mut self.failures, |window| window.since);
        self.failures.entry(peer).or_default().add(now, MINUTE);
    }
}

/// Forgets the older half when there are too many.
fn trim<K: Clone + Eq + std::hash::Hash, V>(kept: &mut HashMap<K, V>, at: impl Fn(&V) -> f64) {
    if kept.len() < MAX_KEPT {
        return;
    }
    let mut times: Vec<f64> = kept.values().map(&at).collect();
    times.sort_by(f64::total_cmp);
    let middle = times[times.len() / 2];
    kept.retain(|_, value| at(value) > middle);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_requests() {
        let mut limits = Limits::default();
        let (one, two) = ("a".to_owned(), "b".to_owned());
        let at_once = (0..30)
            .filter(|_| limits.ask(&one, None, 0.0).is_ok())
            .count();
        assert_eq!(at_once, 20);
        assert!(limits.ask(&two, None, 0.0).is_ok(), "another token");
        let second = (0..30)
            .filter(|_| limits.ask(&one, None, 1.0).is_ok())
            .count();
        assert_eq!(second, 10);
        let mut limits = Limits::default();
        let hour = (0..3000)
            .filter(|n| limits.ask(&one, Some(100), f64::from(*n)).is_ok())
            .count();
        assert_eq!(hour, 100);
        assert_eq!(limits.ask(&one, Some(100), 3000.0), Err(600));
        assert_eq!(limits.ask(&one, Some(100), 3600.0), Ok(()));
    }

    #[test]
    fn so_many_bad_tokens() {
        let mut limits = Limits::default();
        let [one, two] = ["192.0.2.1", "192.0.2.2"].map(|it| it.parse().unwrap());
        for _ in 0..4 {
            limits.failed(one, 0.0);
        }
        assert!(!limits.is_shut_out(one, 1.0));
        limits.failed(one, 2.0);
        assert!(limits.is_shut_out(one, 3.0) && !limits.is_shut_out(two, 3.0));
        assert!(!limits.is_shut_out(one, 60.0));
        for n in 0..2 * MAX_KEPT {
            let peer = IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
            limits.failed(peer, n as f64);
        }
        assert!(limits.failures.len() <= MAX_KEPT);
    }
}
