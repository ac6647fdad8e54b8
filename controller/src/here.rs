//! What the current folder has of WordPress, for an operator who named nothing: what `kickout` alone
//! says, and where a command that found no site would find one. Contacts the container engine only.

use std::path::Path;
use std::time::Duration;

use kickout_shared::event::Missing;

use crate::cli::{self, Words};
use crate::error::Error;
use crate::exit::Exit;
use crate::render::Screen;
use crate::sweep::runtime;
use crate::transport::docker::{self, Service, Sight};
use crate::transport::{Around, OpenError, compose_run};

/// How long an error may wait for what would end it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says what is seen here and what to type next; `None` when there is nothing to see.
pub(crate) fn greet(around: &Around, screen: &mut Screen) -> Result<Option<Exit>, Error> {
    let runtime = runtime()?;
    let own = root(&around.cwd);
    let sight = match runtime.block_on(docker::look(around)) {
        Err(_) if own.is_some() => None,
        sight => sight.map_err(OpenError::from)?,
    };
    let (lines, commands, trouble) = match (sight, own) {
        (Some(sight), _) if !sight.services.is_empty() => {
            let up = runtime.block_on(compose_run::called(around));
            let commands = next(&sight.services[0], &up);
            (seen(&sight), commands, sight.silent)
        }
        (_, Some(root)) => {
            let root = root.display();
            let lines = vec![
                format!("This folder belongs to the WordPress in {root},"),
                "which is worked on right here, on this host.".to_owned(),
            ];
            (lines, commands("kickout"), None)
        }
        (Some(sight), None) if sight.silent.is_some() && sight.built => {
            let line = format!(
                "The compose project {}: none of its files names a WordPress image.",
                sight.project
            );
            (vec![line], Vec::new(), sight.silent)
        }
        (Some(sight), None) => (nothing(&sight), Vec::new(), None),
        (None, None) => return Ok(None),
    };
    for line in lines {
        screen.line(screen.lines.info(line));
    }
    if let Some(error) = trouble {
        return Err(OpenError::from(error).into());
    }
    let commands = commands.iter().map(|line| format!("  {line}"));
    let more = "More: kickout help".to_owned();
    for line in commands.chain([more]) {
        screen.line(screen.lines.info(line));
    }
    Ok(Some(Exit::Done))
}

/// The two lines about a project with WordPress in it.
fn seen(sight: &Sight) -> Vec<String> {
    let services: Vec<_> = sight.services.iter().map(described).collect();
    let first = &sight.services[0];
    let site = match &first.site {
        Some(site) => format!("The site of {} is in {} there.", first.name, site.path),
        None if sight.silent.is_some() || first.state.is_empty() => {
            format!(
                "Where the site of {} is, its containers will tell.",
                first.name
            )
        }
        None => format!(
            "No site was found in {} yet: give its folder, as in {}/path/to/wordpress.",
            first.name,
            first.connection()
        ),
    };
    let (project, services) = (&sight.project, services.join("; "));
    let noun = if sight.services.len() == 1 {
        "service"
    } else {
        "services"
    };
    vec![
        format!("The compose project {project} has WordPress in its {noun} {services}."),
        site,
    ]
}

/// `wordpress (running, 2 containers, image wordpress:6)`
fn described(service: &Service) -> String {
    let mut facts = Vec::new();
    match (service.running, service.state.as_str()) {
        (0, "") => facts.push("no container yet".to_owned()),
        (0, state) => facts.push(state.to_owned()),
        (1, state) => facts.push(state.to_owned()),
        (count, state) => facts.push(format!("{state}, {count} containers")),
    }
    if !service.image.is_empty() {
        facts.push(format!("image {}", service.image));
    }
    format!("{} ({})", service.name, facts.join(", "))
}

/// The commands worth typing next; `up` is how compose is called.
fn next(service: &Service, up: &str) -> Vec<String> {
    let there = format!("kickout --ssh={}", cli::quoted(&service.connection()));
    let mut commands = commands(&there);
    let first = match service.state.as_str() {
        _ if service.running > 0 => return commands,
        "paused" => format!("{up} unpause {}", service.name),
        _ => format!("{up} up -d"),
    };
    commands.pop();
    commands.insert(0, first);
    commands
}

fn commands(kickout: &str) -> Vec<String> {
    let words = [
        "doctor",
        "user session list admin",
        "user session destroy admin",
    ];
    words.map(|words| format!("{kickout} {words}")).to_vec()
}

/// A project without WordPress.
fn nothing(sight: &Sight) -> Vec<String> {
    let names = match sight.names.as_slice() {
        [] => "it has none".to_owned(),
        names => names.join(", "),
    };
    vec![
        format!(
            "None of the services of the compose project {} looks like WordPress ({names}).",
            sight.project
        ),
        "One that holds a site all the same is reached with \
         --ssh=docker-compose:<service>/path/to/wordpress"
            .to_owned(),
    ]
}

/// Ends an error with the command that would find what is missing here, when the compose project of
/// this folder has it.
pub(crate) fn send_on(
    around: &Around,
    missing: &Missing,
    words: &Words,
    screen: &mut Screen,
) -> Result<(), Error> {
    let look = async {
        (
            docker::look(around).await,
            compose_run::called(around).await,
        )
    };
    let looked = async { tokio::time::timeout(PATIENCE, look).await };
    let looked = runtime()?.block_on(looked);
    // The error stands as it is when nothing better is known.
    if let Ok((Ok(Some(sight)), compose)) = looked
        && let Some(text) = way(&sight, missing, words, &compose)
    {
        screen.line(Some(screen.lines.beneath(text)));
    }
    Ok(())
}

fn way(sight: &Sight, missing: &Missing, words: &Words, compose: &str) -> Option<String> {
    let service = sight.services.first()?;
    let project = &sight.project;
    let mut text = match missing {
        Missing::Host(host) if !sight.names.contains(host) => return None,
        Missing::Host(host) => format!(
            "{host} is a service of the compose project {project}, and only its containers know \
             the name."
        ),
        Missing::Site | Missing::Environment => format!(
            "The compose project {project} has WordPress in its service {}.",
            service.name
        ),
    };
    if service.running == 0 && sight.silent.is_none() {
        text.push_str(&format!(" It does not run: `{compose} up -d` first."));
    }
    let found = service.site.is_some();
    let line = cli::elsewhere(words, &service.connection(), found)?;
    Some(format!("{text}\n{line}"))
}

/// The root of the WordPress that a folder belongs to: the nearest one upward.
fn root(folder: &Path) -> Option<&Path> {
    folder
        .ancestors()
        .find(|it| it.join("wp-load.php").is_file())
}

#[cfg(test)]
#[path = "here_tests.rs"]
mod tests;
