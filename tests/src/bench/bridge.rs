//! The bridge beside what it starts: the same agent asked over its pipe, and over HTTP and HTTPS on a
//! connection that stays; how many at once, and what it holds then.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use kickout_tests::{Binaries, Bridge, Site, WordPress, operation};
use serde_json::{Value, json};

use crate::clock::{Table, median, millis};
use crate::jobs::sessions;

/// Clients at once, and what they ask together.
const CLIENTS: usize = 4;
const REQUESTS: usize = 10_000;

/// Each may ask ten times a second, and twenty times at once.
const TOKENS: usize = 100;

/// Sessions of one user whose beginning is waited for.
const MANY: usize = 20_000;

/// Rows, and further figures.
pub(crate) fn measure(table: &mut Table, samples: usize) -> String {
    let site = WordPress::new().install();
    site.set_raw(1, &sessions(3));
    let (plain, _) = Bridge::measured(&site, false);
    let (tls, certificates) = Bridge::measured(&site, true);
    let certificates = certificates.unwrap();
    let authority = certificates.join("ca.pem");
    let tokens = plain.tokens(TOKENS, "sessions.list");
    tls.tokens(TOKENS, "sessions.list");
    let mut pipe = Pipe::to_agent(&site);
    let mut http = Http::plain(&plain, &tokens);
    let job = "list the sessions of one user, connection and agent kept";
    let timed = |asked: &mut dyn Asked| asked.took().1;
    // Agents and connections are there.
    pipe.took();
    http.took();
    let medians = table.compare(
        job,
        20 * samples,
        vec![
            ("POST", Box::new(|| timed(&mut http))),
            ("the agent's pipe", Box::new(|| timed(&mut pipe))),
        ],
    );
    let mut https = Http::over_tls(&tls, &authority, &tokens);
    https.took();
    let over_tls = table.compare(
        &format!("{job}, TLS"),
        20 * samples,
        vec![
            ("POST", Box::new(|| timed(&mut https))),
            ("the agent's pipe", Box::new(|| timed(&mut pipe))),
        ],
    );
    let more =
        |medians: &[Duration]| medians[0].as_secs_f64() * 1e3 - medians[1].as_secs_f64() * 1e3;
    let mut notes = format!(
        "Bridge: a POST takes {:.2} ms more than the same agent over its pipe, {:.2} ms over TLS.\n",
        more(&medians),
        more(&over_tls)
    );
    // Neither is there for ever when nothing is asked.
    drop((pipe, http, https));
    notes += &crowd(&plain, &tokens);
    site.set_raw(1, &sessions(MANY));
    let mut http = Http::plain(&plain, &tokens);
    let mut taken: Vec<_> = (0..samples.div_ceil(3)).map(|_| http.took()).collect();
    let whole = taken.iter().map(|(_, whole)| *whole);
    let mut whole: Vec<_> = whole.collect();
    let mut first: Vec<_> = taken.iter_mut().map(|(first, _)| *first).collect();
    notes += &format!(
        "A listing of {MANY} sessions: the first is there after {}, all after {} (medians).\n",
        millis(median(&mut first)),
        millis(median(&mut whole)),
    );
    notes
}

/// Requests a second, and what is held before and after.
fn crowd(bridge: &Bridge, tokens: &[String]) -> String {
    let share = tokens.chunks(tokens.len() / CLIENTS);
    let ask = |requests: usize| {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for tokens in share.clone() {
                scope.spawn(move || {
                    let mut client = Http::plain(bridge, tokens);
                    for _ in 0..requests / CLIENTS {
                        client.took();
                    }
                });
            }
        });
        start.elapsed()
    };
    ask(REQUESTS / 10);
    let ((before, open), worked) = (bridge.holds(), bridge.worked());
    let took = ask(REQUESTS);
    let worked = bridge.worked() - worked;
    let (after, open_after) = bridge.holds();
    format!(
        "{REQUESTS} listings of one user by {CLIENTS} clients: {:.0} a second, {:.2} ms of processor \
         time each; {:.1} MiB and {open} descriptors before, {:.1} MiB and {open_after} after (the \
         bridge and its agents).\n",
        REQUESTS as f64 / took.as_secs_f64(),
        worked.as_secs_f64() * 1e3 / REQUESTS as f64,
        before as f64 / 1024.0,
        after as f64 / 1024.0,
    )
}

/// Somebody who is asked for a listing.
trait Asked {
    /// The time to its first event, and to its end.
    fn took(&mut self) -> (Duration, Duration);
}

fn run(id: u64, path: Option<&str>) -> Value {
    let who = json!({"named": [{"text": "admin", "by": "any"}]});
    let site = path.map_or_else(|| json!({}), |path| json!({"path": path}));
    json!({"type": "run", "id": id, "site": site, "request": {"session_list": {"who": who}}})
}

/// The agent itself.
struct Pipe {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    root: String,
    runs: u64,
}

impl Pipe {
    fn to_agent(site: &Site) -> Self {
        let mut child = site
            .owner()
            .command(&Binaries::release().agent)
            .arg("0123456789abcdef")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while !line.starts_with("KICKOUT ") {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0);
        }
        let root = site.root().display().to_string();
        let runs = 0;
        Self {
            child,
            input,
            output,
            root,
            runs,
        }
    }
}

impl Asked for Pipe {
    fn took(&mut self) -> (Duration, Duration) {
        self.runs += 1;
        let start = Instant::now();
        let line = format!("{}\n", run(self.runs, Some(&self.root)));
        self.input
            .as_mut()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
        until_done(&mut self.output, start, "\"done\"")
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// A connection to a bridge.
struct Http<'a> {
    bridge: &'a Bridge,
    tokens: &'a [String],
    asked: usize,
    input: Box<dyn Write + 'a>,
    output: Box<dyn BufRead + 'a>,
    client: Option<Child>,
}

impl<'a> Http<'a> {
    fn plain(bridge: &'a Bridge, tokens: &'a [String]) -> Self {
        let stream = bridge.connect_from(std::net::Ipv4Addr::LOCALHOST);
        stream.set_nodelay(true).unwrap();
        let input = Box::new(stream.try_clone().unwrap());
        let output = Box::new(BufReader::new(stream));
        Self {
            bridge,
            tokens,
            asked: 0,
            input,
            output,
            client: None,
        }
    }

    /// Through OpenSSL's client, whose two pipes are in the time.
    fn over_tls(bridge: &'a Bridge, authority: &Path, tokens: &'a [String]) -> Self {
        let mut client = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", "-connect"])
            .arg(bridge.address())
            .arg("-CAfile")
            .arg(authority)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = Box::new(client.stdin.take().unwrap());
        let output = Box::new(BufReader::new(client.stdout.take().unwrap()));
        Self {
            bridge,
            tokens,
            asked: 0,
            input,
            output,
            client: Some(client),
        }
    }
}

impl Asked for Http<'_> {
    fn took(&mut self) -> (Duration, Duration) {
        let token = &self.tokens[self.asked % self.tokens.len()];
        self.asked += 1;
        let body = format!("{}\n{}\n", operation("bench", None), run(1, None));
        let request = self.bridge.post(token, "", &body);
        let request = request.replace("Connection: close\r\n", "");
        let start = Instant::now();
        self.input.write_all(request.as_bytes()).unwrap();
        let times = until_done(&mut *self.output, start, "\"audited\"");
        // The last chunk ends with the answer.
        let mut line = String::new();
        while line != "0\r\n" {
            line.clear();
            assert_ne!(
                self.output.read_line(&mut line).unwrap(),
                0,
                "the bridge went away"
            );
        }
        self.output.read_line(&mut line).unwrap();
        times
    }
}

impl Drop for Http<'_> {
    fn drop(&mut self) {
        if let Some(client) = &mut self.client {
            let _ = client.kill();
            let _ = client.wait();
        }
    }
}

fn until_done(output: &mut dyn BufRead, start: Instant, end: &str) -> (Duration, Duration) {
    let mut first = None;
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "no end");
        assert!(
            !line.starts_with("HTTP/1.1 ") || line.contains(" 200 "),
            "{line}"
        );
        if line.contains("\"event\"") {
            first.get_or_insert_with(|| start.elapsed());
        }
        if line.contains(end) {
            return (first.unwrap(), start.elapsed());
        }
    }
}
