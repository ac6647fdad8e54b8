//! What a run is confined to: one user, of whom alone anything is said; or so many.

use super::*;

fn only(user: u64) -> Bounds {
    Bounds {
        only_user: Some(user),
        ..Bounds::default()
    }
}

fn list(users: &[&str]) -> Request {
    let users = users.iter().map(|user| UserRef::parse(user)).collect();
    let who = Who::Named(users);
    Request::SessionList(kickout_shared::request::SessionList { who })
}

#[test]
fn one_user_alone() {
    // By whatever name it is given, and none of another.
    let rows = [
        ("bob", true),
        ("2", true),
        ("id:2", true),
        ("login:bob", true),
        ("email:bob", false),
        ("admin", false),
        ("1", false),
        ("id:1", false),
        ("2.0", false),
        ("ghost", false),
        ("", false),
    ];
    for (named, allowed) in rows {
        let requests = [
            all(&[named]),
            one(named, SessionRef::Latest),
            list(&[named]),
        ];
        for request in requests {
            let mut memory = site();
            let admins = memory.add_row(1, true, &live("a"));
            let bobs = memory.add_row(2, true, &live("b"));
            let heard = ask_within(only(2), &mut memory, request.clone());
            assert!(memory.value(admins).is_some(), "{request:?}");
            if allowed {
                assert_ne!(heard.outcome.verdict, Verdict::Failed, "{request:?}");
                continue;
            }
            assert!(memory.value(bobs).is_some(), "{request:?}");
            // The same words, whether there is such a user or not.
            let text = UserRef::parse(named).text;
            let refused = format!("Error: The token is for one user alone, and not for '{text}'.");
            heard.says(&[&refused]).is(Verdict::Failed);
        }
    }
    let mut memory = site();
    let row = memory.add_row(2, true, &live("b"));
    for request in [
        all(&["bob", "admin"]),
        all(&["bob", "ghost"]),
        everybody(&[], &[], false),
        everybody(&[], &["admin"], false),
        everybody(&[], &[], true),
    ] {
        ask_within(only(2), &mut memory, request.clone()).is(Verdict::Failed);
        assert!(memory.value(row).is_some(), "{request:?}");
    }
    // Nobody, when that user has gone.
    ask_within(only(99), &mut memory, all(&["99"])).is(Verdict::Failed);
}

#[test]
fn so_many_users() {
    let within = |max| Bounds {
        max_users: Some(max),
        ..Bounds::default()
    };
    let mut memory = site();
    let rows = [1, 2, 3].map(|user| memory.add_row(user, true, &live("a")));
    memory.add_row(3, true, &live("x"));
    let heard = ask_within(within(2), &mut memory, everybody(&[], &[], false));
    let refused = "Error: More than 2 users have sessions: the token allows no more.";
    heard.says(&[refused]).is(Verdict::Failed);
    assert!(rows.iter().all(|row| memory.value(*row).is_some()));
    let heard = ask_within(within(2), &mut memory, everybody(&[], &["admin"], false));
    heard.is(Verdict::Gone);
    assert!(memory.value(rows[0]).is_some() && memory.value(rows[1]).is_none());
    ask_within(within(1), &mut memory, everybody(&[], &[], false)).is(Verdict::Gone);
}
