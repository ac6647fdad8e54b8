//! A tour of the protocol: the lines that cross the pipe when one session is destroyed.
//!
//! `cargo run -p kickout-examples --example protocol`

use kickout_shared::event::{Event, Level, Line, Outcome, Verdict};
use kickout_shared::message::{FromAgent, Hello, RunId, ToAgent};
use kickout_shared::request::{Doomed, Request, SessionDestroy};
use kickout_shared::site::Site;
use kickout_shared::token::SessionRef;
use kickout_shared::user::UserRef;
use kickout_shared::version;

fn main() -> Result<(), serde_json::Error> {
    println!("kickout starts the agent with a random word:\n");
    println!("  $ kickout-agent 5f1c9a40d2e87b36\n");
    println!("The agent's first line carries it, so that no noise of the host is taken for it:\n");
    let hello = Hello {
        release: version::RELEASE.to_owned(),
        protocol: version::PROTOCOL,
        arch: "x86_64".to_owned(),
    };
    println!("  < {}\n", hello.line("5f1c9a40d2e87b36")?);
    println!("Then one JSON object a line:\n");
    let id = RunId(1);
    let what = Doomed::One {
        user: UserRef::parse("admin"),
        session: SessionRef::Latest,
    };
    let destroy = SessionDestroy {
        what,
        dry_run: false,
        cutoff: None,
        settle_ms: None,
        canary: None,
        blind: false,
    };
    let site = Site {
        path: Some("/var/www/html".to_owned()),
        ..Site::default()
    };
    let run = ToAgent::Run {
        id,
        site: Box::new(site),
        request: Box::new(Request::SessionDestroy(destroy)),
    };
    println!("  > {}\n", serde_json::to_string(&run)?);
    println!(
        "Before the first write, begun: a link lost after this line leaves the result unknown.\n"
    );
    let cutoff = 1_790_000_000;
    println!(
        "  < {}\n",
        serde_json::to_string(&FromAgent::Begun { id, cutoff })?
    );
    let text = "Destroyed session. 2 sessions remaining.".to_owned();
    let event = Event::Line(Line {
        level: Level::Success,
        text,
        fix: None,
    });
    println!(
        "  < {}\n",
        serde_json::to_string(&FromAgent::Event { id, seq: 2, event })?
    );
    println!("Exactly one done ends a run. No done is itself the error.\n");
    let outcome = Outcome {
        verdict: Verdict::Gone,
        users: 1,
        sessions: 1,
        missing: None,
    };
    println!(
        "  < {}",
        serde_json::to_string(&FromAgent::Done {
            id,
            seq: 2,
            outcome
        })?
    );
    Ok(())
}
