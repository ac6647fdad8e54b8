//! Everybody is logged out: who is counted, who is spared, and who logs in meanwhile.

use super::*;

#[test]
fn everybody_is_counted_as_wordpress_sees_them() {
    let mut memory = site();
    memory.add_row(1, true, &live("ab"));
    memory.add_row(1, true, &live("x"));
    memory.add_row(2, true, &value(&[('c', FAR, 1), ('d', 1, 1)]));
    memory.add_row(3, true, b"garbage");
    memory.add_row(77, true, &live("e"));
    let heard = ask(&mut memory, everybody(&[], &[], true));
    heard
        .says(&["Success: Would destroy 4 sessions of 4 users."])
        .is(Verdict::Answered);
    assert!(!heard.begun, "a dry run begins nothing");
    let heard = ask(&mut memory, everybody(&[], &[], false));
    heard
        .says(&["Success: Destroyed 4 sessions of 4 users."])
        .is(Verdict::Gone);
    assert_eq!(
        heard.ended.len(),
        6,
        "four, the shadow's, and the row: {:?}",
        heard.ended
    );
    ask(&mut memory, everybody(&[], &[], false))
        .says(&["Success: No sessions to destroy."])
        .is(Verdict::Skipped);
}

#[test]
fn an_interrupted_sweep_leaves_no_second_row_alive() {
    // More rows than a page: the effective row of admin is the lowest, the shadow the highest.
    let mut memory = site();
    let effective = memory.add_row(1, true, &live("a"));
    for user in 100..100 + 2 * PAGE as u64 {
        memory.add_row(user, true, &live("b"));
    }
    let shadow = memory.add_row(1, true, &live("x"));
    let order = Rc::new(Cell::new(0));
    let seen = order.clone();
    memory.meddle(Box::new(move |_, rows| {
        let both = (rows.contains_key(&effective), rows.contains_key(&shadow));
        assert_ne!(both, (false, true), "the shadow has come to life");
        seen.set(seen.get() + 1);
    }));
    ask(&mut memory, everybody(&[], &[], false)).is(Verdict::Gone);
    assert!(order.get() >= 3, "several windows");
}

#[test]
fn a_sweep_outlasts_somebody_who_logs_in_all_the_time() {
    let mut memory = site();
    let row = memory.add_row(1, true, &live("a"));
    // Six writes in a row find it changed: more than there are passes, less than they try.
    memory.meddle(Box::new(move |write, rows| {
        if write % 7 != 0
            && let Some(row) = rows.get_mut(&row)
        {
            row.value = Some(value(&[('a', FAR, NOW - 100 - i64::from(write))]));
        }
    }));
    ask(&mut memory, everybody(&[], &[], false)).is(Verdict::Gone);
    assert_eq!(memory.value(row), None);
}

#[test]
fn logins_in_the_second_of_the_cutoff_end_with_it() {
    for request in [everybody(&[], &[], false), all(&["admin"])] {
        let mut memory = site();
        memory.add_row(1, true, &live("a"));
        // After each write somebody logs in, where this look does not come any more.
        memory.meddle(Box::new(move |_, rows| {
            let mut row = rows.values().next_back().unwrap().clone();
            row.id += 1;
            row.value = Some(value(&[('b', FAR, clock())]));
            rows.insert(row.id, row);
        }));
        ask(&mut memory, request).is(Verdict::Gone);
    }
}

#[test]
fn roles_and_exceptions_choose() {
    let mut memory = site();
    let rows = [(1, "a"), (2, "b"), (3, "c")]
        .map(|(user, digits)| memory.add_row(user, true, &live(digits)));
    let left = |memory: &Memory| rows.map(|row| memory.value(row).is_some());
    ask(&mut memory, everybody(&["editor"], &[], false))
        .says(&["Success: No sessions to destroy."]);
    assert_eq!(
        left(&memory),
        [true, true, true],
        "nobody is never everybody"
    );
    ask(&mut memory, everybody(&["subscriber"], &["carol"], false));
    assert_eq!(left(&memory), [true, false, true]);
    ask(&mut memory, everybody(&[], &["nobody"], false)).is(Verdict::Failed);
    assert_eq!(
        left(&memory),
        [true, false, true],
        "an unknown exception spares all"
    );
    ask(&mut memory, everybody(&[], &["admin"], false));
    assert_eq!(left(&memory), [true, false, false]);
}
