//! Tests of what tokens may do: the whole matrix of commands, scopes and bounds.

use kickout_shared::request::{CanaryFor, Selector, SessionDestroy, SessionList, UserList};
use kickout_shared::site::{EngineChoice, Skip};
use kickout_shared::token::SessionRef;

use super::*;

fn user(text: &str) -> UserRef {
    UserRef::parse(text)
}

fn destroy(what: Doomed) -> Request {
    Request::SessionDestroy(SessionDestroy {
        what,
        dry_run: false,
        cutoff: None,
        settle_ms: None,
        canary: None,
        blind: false,
    })
}

fn all(names: &[&str]) -> Request {
    destroy(Doomed::All(Who::Named(
        names.iter().map(|it| user(it)).collect(),
    )))
}

/// A request of each kind.
fn requests() -> Vec<(Command, Request)> {
    let (named, any) = (
        Who::Named(vec![user("a")]),
        Who::Selected(Selector::default()),
    );
    let list = |who: &Who| Request::SessionList(SessionList { who: who.clone() });
    let canary = |user| Request::Canary(CanaryFor { user });
    let one = Doomed::One {
        user: user("a"),
        session: SessionRef::Latest,
    };
    let conflict = Doomed::Conflict {
        user: user("a"),
        token: user("b"),
    };
    vec![
        (Command::List, list(&named)),
        (Command::ListAny, list(&any)),
        (Command::Destroy, destroy(one)),
        (Command::Destroy, destroy(conflict)),
        (Command::Destroy, destroy(Doomed::All(named))),
        (Command::DestroyAny, destroy(Doomed::All(any))),
        (Command::Users, Request::UserList(UserList::default())),
        (Command::Doctor, Request::Doctor),
        (Command::Canary, canary(None)),
        (Command::CanaryOf, canary(Some(user("a")))),
    ]
}

#[test]
fn each_command_and_each_scope() {
    for (command, request) in requests() {
        assert_eq!(Command::of(&request), command);
        let (_, anybody, own) = TABLE.into_iter().find(|row| row.0 == command).unwrap();
        for scope in Scope::ALL {
            for bound in [None, Some(7)] {
                let grant = Grant {
                    scopes: vec![scope],
                    sites: vec!["shop".to_owned()],
                    user: bound,
                    ..Grant::default()
                };
                let allowed = grant.allows("shop", &Site::default(), &request);
                let expected = match () {
                    () if scope == anybody => Ok(Bounds::default()),
                    () if own == Some(scope) && bound.is_some() => Ok(Bounds {
                        only_user: bound,
                        max_users: None,
                    }),
                    () => Err(AuthorityError::Scope(anybody)),
                };
                assert_eq!(allowed, expected, "{command:?} {scope:?} {bound:?}");
                let other = grant.allows("blog", &Site::default(), &request);
                assert_eq!(other, Err(AuthorityError::Site));
            }
        }
        let nothing = Grant {
            sites: vec!["shop".to_owned()],
            ..Grant::default()
        };
        assert!(nothing.allows("shop", &Site::default(), &request).is_err());
        assert!(
            Grant::default()
                .allows("shop", &Site::default(), &request)
                .is_err()
        );
    }
}

#[test]
fn what_changes_the_code_needs_more() {
    let load = |load: Load| Site {
        load: Box::new(load),
        ..Site::default()
    };
    let sites = [
        load(Load {
            engine: EngineChoice::Native,
            ..Load::default()
        }),
        load(Load {
            engine: EngineChoice::Php,
            ..Load::default()
        }),
        load(Load {
            skip_plugins: Skip::All,
            ..Load::default()
        }),
        load(Load {
            skip_themes: Skip::Named(vec!["x".to_owned()]),
            ..Load::default()
        }),
        load(Load {
            require: vec!["x.php".to_owned()],
            ..Load::default()
        }),
        load(Load {
            php_user: Some("www-data".to_owned()),
            ..Load::default()
        }),
        Site {
            act_as: Some(user("admin")),
            ..Site::default()
        },
    ];
    let grant = |scopes: &[Scope]| Grant {
        scopes: scopes.to_vec(),
        sites: vec!["shop".to_owned()],
        ..Grant::default()
    };
    for site in sites {
        let denied = grant(&[Scope::DestroyUser]).allows("shop", &site, &all(&["a"]));
        assert_eq!(denied, Err(AuthorityError::Scope(Scope::Admin)), "{site:?}");
        let both = grant(&[Scope::DestroyUser, Scope::Admin]);
        assert!(both.allows("shop", &site, &all(&["a"])).is_ok(), "{site:?}");
        let admin = grant(&[Scope::Admin]).allows("shop", &site, &all(&["a"]));
        assert_eq!(admin, Err(AuthorityError::Scope(Scope::DestroyUser)));
    }
    // It only says how a doubt ends.
    let unconfirmed = load(Load {
        unconfirmed_ok: true,
        ..Load::default()
    });
    let grant = grant(&[Scope::DestroyUser]);
    assert!(grant.allows("shop", &unconfirmed, &all(&["a"])).is_ok());
}

#[test]
fn so_many_users_at_once() {
    let grant = Grant {
        scopes: vec![Scope::DestroyUser, Scope::DestroyAny],
        sites: vec!["shop".to_owned()],
        max_users: Some(2),
        ..Grant::default()
    };
    let allows = |request: &Request| grant.allows("shop", &Site::default(), request);
    assert_eq!(allows(&all(&["a", "b"])), Ok(Bounds::default()));
    let three = AuthorityError::Users { asked: 3, limit: 2 };
    assert_eq!(allows(&all(&["a", "b", "c"])), Err(three));
    let everybody = destroy(Doomed::All(Who::Selected(Selector::default())));
    let bounds = Bounds {
        only_user: None,
        max_users: Some(2),
    };
    assert_eq!(allows(&everybody), Ok(bounds));
}

#[test]
fn scopes_have_one_name_each() {
    for scope in Scope::ALL {
        assert_eq!(Scope::named(scope.name()), Some(scope));
        let json = serde_json::to_value(scope).unwrap();
        assert_eq!(json, scope.name());
        assert_eq!(serde_json::from_value::<Scope>(json).unwrap(), scope);
    }
    assert_eq!(Scope::named("*"), None);
    assert!(serde_json::from_str::<Scope>("\"sessions.*\"").is_err());
    let more = r#"{"scopes":[],"sites":[],"sudo":true}"#;
    assert!(serde_json::from_str::<Grant>(more).is_err());
}
