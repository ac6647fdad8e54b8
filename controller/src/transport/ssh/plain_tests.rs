//! The reader without OpenSSH beside the real `ssh -G`, on configurations made by chance.

use proptest::prelude::*;

use super::*;
use crate::transport::ssh::settings::Settings;
use crate::transport::ssh::settings::tests::Home;

/// Both ways to the same answer.
async fn both(config: &str, host: &str) -> [Result<Settings, SettingsError>; 2] {
    let home = Home::new();
    let file = home.write("config", config);
    let theirs = home.ask(host, Some(&file), &[]).await;
    let home = home.without_ssh();
    let ours = home.ask(host, Some(&file), &[]).await;
    // OpenSSH prints this default.
    [theirs, ours].map(|it| {
        it.map(|it| Settings {
            alive_count: None,
            ..it
        })
    })
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "web", "Web", "db", "db1", "web.x", "*", "w*", "?b", "*.x",
    ])
    .prop_map(str::to_owned)
}

fn line() -> impl Strategy<Value = String> {
    let keyword = |name: &'static str| {
        prop::sample::select(vec![
            name.to_owned(),
            name.to_uppercase(),
            format!("  {name}\t"),
        ])
    };
    let value = |values: Vec<&'static str>| prop::sample::select(values);
    let equals = || prop::sample::select(vec![" ", "=", " = ", "\t"]);
    let host = prop::collection::vec((any::<bool>(), name()), 1..4).prop_map(|names| {
        let words = names
            .into_iter()
            .map(|(no, name)| if no { format!("!{name}") } else { name });
        format!("Host {}", words.collect::<Vec<_>>().join(" "))
    });
    let setting = prop_oneof![
        (
            keyword("HostName"),
            equals(),
            value(vec!["%h", "%h.Example", "10.0.0.1", "::1", "\"q\""])
        ),
        (
            keyword("User"),
            equals(),
            value(vec!["bob", "\"al\"", "x.y@z"])
        ),
        (
            keyword("Port"),
            equals(),
            value(vec!["22", "2222", "\"7\""])
        ),
        (
            keyword("IdentityFile"),
            equals(),
            value(vec![
                "~/k",
                "\"~/a b\"",
                "/k # c",
                "%d/%r",
                "none",
                "~/a\\ b",
                "'~/c d'"
            ])
        ),
        (
            keyword("ProxyJump"),
            equals(),
            value(vec!["none", "a", "a@b:22,c", "[::2]:22", "a # c"])
        ),
    ];
    let setting = setting.prop_map(|(key, equals, value)| format!("{key}{equals}{value}"));
    let nothing =
        prop::sample::select(vec!["", "# Host *", "   # c", "\t"]).prop_map(str::to_owned);
    prop_oneof![2 => host, 6 => setting, 1 => nothing]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_same_as_ssh_says(
        lines in prop::collection::vec(line(), 0..14),
        host in prop::sample::select(vec!["web", "Web", "db1", "web.x", "other"]),
        end in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let config = lines.join(end) + end;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let [theirs, ours] = runtime.block_on(both(&config, host));
        let theirs = theirs.map_err(|error| error.to_string());
        let ours = ours.map_err(|error| error.to_string());
        prop_assert_eq!(ours, theirs, "{} with {:?}", host, config);
    }
}

#[tokio::test]
async fn what_is_not_understood_is_named() {
    let table = [
        ("Host *\n  ProxyCommand x\n", "config:2: 'proxycommand'"),
        ("\nMatch exec \"touch ran\"\n User x\n", "config:2: 'match'"),
        ("Host other\nMatch all\n User x\n", "config:2: 'match'"),
        ("Include x\nUser x\n", "config:1: 'include'"),
        ("User x\nForwardAgent no\n", "config:2: 'forwardagent'"),
        (
            "StrictHostKeyChecking no\n",
            "config:1: 'stricthostkeychecking'",
        ),
        ("Nonsense\n", "config:1: 'nonsense'"),
        ("User \"x\n", "config:1: the ssh setting is damaged"),
        ("User\n", "config:1: the ssh setting is damaged"),
        ("User x y\n", "config:1: the ssh setting is damaged"),
        ("User a;b\n", "user"),
        ("HostName -x\n", "hostname"),
    ];
    for (config, expected) in table {
        let home = Home::new().without_ssh();
        let file = home.write("config", config);
        let error = home.ask("web", Some(&file), &[]).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{config:?}: {error}");
        assert!(!error.fix().is_empty());
    }
    // What does not apply is not judged, as in OpenSSH.
    let [theirs, ours] = both("Host x\n LocalForward 1 a:2\nHost *\n User me\n", "web").await;
    assert_eq!(ours.unwrap(), theirs.unwrap());
}

#[tokio::test]
async fn ten_thousand_hosts_and_endless_files() {
    let hosts: String = (0..10_000)
        .map(|it| format!("Host h{it}\n  Port {}\n", it % 999 + 1))
        .collect();
    let [theirs, ours] = both(&hosts, "h9999").await;
    assert_eq!(ours.unwrap(), theirs.unwrap());
    let home = Home::new().without_ssh();
    let long = home.write("long", &"x".repeat(5_000_000));
    for file in [long.as_path(), Path::new("/dev/zero"), Path::new("/")] {
        assert!(home.ask("web", Some(file), &[]).await.is_err());
    }
    assert!(
        home.ask("web", Some(Path::new("/dev/null")), &[])
            .await
            .is_ok()
    );
    // A file that includes itself says something, whatever it says: OpenSSH decides.
    let me = home.write("me", "");
    home.write("me", &format!("Include {}\n", me.display()));
    assert!(!is_silent(&me));
}
