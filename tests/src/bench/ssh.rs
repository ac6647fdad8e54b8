//! One user of one site on one host over ssh, beside OpenSSH's own client on the same server.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kickout_tests::{Binaries, MariaDb};

use crate::clock::{Contender, Table, millis, timed, timed_reading};
use crate::jobs::sessions;
use crate::operator::Operator;

/// The rows, and what follows from them about the upload.
pub(crate) fn measure(table: &mut Table, samples: usize) -> String {
    let operator = Operator::of(1);
    let site = operator.site(&MariaDb::shared());
    let three = sessions(3);
    let agent = &Binaries::release().agent;
    let there = format!("--ssh={}{}", operator.at(0), site.root().display());
    let destroy = || operator.kickout(&there);
    let ended = |mut command: Command| {
        site.set_raw(1, &three);
        let took = timed(&mut command);
        assert!(site.raw_rows(1).is_empty(), "{command:?} ended nothing");
        took
    };
    // The agent is there.
    ended(destroy());
    let logins = operator.logins();
    let warm = table.compare(
        "destroy all sessions of one user over ssh",
        samples,
        vec![
            ("kickout", Box::new(|| ended(destroy()))),
            (
                "`ssh host true`",
                Box::new(|| timed(&mut operator.ssh("true"))),
            ),
        ],
    );
    assert_eq!(
        operator.logins() - logins,
        2 * samples,
        "not every sample logged in"
    );
    let copy = || {
        let mut scp = operator.program(Path::new("scp"));
        scp.arg("-F").arg(operator.config()).args(["-q"]);
        scp.arg(agent).arg("h0:copy");
        let took = timed(&mut scp);
        arrived(&operator, agent);
        took
    };
    let cat = || {
        let mut ssh = operator.ssh("cat > copy");
        let took = timed_reading(&mut ssh, agent);
        arrived(&operator, agent);
        took
    };
    let all: Vec<Contender<'_>> = vec![
        (
            "kickout",
            Box::new(|| {
                operator.forget();
                ended(destroy())
            }),
        ),
        ("`scp` of the agent", Box::new(copy)),
        ("`ssh host 'cat > f'` of the agent", Box::new(cat)),
    ];
    let cold = table.compare("the same at the first contact", samples.div_ceil(2), all);
    let size = fs::metadata(agent).unwrap().len() as f64 / 1e6;
    let alone = |first: Duration, then: Duration| {
        let took = first.saturating_sub(then);
        format!("{} ({:.0} MB/s)", millis(took), size / took.as_secs_f64())
    };
    format!(
        "The way of the agent ({size:.2} MB) to a host, without the login: kickout {}, `scp` {}, \
         `cat` {}.\n",
        alone(cold[0], warm[0]),
        alone(cold[1], warm[1]),
        alone(cold[2], warm[1]),
    )
}

/// Looks at what was copied, and removes it.
fn arrived(operator: &Operator, agent: &Path) {
    let copy = operator.account().home().join("copy");
    let sizes = [agent, &copy].map(|it| fs::metadata(it).unwrap().len());
    assert_eq!(sizes[0], sizes[1], "the copy is not whole");
    fs::remove_file(copy).unwrap();
}
