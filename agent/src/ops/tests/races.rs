//! Logins while a run works, what comes back after a clean look, and what no logout cuts. Time passes at
//! once here.

use super::*;
use crate::engine::{Survivor, WayIn};

const AGAIN: &str = "Warning: What was destroyed came back (a login in flight wrote its old \
                     copy), and was destroyed again.";

/// Two users with a session each. When the second of them loses his, the first has `back` again: a
/// login had read his row before.
fn revived(was: &[u8], back: Vec<u8>) -> (Memory, u64) {
    let mut memory = site();
    let first = memory.add_row(1, true, was);
    let second = memory.add_row(2, true, &live("b"));
    let mut left = 1;
    memory.meddle(Box::new(move |_, rows| {
        if left > 0 && !rows.contains_key(&first) && rows.contains_key(&second) {
            left -= 1;
            let mut row = rows[&second].clone();
            (row.id, row.user, row.value) = (first, 1, Some(back.clone()));
            rows.insert(first, row);
        }
    }));
    (memory, first)
}

fn settled(mut request: Request, ms: u32) -> Request {
    if let Request::SessionDestroy(destroy) = &mut request {
        destroy.settle_ms = Some(ms);
    }
    request
}

#[test]
fn what_a_login_wrote_back_is_ended_again() {
    let both = || all(&["admin", "bob"]);
    let done = ["Success: Destroyed all sessions."; 2];
    let (mut memory, row) = revived(&live("a"), live("a"));
    let heard = ask(&mut memory, both());
    heard.says(&[AGAIN, done[0], done[1]]).is(Verdict::Gone);
    assert_eq!(memory.value(row), None);
    assert_eq!(heard.ended, ["a", "b", "a"], "each with its evidence");
    // Counted once.
    assert_eq!((heard.outcome.users, heard.outcome.sessions), (2, 2));

    // Without the second look nobody would know.
    let (mut memory, row) = revived(&live("a"), live("a"));
    ask(&mut memory, settled(both(), 0)).says(&done);
    assert!(memory.value(row).is_some());
}

fn blind(mut request: Request) -> Request {
    if let Request::SessionDestroy(destroy) = &mut request {
        destroy.blind = true;
    }
    request
}

/// Nothing is waited for or looked at again, and nothing is called gone; unless a wait was asked for.
#[test]
fn nobody_wants_to_know() {
    let requests: [(Request, &[&str]); 3] = [
        (
            all(&["admin", "bob"]),
            &["Success: Destroyed all sessions."; 2],
        ),
        (
            everybody(&[], &[], false),
            &["Success: Destroyed 2 sessions of 2 users."],
        ),
        (
            one("bob", SessionRef::Latest),
            &["Success: Destroyed session. 0 sessions remaining."],
        ),
    ];
    for (request, done) in requests {
        let (mut memory, _) = revived(&live("a"), live("a"));
        let heard = ask(&mut memory, blind(request.clone()));
        heard.says(done).is(Verdict::Unconfirmed);
        assert_eq!(heard.lasted, 0, "{request:?}");
        let (mut memory, _) = revived(&live("a"), live("a"));
        let heard = ask(&mut memory, blind(settled(request, 2_000)));
        heard.is(Verdict::Unconfirmed);
        assert!(heard.lasted >= 2, "{done:?}");
    }
    // What was never there has not been written.
    ask(&mut site(), blind(everybody(&[], &[], false))).is(Verdict::Skipped);
    // Who was quicker than the write is read again all the same.
    let mut memory = site();
    let row = memory.add_row(1, true, &live("a"));
    memory.meddle(Box::new(move |write, rows| {
        if write == 1 {
            rows.get_mut(&row).unwrap().value = Some(live("ab"));
        }
    }));
    let heard = ask(&mut memory, blind(all(&["admin"])));
    heard.is(Verdict::Unconfirmed);
    assert_eq!(
        (memory.value(row), heard.ended),
        (None, vec!["a".to_owned(), "b".to_owned()])
    );
}

/// Dated a second ahead: destroyed as odd, and by the next look the clock has overtaken the date.
#[test]
fn an_odd_date_is_no_new_login_later() {
    let odd = value(&[('a', FAR, NOW + 1)]);
    let (mut memory, row) = revived(&odd.clone(), odd);
    ask(&mut memory, all(&["admin", "bob"])).is(Verdict::Gone);
    assert_eq!(memory.value(row), None);
}

#[test]
fn a_login_made_meanwhile_survives_every_look() {
    let new = ('n', FAR, NOW - 1);
    let (mut memory, row) = revived(
        &value(&[('a', FAR, NOW - 9)]),
        value(&[('a', FAR, NOW - 9), new]),
    );
    let mut request = all(&["admin", "bob"]);
    if let Request::SessionDestroy(destroy) = &mut request {
        destroy.cutoff = Some(NOW - 5);
    }
    ask(&mut memory, request).is(Verdict::Gone);
    assert_eq!(memory.value(row).unwrap(), value(&[new]));
}

#[test]
fn what_always_comes_back_is_alive() {
    let mut memory = site();
    let rows = [1, 2].map(|user| memory.add_row(user, true, &live("a")));
    let mut old = None;
    memory.meddle(Box::new(move |_, stored| {
        let old = old.get_or_insert_with(|| stored.clone());
        // Whoever is not being ended is there again.
        let gone: Vec<u64> = rows
            .into_iter()
            .filter(|id| !stored.contains_key(id))
            .collect();
        for id in gone {
            stored.insert(id, old[&id].clone());
        }
    }));
    let heard = ask(&mut memory, all(&["admin", "bob"]));
    heard.is(Verdict::Alive);
    let said = "Error: Sessions of some of these users come back as soon as they are destroyed.";
    heard.says(&[said]);
    assert_eq!((heard.outcome.users, heard.outcome.sessions), (2, 2));
}

/// What was asked for is waited for, even where there was nothing.
#[test]
fn a_wait_of_its_own() {
    let rows = [
        (all(&["admin"]), 0),
        (all(&["admin", "bob"]), 0),
        (settled(all(&["admin"]), 30_000), 30),
        (settled(all(&["admin", "bob"]), 0), 0),
    ];
    for (request, seconds) in rows {
        let shown = format!("{request:?}");
        let heard = ask(&mut site(), request);
        assert_eq!(heard.is(Verdict::Gone).lasted, seconds, "{shown}");
    }
}

#[test]
fn what_no_logout_cuts_is_said_of_these_users() {
    let mut memory = site();
    memory.add_row(1, true, &live("a"));
    memory.add_row(3, true, &live("c"));
    let mut add = |user: u64, login: &str, way: WayIn| {
        let login = login.into();
        memory.add_survivor(Survivor { user, login, way });
    };
    let passwords = WayIn::Passwords {
        count: Some(2),
        last_used: Some(NOW - 7_200),
    };
    add(1, "admin", passwords);
    add(2, "bob", WayIn::Reset { since: None });
    let admin = "Warning: A logout does not cut 2 application passwords of admin (last used 2 \
                 hours ago).";
    let bob = "Warning: A logout does not cut 1 pending password reset of bob.";
    let done = "Success: Destroyed all sessions.";
    let none = "Success: No sessions to destroy.";
    let rows: [(Request, &[&str]); 9] = [
        (
            everybody(&[], &[], true),
            &["Success: Would destroy 2 sessions of 2 users."],
        ),
        (
            everybody(&["subscriber"], &["bob"], false),
            &["Success: Destroyed 1 session of 1 user."],
        ),
        (everybody(&["subscriber"], &[], false), &[bob, none]),
        (
            one("admin", SessionRef::Latest),
            &[admin, "Success: Destroyed session. 0 sessions remaining."],
        ),
        (one("admin", SessionRef::Latest), &[admin, none]),
        (all(&["admin"]), &[admin, done]),
        (all(&["bob", "carol"]), &[bob, done, done]),
        (all(&["carol"]), &[done]),
        (everybody(&[], &["admin"], false), &[bob, none]),
    ];
    for (request, lines) in rows {
        ask(&mut memory, request).says(lines);
    }
}

#[test]
fn a_second_row_never_comes_to_life() {
    let mut memory = site();
    let first = memory.add_row(1, true, &live("a"));
    let second = memory.add_row(1, true, &live("xa"));
    let other_case = memory.add_row(1, false, &live("y"));
    ask(&mut memory, one("admin", SessionRef::Latest))
        .says(&["Success: Destroyed session. 0 sessions remaining."]);
    for row in [first, second, other_case] {
        assert_eq!(memory.value(row), None, "row {row}");
    }
}

#[test]
fn a_login_between_read_and_write_is_kept() {
    let mut memory = site();
    let row = memory.add_row(1, true, &live("ab"));
    memory.meddle(Box::new(move |write, rows| {
        if write == 1 {
            rows.get_mut(&row).unwrap().value = Some(live("abc"));
        }
    }));
    let heard = ask(&mut memory, one("admin", SessionRef::Latest));
    // The session that was the last one when we looked, not the one that came since.
    assert_eq!(heard.ended, ["b"], "{:?}", heard.lines);
    assert_eq!(memory.value(row).unwrap(), live("ac"));
}

#[test]
fn a_login_made_after_the_cutoff_survives_all() {
    let mut memory = site();
    let cutoff = NOW - 50;
    let row = memory.add_row(
        1,
        true,
        &value(&[('a', FAR, NOW - 100), ('b', FAR, NOW - 10)]),
    );
    let mut request = all(&["admin"]);
    if let Request::SessionDestroy(destroy) = &mut request {
        destroy.cutoff = Some(cutoff);
    }
    ask(&mut memory, request)
        .says(&["Success: Destroyed all sessions."])
        .is(Verdict::Gone);
    assert_eq!(memory.value(row).unwrap(), value(&[('b', FAR, NOW - 10)]));
}

#[test]
fn a_login_dated_in_the_future_is_no_excuse() {
    let mut memory = site();
    let row = memory.add_row(
        1,
        true,
        &value(&[('a', FAR, NOW + 60), ('b', FAR, NOW + 999_999)]),
    );
    ask(&mut memory, all(&["admin"])).is(Verdict::Gone);
    assert_eq!(memory.value(row), None);
}

#[test]
fn what_comes_back_every_time_is_not_called_gone() {
    let mut memory = site();
    let row = memory.add_row(1, true, &live("a"));
    let mut number = 0;
    memory.meddle(Box::new(move |_, rows| {
        number += 1;
        let old = rows.get(&row).cloned();
        if let Some(mut row) = old {
            row.value = Some(value(&[('a', FAR, NOW - number)]));
            rows.insert(row.id, row);
        }
    }));
    for request in [all(&["admin"]), everybody(&[], &[], false)] {
        let heard = ask(&mut memory, request);
        heard.is(Verdict::Failed);
        assert!(
            heard.lines[0].contains("kept changing"),
            "{:?}",
            heard.lines
        );
    }
}
