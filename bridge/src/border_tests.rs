//! Tests of the border: bounded, and safe from a front that plays tricks with its descriptors.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream as Plain;

use super::*;

fn ask(body: &[u8]) -> Ask {
    Ask {
        peer: "192.0.2.1".parse().unwrap(),
        host: "shop.example".to_owned(),
        token: Some("kob_\u{1}".to_owned()),
        certificate: None,
        body: body.to_vec(),
    }
}

fn line() -> (Plain, Line) {
    let (front, keeper) = Plain::pair().unwrap();
    (front, Line::of(keeper.into()).unwrap())
}

async fn heard(bytes: &[u8]) -> io::Result<Ask> {
    let (mut front, line) = line();
    let bytes = bytes.to_vec();
    let sent = std::thread::spawn(move || io::Write::write_all(&mut front, &bytes));
    let heard = line.ask().await;
    drop(line);
    let _ = sent.join();
    heard
}

#[tokio::test]
async fn an_ask_arrives_as_it_was() {
    for body in [&b""[..], b"{}\n{}\n", &[0xff; MAX_BODY]] {
        let ask = ask(body);
        assert_eq!(heard(&ask.encode().unwrap()).await.unwrap(), ask);
    }
    assert!(ask(&[0; MAX_BODY + 1]).encode().is_err());
    let long = Ask {
        host: "h".repeat(MAX_ASK),
        ..ask(b"")
    };
    assert!(long.encode().is_err());
}

#[tokio::test]
async fn what_is_too_long_or_no_ask_is_refused() {
    let most = u32::MAX.to_be_bytes();
    let none = [0; 4];
    for lengths in [[most, none], [none, most], [most, most]] {
        assert!(heard(&lengths.concat()).await.is_err());
    }
    let whole = ask(b"body").encode().unwrap();
    for cut in 0..whole.len() {
        assert!(heard(&whole[..cut]).await.is_err(), "{cut}");
    }
    let bent: Vec<u8> = whole.iter().map(|byte| byte ^ b'"').collect();
    assert!(heard(&bent).await.is_err());
}

/// The front can make our end wait, for it has made it. It must not make us wait.
#[tokio::test]
async fn a_line_never_blocks() {
    let (front, keeper) = Plain::pair().unwrap();
    let copy = keeper.try_clone().unwrap();
    let line = Line::of(keeper.into()).unwrap();
    let turned = Line::of(copy.try_clone().unwrap().into()).unwrap();
    drop(turned);
    copy.set_nonblocking(false).unwrap();
    let mut none = [0; 1];
    let refused = recv(line.0.as_fd(), &mut none, RecvFlags::DONTWAIT);
    assert!(refused.is_err(), "nothing was sent");
    let quiet = tokio::time::timeout(std::time::Duration::from_millis(20), line.ask());
    assert!(quiet.await.is_err(), "it waits where others can go on");
    drop((front, copy));
    line.gone().await;
    assert!(line.send(b"x").await.is_err());
}

#[tokio::test]
async fn one_line_at_a_time_and_nothing_else() {
    let (front, keeper) = UnixStream::pair().unwrap();
    hand(&front, None).await.unwrap();
    assert!(matches!(take(&keeper).await.unwrap(), Sign::Alive));
    let (one, _other) = Plain::pair().unwrap();
    hand(&front, Some(one.into())).await.unwrap();
    let Sign::Line(taken) = take(&keeper).await.unwrap() else {
        panic!("no line");
    };
    assert!(Line::of(taken).is_ok());
    // Ten at once: one is taken, the others are closed.
    let (many, kept) = Plain::pair().unwrap();
    let fds = [many.as_fd(); 10];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(10))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    rights.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(
        &front,
        &[IoSlice::new(b"+")],
        &mut rights,
        SendFlags::empty(),
    )
    .unwrap();
    drop(many);
    drop(take(&keeper).await.unwrap());
    assert_eq!(io::Read::read(&mut &kept, &mut [0]).unwrap(), 0, "closed");
    // What is no line.
    let (pipe, _end) = io::pipe().unwrap();
    assert!(Line::of(pipe.into()).is_err());
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(Line::of(tcp.into()).is_err());
    drop(front);
    assert!(matches!(take(&keeper).await.unwrap(), Sign::Gone));
}
