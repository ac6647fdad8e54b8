//! `examples/bridge` as its README has it, command by command, on real containers.

use std::time::Duration;

use kickout_tests::{Binaries, Stack, needs, until, workspace_root};

use crate::bridge_install::token;
use crate::stack::{LOGIN, is_valid};

#[test]
fn the_example_as_it_is_written() {
    needs!(Root, WordPress, Docker, Compose);
    let stack = Stack::new();
    stack.up();
    let web = stack.web().unwrap();
    // The image of the tests has no tool for it; the official one does.
    let account = "echo kickout-bridge:x:990:990::/:/bin/false >>/etc/passwd";
    stack.types(&format!("docker exec --user=root {web} sh -c '{account}'"));
    let root = workspace_root();
    let readme = std::fs::read_to_string(root.join("examples/bridge/README.md")).unwrap();
    let lines: Vec<String> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .map(|line| {
            line.replace("127.0.0.1:8080", &stack.published())
                .replace("../bridge", &format!("{}/examples/bridge", root.display()))
        })
        .collect();
    assert_eq!(lines.len(), 9, "{lines:?}");
    let kickout = |line: &str, more: &[&str]| {
        let words: Vec<&str> = line
            .split(' ')
            .skip(1)
            .chain(more.iter().copied())
            .collect();
        stack.kickout(&words).deadline(Duration::from_secs(180))
    };
    // A build for tests carries no bridge.
    let built = Binaries::dev();
    let program = format!("--bridge={}", built.bridge.display());
    let agent = format!("--agent={}", built.agent.display());
    let carried = [program.as_str(), agent.as_str()];
    let said = kickout(&lines[0], &carried).run().code(0);
    let secret = token(&said).unwrap_or_else(|| panic!("{}", said.stdout));
    lines[1..4].iter().for_each(|line| drop(stack.types(line)));

    let cookie = stack.php(LOGIN).as_str().unwrap().to_owned();
    assert!(is_valid(&stack, &cookie));
    assert!(lines[4].starts_with("export KICKOUT_TOKEN="));
    let over_http = |line: &str| kickout(line, &[]).env("KICKOUT_TOKEN", &secret).run();
    until("Apache passes it on", Duration::from_secs(60), || {
        let said = over_http(&lines[5]);

        (said.code == Some(0)).then_some(())
    });
    over_http(&lines[5]).code(0).stdout_has("127.0.0.1");
    over_http(&lines[6])
        .success()
        .stdout("Success: Destroyed all sessions.\n");
    assert!(!is_valid(&stack, &cookie));
    let audit = stack.types(&lines[7]);
    assert!(audit.contains("none changed"), "{audit}");
    kickout(&lines[8], &carried)
        .run()
        .success()
        .stdout_has("installed");
}
