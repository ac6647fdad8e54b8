//! One table of what every engine must do, run against all of them: memory, SQLite, MariaDB,
//! MySQL, and WordPress itself.

use kickout_agent::engine::{Engine, RowHead, Survivor, WayIn, Written};
use kickout_shared::user::UserKey;
use kickout_shared::value::Key;
use kickout_tests::{MariaDb, MySql, WordPress, needs};

use crate::stored::{many, now, session, value, verifier};

mod worlds;

use worlds::World;

/// The users of every world, ordered by login: id, login, email, role.
const USERS: [(u64, &str, &str, &str); 5] = [
    (101, "anna", "anna@example.com", "editor"),
    (103, "Bob", "b@example.com", "subscriber"),
    (102, "carl", "carl@example.com", "editor"),
    (105, "dora", "dora@example.com", "author"),
    (104, "emil", "emil@example.com", "subscriber"),
];

/// Everything an engine promises, in turn; each on rows of its own.
async fn keeps<W: World>(mut world: W) {
    for (id, login, email, role) in USERS {
        world.add_user(id, login, email, role);
    }
    world.engine().writable().await.unwrap();
    knows_other_ways_in(&mut world).await;
    finds_users(&mut world).await;
    pages_users(&mut world).await;
    orders_rows(&mut world).await;
    pages_and_loads_rows(&mut world).await;
    rewrites(&mut world).await;
    detects_every_change(&mut world).await;
    removes_what_it_read(&mut world).await;
}

async fn knows_other_ways_in<W: World>(world: &mut W) {
    assert_eq!(world.engine().survivors(None, 10).await.unwrap(), []);
    let (used, since) = (Some(1_700_000_000), Some(now() - 60));
    let passwords = |count, last_used| WayIn::Passwords {
        count: Some(count),
        last_used,
    };
    let ways = [
        (101, "anna", passwords(2, used)),
        (102, "carl", passwords(1, None)),
        (103, "Bob", WayIn::Reset { since }),
        (104, "emil", WayIn::Reset { since: None }),
    ];
    let ways = ways.map(|(user, login, way)| Survivor {
        user,
        login: login.into(),
        way,
    });
    for way in &ways {
        world.add_way_in(way);
    }
    let rows: [(Option<&[u64]>, &[Survivor]); 4] = [
        (None, &ways),
        (Some(&[101, 105, 999]), &ways[..1]),
        (Some(&[104, 103]), &ways[2..]),
        (Some(&[105]), &[]),
    ];
    for (of, expected) in rows {
        let mut found = world.engine().survivors(of, 10).await.unwrap();
        found.sort_by_key(|way| way.user);
        assert_eq!(found, expected, "{of:?}");
    }
    // So many of each kind.
    let found = world.engine().survivors(None, 1).await.unwrap();
    let passwords = |way: &&Survivor| matches!(way.way, WayIn::Passwords { .. });
    let count = found.iter().filter(passwords).count();
    assert_eq!((count, found.len()), (1, 2));
}

async fn finds_users<W: World>(world: &mut W) {
    let rows = [
        (UserKey::Id, "101", Some(101)),
        (UserKey::Id, "999", None),
        (UserKey::Id, "anna", None),
        (UserKey::Login, "anna", Some(101)),
        (UserKey::Login, "ANNA", Some(101)),
        (UserKey::Login, "bob", Some(103)),
        (UserKey::Login, "anna@example.com", None),
        (UserKey::Login, "an%", None),
        (UserKey::Login, "o'neil\\", None),
        (UserKey::Email, "B@Example.COM", Some(103)),
        (UserKey::Email, "bob", None),
    ];
    for (by, text, found) in rows {
        let user = world.engine().user(by, text).await.unwrap();
        assert_eq!(user.map(|user| user.id), found, "{by:?} {text}");
    }
    let mut users = world.engine().users(&[104, 999, 101]).await.unwrap();
    users.sort_by_key(|user| user.id);
    let facts: Vec<_> = users
        .iter()
        .map(|user| (user.id, user.login.lossy(), user.roles[0].lossy()))
        .collect();
    assert_eq!(
        facts,
        [
            (101, "anna".into(), "editor".into()),
            (104, "emil".into(), "subscriber".into())
        ]
    );
    assert_eq!(world.engine().users(&[]).await.unwrap(), []);
    let mut logins = world.engine().logins(&[104, 999, 101]).await.unwrap();
    logins.sort();
    assert_eq!(logins, [(101, "anna".into()), (104, "emil".into())]);
    assert_eq!(world.engine().logins(&[]).await.unwrap(), []);
}

async fn pages_users<W: World>(world: &mut W) {
    let mut last = None;
    let mut seen = Vec::new();
    loop {
        let page = world.engine().next_users(last.as_ref(), 2).await.unwrap();
        let Some(end) = page.last() else { break };
        assert!(page.len() <= 2);
        last = Some(end.clone());
        seen.extend(page.iter().map(|user| user.id));
    }
    // A real site has its own first user.
    seen.retain(|id| *id > 100);
    assert_eq!(seen, USERS.map(|user| user.0));
}

async fn orders_rows<W: World>(world: &mut W) {
    let other = world.add_row(101, "Session_Tokens", Some(&many(1)));
    let first = world.add_row(101, "session_tokens", Some(&many(2)));
    let foreign = world.add_row(102, "session_tokens", Some(&many(3)));
    let second = world.add_row(101, "session_tokens", Some(&many(4)));
    let unrelated = world.add_row(101, "session_tokens_2", Some(&many(1)));
    let rows = world.engine().rows(101).await.unwrap();
    let facts: Vec<_> = rows
        .iter()
        .map(|row| (row.id, row.user, row.exact))
        .collect();
    let mut expected = vec![(other, 101, false), (first, 101, true), (second, 101, true)];
    // The model of memory knows no other keys.
    expected.extend(W::ANY_KEY.then_some((unrelated, 101, false)));
    assert_eq!(facts, expected);
    assert_eq!(rows[1].value.as_deref(), Some(&many(2)[..]));
    assert_eq!(rows[1].size, many(2).len() as u64);
    let mut effective = world
        .engine()
        .effective_rows(&[101, 102, 105])
        .await
        .unwrap();
    effective.sort_unstable();
    assert_eq!(effective, [(101, first), (102, foreign)]);
    assert_eq!(world.engine().effective_rows(&[]).await.unwrap(), []);
    world.clear();
}

async fn pages_and_loads_rows<W: World>(world: &mut W) {
    assert!(world.engine().next_rows(0, 10).await.unwrap().is_empty());
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(world.add_row(101 + number % 3, "session_tokens", Some(&many(1 + number))));
    }
    let null = world.add_row(104, "session_tokens", None);
    ids.push(null);
    assert_eq!(world.engine().last_row().await.unwrap(), null);
    let mut last = 0;
    let mut heads = Vec::new();
    loop {
        let page = world.engine().next_rows(last, 3).await.unwrap();
        let Some(end) = page.last() else { break };
        assert!(page.len() <= 3);
        last = end.id;
        heads.extend(page);
    }
    assert_eq!(heads.iter().map(|head| head.id).collect::<Vec<_>>(), ids);
    assert_eq!(heads[2].size, many(3).len() as u64);
    let mut first = u64::MAX;
    let mut back = Vec::new();
    loop {
        let page = world.engine().previous_rows(first, 3).await.unwrap();
        let Some(end) = page.last() else { break };
        assert!(page.len() <= 3);
        first = end.id;
        back.extend(page);
    }
    back.reverse();
    assert_eq!(back, heads);
    // Gone rows are left out; NULL is the empty string, as core reads it.
    let gone = RowHead {
        id: null + 1_000,
        user: 101,
        size: 9,
    };
    heads.push(gone);
    let rows = world.engine().load(&heads).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), ids);
    assert_eq!(rows[7].value.as_deref(), Some(&b""[..]));
    assert_eq!(rows[4].value.as_deref(), Some(&many(5)[..]));
    assert_eq!(rows[4].user, 102);
    assert_eq!(
        world.engine().remove(&rows[7..]).await.unwrap(),
        1,
        "NULL is what it was"
    );
    assert_eq!(world.value(null), None);
    world.clear();
}

/// Values every world can hold, and some that only a column of bytes can.
fn agents<W: World>() -> Vec<Vec<u8>> {
    let mut agents: Vec<Vec<u8>> = [
        "Firefox",
        "it's \\ \"quoted\" % _ ?",
        "日本 é 👍",
        "x\0y\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    if W::ANY_BYTES {
        agents.push(b"\xe9\xff\x80\x81\x00 \x92".to_vec());
    }
    if !W::WIDE {
        // A latin1 connection carries every one of these as what it is: bytes.
        agents.push((0..=255).collect());
    }
    agents
}

async fn rewrites<W: World>(world: &mut W) {
    let drop_first =
        |entry: &kickout_agent::engine::Entry| entry.key == Key::Text(verifier(1).into());
    for agent in agents::<W>() {
        let (one, two) = (
            (verifier(1), session("gone")),
            (verifier(2), session(&agent)),
        );
        let id = world.add_row(101, "session_tokens", Some(&value(&[one, two.clone()])));
        let row = world.engine().rows(101).await.unwrap().remove(0);
        let done = world
            .engine()
            .rewrite(&row, now(), &drop_first)
            .await
            .unwrap();
        assert_eq!(done, Written::Done, "{agent:?}");
        assert_eq!(world.value(id).unwrap(), value(&[two]), "{agent:?}");
        // The old row is no longer there: nothing is written.
        let again = world
            .engine()
            .rewrite(&row, now(), &drop_first)
            .await
            .unwrap();
        assert_eq!(again, Written::Changed);
        // Nothing would remain: nothing is written either.
        let row = world.engine().rows(101).await.unwrap().remove(0);
        let empty = world
            .engine()
            .rewrite(&row, now(), &|_| true)
            .await
            .unwrap();
        assert_eq!(empty, Written::Empty);
        assert_eq!(world.value(id), row.value);
        assert_eq!(world.engine().remove(&[row]).await.unwrap(), 1, "{agent:?}");
        assert_eq!(world.value(id), None);
    }
}

async fn detects_every_change<W: World>(world: &mut W) {
    let stored = value(&[(verifier(1), session("Agent")), (verifier(2), session("B"))]);
    let replaced = |from: &str, to: &str| {
        let text = String::from_utf8(stored.clone()).unwrap();
        assert!(text.contains(from));
        text.replacen(from, to, 1).into_bytes()
    };
    let changes = [
        ("letter case", replaced("Agent", "AGENT")),
        ("an accent", replaced("s:5:\"Agent", "s:6:\"Ágent")),
        ("trailing space", [&stored[..], b" "].concat()),
        ("everything", many(3)),
        ("nothing left", Vec::new()),
    ];
    for (what, changed) in changes {
        for removes in [false, true] {
            let id = world.add_row(101, "session_tokens", Some(&stored));
            let row = world.engine().rows(101).await.unwrap().remove(0);
            world.overwrite(id, &changed);
            if removes {
                let removed = world.engine().remove(&[row]).await.unwrap();
                assert_eq!(removed, 0, "{what}");
            } else {
                let first = |entry: &kickout_agent::engine::Entry| entry.raw.start < 10;
                let written = world.engine().rewrite(&row, now(), &first).await.unwrap();
                assert_eq!(written, Written::Changed, "{what}");
            }
            assert_eq!(world.value(id).unwrap(), changed, "{what}");
            world.clear();
        }
    }
}

async fn removes_what_it_read<W: World>(world: &mut W) {
    let values: Vec<_> = (0..2_500).map(|number| many(1 + number % 3)).collect();
    let ids = world.add_rows(101, &values);
    let rows = world.engine().rows(101).await.unwrap();
    assert_eq!(rows.len(), ids.len());
    world.overwrite(ids[1_700], &many(4));
    assert_eq!(world.engine().remove(&rows).await.unwrap(), 2_499);
    let left = world.engine().rows(101).await.unwrap();
    assert_eq!(
        left.iter().map(|row| row.id).collect::<Vec<_>>(),
        [ids[1_700]]
    );
    assert_eq!(world.engine().remove(&rows).await.unwrap(), 0);
    assert_eq!(world.engine().remove(&[]).await.unwrap(), 0);
    world.clear();
}

fn block_on(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime.unwrap(), future);
}

#[test]
fn memory_keeps_it() {
    block_on(keeps(worlds::InMemory::default()));
}

#[test]
fn sqlite_keeps_it() {
    needs!(WordPress, WordPressSqlite);
    block_on(async { keeps(worlds::on_sqlite().await).await });
}

#[test]
fn mariadb_keeps_it() {
    needs!(WordPress);
    block_on(async { keeps(worlds::on_utf8mb4(&MariaDb::shared()).await).await });
}

#[test]
fn mariadb_in_latin1_keeps_it() {
    needs!(WordPress);
    block_on(async { keeps(worlds::on_latin1(&MariaDb::shared()).await).await });
}

#[test]
fn php_on_mariadb_keeps_it() {
    needs!(WordPress);
    block_on(async { keeps(worlds::on_php(WordPress::new().install()).await).await });
}

#[test]
fn php_on_sqlite_keeps_it() {
    needs!(WordPress, WordPressSqlite);
    block_on(async { keeps(worlds::on_php(WordPress::new().install_sqlite()).await).await });
}

#[test]
fn mysql_keeps_it() {
    needs!(WordPress, SlowAndFar);
    let server = MySql::new().start();
    block_on(async {
        keeps(worlds::on_utf8mb4(&server).await).await;
        keeps(worlds::on_latin1(&server).await).await;
    });
}
