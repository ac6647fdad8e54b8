//! What odd servers do after the exchange of keys, and what kickout says of it; who checks it is
//! said beside this.

use std::io::Result;

use kickout_tests::{Message, Odd};

/// What a server does with a connection.
pub(super) type Script = fn(&mut Odd) -> Result<()>;

/// A session with plenty of room.
pub(super) fn command(odd: &mut Odd) -> Result<()> {
    odd.command(1 << 20, 32 * 1024).map(drop)
}

/// The same message without end.
fn flood(odd: &mut Odd, message: &Message) -> Result<()> {
    loop {
        odd.send(message)?;
    }
}

/// The opening of a channel nobody asked for.
fn open(kind: &str) -> Message {
    let open = Message::new(90).text(kind).number(0);
    let open = open.number(1 << 20).number(1 << 15);
    match kind {
        "session" | "auth-agent@openssh.com" | "whatever" => open,
        "x11" => open.text("127.0.0.1").number(6000),
        _ => open.text("127.0.0.1").number(80).text("::1").number(1),
    }
}

/// A command, then channels without end that nobody asked for.
fn unasked(odd: &mut Odd, kind: &str) -> Result<()> {
    command(odd)?;
    flood(odd, &open(kind))
}

fn global(name: &str) -> Message {
    Message::new(80).text(name).byte(1)
}

fn status(odd: &mut Odd, code: u32) -> Result<()> {
    let status = odd.on(98).text("exit-status").byte(0).number(code);
    odd.send(status)
}

const NO_KEYS: &str = "does not complete the ssh handshake";
const ENDED: &str = "it ended the login";
const NO_LOGIN: &str = "no answer within 15 seconds while logging in";
const REFUSED: &str = "refused the login of root";
pub(super) const SILENT: &str = "no hello within 10 seconds";
pub(super) const LOST: &str = "the connection was lost";

pub(super) const ROWS: [(&str, &str, Script); 40] = [
    ("only zlib", NO_KEYS, |odd| {
        odd.compression = "zlib@openssh.com,zlib";
        odd.meet()
    }),
    ("zlib first", "exit status 7", |odd| {
        odd.compression = "zlib,zlib@openssh.com,none";
        command(odd)?;
        status(odd, 7)?;
        odd.send(odd.on(97))
    }),
    ("no point", NO_KEYS, |odd| {
        odd.point = Some(Vec::new());
        odd.meet()
    }),
    ("a short point", NO_KEYS, |odd| {
        odd.point = Some(vec![9; 31]);
        odd.meet()
    }),
    ("a long point", NO_KEYS, |odd| {
        odd.point = Some(vec![9; 33]);
        odd.meet()
    }),
    ("the point of zero", NO_KEYS, |odd| {
        odd.point = Some(vec![0; 32]);
        odd.meet()
    }),
    ("silence after the keys", NO_LOGIN, |odd| {
        odd.meet()?;
        odd.stay()
    }),
    ("silence at the login", NO_LOGIN, |odd| {
        odd.asked()?;
        odd.stay()
    }),
    ("a banner of 10 MB", ENDED, |odd| {
        odd.asked()?;
        odd.send(Message::new(53).text(vec![b'x'; 10 << 20]).text(""))?;
        odd.stay()
    }),
    ("banners without end", NO_LOGIN, |odd| {
        odd.asked()?;
        flood(odd, &Message::new(53).text(vec![b'x'; 30_000]).text(""))
    }),
    ("a banner with escape codes", REFUSED, |odd| {
        odd.asked()?;
        odd.send(
            Message::new(53)
                .text("go\x1b]0;owned\x07 \u{9b}31m away")
                .text(""),
        )?;
        odd.send(Message::new(51).text("publickey").byte(0))?;
        odd.stay()
    }),
    ("extensions without end", ENDED, |odd| {
        odd.asked()?;
        let info = Message::new(7).number(1).text("server-sig-algs");
        flood(odd, &info.text("ssh-ed25519"))
    }),
    ("an extension that counts wrong", ENDED, |odd| {
        odd.asked()?;
        odd.send(Message::new(7).number(u32::MAX).text("x").text("y"))?;
        odd.stay()
    }),
    ("a failure with many methods", ENDED, |odd| {
        odd.asked()?;
        odd.send(Message::new(51).text("x,".repeat(15_000)).byte(0))?;
        odd.stay()
    }),
    ("a failure for everything", REFUSED, |odd| {
        odd.asked()?;
        loop {
            odd.send(
                Message::new(51)
                    .text("publickey,password,keyboard-interactive")
                    .byte(1),
            )?;
            odd.await_kind(50)?;
        }
    }),
    ("let in without a question", ENDED, |odd| {
        odd.meet()?;
        odd.await_kind(5)?;
        odd.send(Message::new(52))?;
        odd.stay()
    }),
    ("goodbye with escape codes", ENDED, |odd| {
        odd.asked()?;
        let words = "\x1b[2Jgo\x07\u{9b}31m away";
        odd.send(Message::new(1).number(11).text(words).text(""))
    }),
    (
        "no channel",
        "no answer within 15 seconds while opening a channel",
        |odd| {
            odd.login()?;
            odd.stay()
        },
    ),
    (
        "a channel refused with escape codes",
        "refused to start a command",
        |odd| {
            odd.channel()?;
            let words = "\x1b[2Jno\u{202e}";
            odd.send(odd.on(92).number(77).text(words).text(""))?;
            odd.stay()
        },
    ),
    ("success, then silence", SILENT, |odd| {
        command(odd)?;
        odd.stay()
    }),
    ("no window", SILENT, |odd| {
        odd.command(0, 32 * 1024)?;
        odd.stay()
    }),
    ("windows without end", SILENT, |odd| {
        command(odd)?;
        for _ in 0..8 {
            odd.send(odd.on(93).number(u32::MAX))?;
        }
        odd.stay()
    }),
    ("a status before everything", "exit status 7", |odd| {
        command(odd)?;
        status(odd, 7)?;
        odd.send(odd.on(96))?;
        odd.stay()
    }),
    ("an end without a status", LOST, |odd| {
        command(odd)?;
        odd.send(odd.on(96))?;
        odd.send(odd.on(97))?;
        odd.stay()
    }),
    ("a status after the end", LOST, |odd| {
        command(odd)?;
        odd.send(odd.on(97))?;
        status(odd, 7)?;
        odd.stay()
    }),
    ("data after the end", LOST, |odd| {
        command(odd)?;
        odd.send(odd.on(97))?;
        for _ in 0..1_000 {
            odd.data([b'x'; 30_000])?;
        }
        odd.stay()
    }),
    ("another command's data", SILENT, |odd| {
        command(odd)?;
        for _ in 0..1_000 {
            odd.send(Message::new(94).number(77).text([b'\n'; 30_000]))?;
        }
        odd.stay()
    }),
    ("output without end", "prints without end", |odd| {
        command(odd)?;
        loop {
            odd.data([b'x'; 30_000])?;
        }
    }),
    ("errors without end", "the agent did not start on", |odd| {
        command(odd)?;
        flood(odd, &odd.on(95).number(1).text([b'x'; 30_000]))
    }),
    ("keys without end", SILENT, |odd| {
        command(odd)?;
        loop {
            odd.exchange()?;
        }
    }),
    ("one channel to us", LOST, |odd| {
        command(odd)?;
        odd.send(open("auth-agent@openssh.com"))?;
        odd.await_kind(91)?;
        odd.stay()
    }),
    ("a port of ours", LOST, |odd| {
        unasked(odd, "forwarded-tcpip")
    }),
    ("a screen of ours", LOST, |odd| unasked(odd, "x11")),
    ("our agent", LOST, |odd| {
        unasked(odd, "auth-agent@openssh.com")
    }),
    ("our shell", LOST, |odd| unasked(odd, "session")),
    ("our network", LOST, |odd| unasked(odd, "direct-tcpip")),
    ("something of ours", LOST, |odd| unasked(odd, "whatever")),
    ("questions without end", SILENT, |odd| {
        command(odd)?;
        flood(odd, &global("keepalive@openssh.com"))
    }),
    ("other questions", SILENT, |odd| {
        command(odd)?;
        flood(odd, &global("no-more-sessions@openssh.com"))
    }),
    ("a message that is none", LOST, |odd| {
        command(odd)?;
        odd.send(Message::new(250).text([b'x'; 1_000]))?;
        odd.send([])?;
        odd.send(odd.on(98).text("exit-status"))?;
        odd.stay()
    }),
];
