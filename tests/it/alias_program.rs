//! The aliases of WP-CLI through the program itself: what it is after is what the inventory says.

use kickout::target::Target;
use kickout_tests::{Kickout, Scratch, Space, needs};

use crate::alias::{cases, inventory, words};

/// The program itself goes where the inventory says, on a machine with no network and no WordPress:
/// whom it did not reach, and where it found nothing, is what it was after.
#[test]
fn the_program_goes_where_the_inventory_says() {
    needs!(Spaces);
    let alone = Space::new();
    for case in cases() {
        let asked = words(&case);
        if asked.command.first().is_some_and(|word| word == "cli") {
            continue;
        }
        let id = case["id"].as_str().unwrap();
        let home = Scratch::new("alias");
        for folder in ["s1", "s2"] {
            home.write(format!("{folder}/index.html"), "");
        }
        // The cases' places, on a real disk.
        let cfg = home.join("cfg").display().to_string();
        let real = |text: &str| text.replace("/cfg", &cfg);
        let input = &case["input"];
        let config = input["config_files"]["wp-cli.yml"].as_str().unwrap_or("");
        home.write("cfg/wp-cli.yml", config);
        // The configuration of ssh that some of them name.
        home.write("cfg/cfgf", "");
        if let Some(text) = input["home_config"].as_str() {
            home.write("home/.wp-cli/config.yml", text);
        }
        let mut run = Kickout::new().within(&alone);
        for (name, value) in input["env"].as_object().into_iter().flatten() {
            run = run.env(name, real(value.as_str().unwrap()));
        }
        let run = run
            .env("HOME", home.join("home"))
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .cwd(home.join("cfg"))
            .args(&asked.before)
            .args(asked.command.first().filter(|word| word.starts_with('@')))
            .args(["user", "session", "list", "admin", "--format=count"])
            .args(&asked.behind)
            .run();
        // No alias, but a command that there is not.
        if asked.command[0].starts_with('@') {
            let said = format!("Error: '{} user ", asked.command[0]);
            let met = run.code == Some(2) && run.stderr.starts_with(&said);
            run.check(met, id);
            continue;
        }
        let found = inventory(&case).and_then(|it| it.resolve(asked.selection(), &asked.cli));
        let sites = match found {
            Ok(sites) => sites,
            Err(error) => {
                let said = real(&format!("Error: {error}"));
                let met = run.code == Some(2) && run.stdout.is_empty();
                let met = met && run.stderr.starts_with(&said);
                run.check(met, &format!("{id}: {said}"));
                continue;
            }
        };
        let mut rest = run.stderr.as_str();
        for site in &sites {
            let said = match (&site.target, &site.path) {
                (Target::Local, Some(path)) => real(&format!("used path is: {path}/")),
                (Target::Local, None) => real("used path is: /cfg/"),
                (Target::Ssh(ssh), _) => {
                    let hop = ssh.jump.as_ref().and_then(|jump| jump.hops().first());
                    let (host, port) =
                        hop.map_or((&ssh.host, &ssh.port), |it| (&it.host, &it.port));
                    let port = port.as_ref().map_or("22".to_owned(), ToString::to_string);
                    format!("cannot connect to {host}:{port}: ")
                }
                (Target::Docker(_), _) => "/nowhere/docker.sock".to_owned(),
                (other, _) => format!("{other}"),
            };
            match rest.split_once(&said) {
                Some((_, behind)) => rest = behind,
                None => {
                    run.check(false, &format!("{id}: {said:?} in its place"));
                    break;
                }
            }
        }
    }
}
