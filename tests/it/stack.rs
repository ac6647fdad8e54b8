//! `examples/compose` as a newcomer has it: what `kickout` says in its folder, and the commands of
//! its README, on real containers.

use std::time::Duration;

use kickout_tests::{Client, Output, Sshd, Stack, docker_host, needs, until, workspace_root};

use crate::verify_canary::PROVING;

/// The commands of the example's README that are kickout's, in order, without the program's name.
fn commands() -> Vec<Vec<String>> {
    let readme = workspace_root().join("examples/compose/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let lines = readme
        .lines()
        .filter_map(|line| line.strip_prefix("    kickout"));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    lines.map(words).collect()
}

/// Logs admin in as the login form does; gives the cookie.
pub(crate) const LOGIN: &str = "
    $expires = time() + 3600;
    $_SERVER['REMOTE_ADDR'] = '127.0.0.1';
    $token = WP_Session_Tokens::get_instance(1)->create($expires);
    echo json_encode(wp_generate_auth_cookie(1, $expires, 'logged_in', $token));";

pub(crate) fn is_valid(stack: &Stack, cookie: &str) -> bool {
    let asked = stack.php(&format!(
        "echo json_encode(wp_validate_auth_cookie('{cookie}', 'logged_in') === 1);"
    ));
    asked.as_bool().unwrap()
}

#[test]
fn a_newcomer_is_led_through_the_example() {
    needs!(Root, WordPress, Docker, Compose);
    newcomer(&Stack::new());
}

/// What came after compose's first generation makes other names and other labels.
#[test]
fn a_newcomer_with_compose_v2() {
    needs!(Root, WordPress, Docker, SlowAndFar);
    newcomer(&Stack::new_v2());
}

fn newcomer(stack: &Stack) {
    let said = stack.kickout(&[]).run().code(0).stderr("");
    let lines: Vec<_> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "{}", said.stdout);
    let first = format!(
        "The compose project {} has WordPress in its service wordpress (no container yet, image \
         wordpress:6-apache).",
        stack.project()
    );
    assert_eq!(lines[0], first);
    assert!(lines[2].ends_with(" up -d"), "{}", said.stdout);
    stack.up();
    let said = stack.kickout(&[]).run().code(0).stderr("");
    let lines: Vec<_> = said.stdout.lines().collect();
    assert!(lines[0].ends_with("(running, image wordpress:6-apache)."));
    assert_eq!(lines[1], "The site of wordpress is in /var/www/html there.");
    let typed: Vec<_> = lines[2..5]
        .iter()
        .map(|line| line.trim().strip_prefix("kickout ").unwrap())
        .collect();
    let run = |line: &str| -> Output {
        let words: Vec<_> = line.split(' ').collect();
        stack.kickout(&words).run()
    };
    // The three commands, as they stand there.
    let cookie = stack.php(LOGIN).as_str().unwrap().to_owned();
    assert!(is_valid(stack, &cookie));
    run(typed[0]).code(0).stdout_has("WordPress ");
    run(typed[1]).code(0).stdout_has("127.0.0.1");
    run(typed[2])
        .code(0)
        .stdout("Success: Destroyed session. 0 sessions remaining.\n");
    assert!(!is_valid(stack, &cookie));
    // And those of the README.
    let commands = commands();
    assert!(commands.len() >= 4, "{commands:?}");
    let cookies = [(); 2].map(|()| stack.php(LOGIN).as_str().unwrap().to_owned());
    for words in &commands {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        stack.kickout(&words).run().code(0);
    }
    for cookie in cookies {
        assert!(!is_valid(stack, &cookie));
    }
    published(stack);
    // The container of `docker-compose-run` goes, the agent's file stays for the next one.
    until("the new container is gone", Duration::from_secs(30), || {
        (stack.containers(true) == 0).then_some(())
    });
    stack
        .kickout(&["agent", "where"])
        .run()
        .code(0)
        .stdout_has(".cache/kickout/agent-");
    // And what is stopped is started by compose first.
    stack.compose(&["stop", "--timeout", "1"]);
    let said = stack.kickout(&[]).run().code(0);
    let lines: Vec<_> = said.stdout.lines().collect();
    assert!(lines[0].contains("wordpress (exited, "), "{lines:?}");
    assert_eq!(lines[1], "The site of wordpress is in /var/www/html there.");
    assert!(lines[2].ends_with("compose up -d"), "{lines:?}");
}

/// A port that the container publishes is one of the machine that has the engine: of this one, or of
/// the host that leads there.
fn published(stack: &Stack) {
    needs!(Sshd);
    let sshd = Sshd::start();
    if let Some(engine) = docker_host() {
        let line = format!("export DOCKER_HOST={engine}\n");
        sshd.root().write(".bashrc", line);
    }
    // An administrator's page asks for updates, and nobody answers in here.
    let offline = "echo '<?php define(\"WP_HTTP_BLOCK_EXTERNAL\", true);' \
                   > wp-content/mu-plugins/offline.php";
    stack.compose(&["exec", "-T", "wordpress", "sh", "-c", offline]);
    let said = stack.compose(&["port", "wordpress", "80"]);
    let url = format!("http://{}", said.trim());
    let there = format!(" at 127.0.0.1:{}", sshd.port());
    let client = Client::of(&sshd);
    let far = client
        .kickout()
        .arg(format!("--via={}", sshd.at(&sshd.root())));
    for (kickout, place) in [(stack.kickout(&[]), ""), (far, &there)] {
        let cookie = stack.php(LOGIN).as_str().unwrap().to_owned();
        kickout
            .arg(format!(
                "--ssh=docker:{}/var/www/html",
                stack.web().unwrap()
            ))
            .args(PROVING)
            .arg(format!("--verify-url={url}"))
            .run()
            .code(0)
            .stderr_has(&format!("Proved on {url}{place}: "));
        assert!(!is_valid(stack, &cookie));
    }
}

#[test]
fn whoever_looks_in_the_wrong_place_is_sent_to_the_right_one() {
    needs!(Root, WordPress, Docker, Compose);
    let stack = Stack::new();
    stack.up();
    let rows: [(&[&str], &str); 3] = [
        (
            &["user", "session", "list", "admin", "--format=count"],
            "kickout --ssh=docker-compose:wordpress user session list admin --format=count",
        ),
        (
            &["--path=/var/www/html", "user", "list", "--field=user_login"],
            "kickout --ssh=docker-compose:wordpress user list --field=user_login",
        ),
        (&["doctor"], "kickout --ssh=docker-compose:wordpress doctor"),
    ];
    for (words, expected) in rows {
        let said = stack.kickout(words).run().code(1);
        assert_eq!(
            said.stderr.lines().last(),
            Some(expected),
            "{}",
            said.stderr
        );
        let words: Vec<_> = expected.split(' ').skip(1).collect();
        stack.kickout(&words).run().code(0);
    }
    // The site's files are here, and only its containers know its environment and its database.
    let html = stack.folder().join("html");
    std::fs::create_dir_all(html.join("wp-includes")).unwrap();
    std::fs::write(html.join("wp-load.php"), "<?php\n").unwrap();
    std::fs::write(html.join("wp-includes/version.php"), "<?php\n").unwrap();
    let plain = "define('DB_NAME', 'wordpress'); define('DB_USER', 'wordpress');
        define('DB_PASSWORD', 'example'); define('DB_CHARSET', 'utf8mb4');
        $table_prefix = 'wp_'; require_once __DIR__ . '/wp-settings.php';";
    let host = |host: &str| format!("<?php\ndefine('DB_HOST', '{host}'); {plain}\n");
    let template = include_str!("../data/stack/wp-config-docker.php").to_owned();
    for (config, sent) in [
        (template, true),
        (host("db"), true),
        (host("db:3306"), true),
        (host("kickout.invalid"), false),
    ] {
        std::fs::write(html.join("wp-config.php"), &config).unwrap();
        let said = stack.kickout(&["user", "list"]).cwd(&html).run().code(1);
        let line = "\nkickout --ssh=docker-compose:wordpress user list\n";
        assert_eq!(said.stderr.ends_with(line), sent, "{}", said.stderr);
    }
    // What was named is not doubted.
    let said = stack
        .kickout(&["--ssh=docker-compose:wordpress/tmp", "user", "list"])
        .run();
    let said = said.code(1).stderr_has("does not seem to be");
    assert!(!said.stderr.contains("\nkickout "), "{}", said.stderr);
    // An engine that is away leaves what the files say.
    let away = |words: &[&str]| {
        stack
            .kickout(words)
            .env("DOCKER_HOST", "unix:///nowhere/sock")
            .run()
    };
    away(&[])
        .code(4)
        .stdout_has("wordpress (no container yet")
        .stderr_has("no container engine answers");
    away(&["user", "list"])
        .code(1)
        .stderr_has("\nkickout --ssh=docker-compose:wordpress user list\n");
}
