//! Where Kickout does something else on purpose: the case, the number in `docs/wp-cli-differences.md`,
//! the reason, and what it does instead.

/// One case that is not matched.
pub(super) struct Difference {
    pub(super) case: &'static str,
    /// Which of the numbered differences.
    pub(super) number: u8,
    pub(super) why: &'static str,
    pub(super) code: i32,
    pub(super) stdout: Text,
    pub(super) stderr: Text,
    pub(super) left: Left,
}

/// What one stream says.
#[derive(Debug)]
pub(super) enum Text {
    /// The same as WP-CLI's.
    AsWpCli,
    /// Exactly this.
    Is(&'static str),
    /// All of these parts.
    Has(&'static [&'static str]),
    /// So many lines.
    Lines(usize),
}

/// Which sessions are left.
pub(super) enum Left {
    /// The same as after WP-CLI.
    AsWpCli,
    /// These, each key named by the letter it repeats.
    Keys(&'static str),
}

use Left::{AsWpCli as SameLeft, Keys};
use Text::{AsWpCli, Has, Is, Lines};

/// A difference that leaves the same sessions as WP-CLI.
const fn said(
    number: u8,
    case: &'static str,
    why: &'static str,
    code: i32,
    stdout: Text,
    stderr: Text,
) -> Difference {
    Difference {
        case,
        number,
        why,
        code,
        stdout,
        stderr,
        left: SameLeft,
    }
}

/// A usage error: exit 2, the reason and the usage on stderr, nothing on stdout, nothing done.
const fn usage(
    case: &'static str,
    why: &'static str,
    stderr: &'static [&'static str],
) -> Difference {
    said(5, case, why, 2, Is(""), Has(stderr))
}

const NOTHING: &str = "nothing to do is not an error";
const STRICT: &str = "usage errors are 2, and say so on stderr";
const VALUES: &str = "flags take true/yes/1 and false/no/0; the last one wins";

pub(super) const ALL: &[Difference] = &[
    // 2: nothing to destroy.
    said(2, "destroy-none-default", NOTHING, 0, AsWpCli, Is("")),
    said(2, "destroy-none-quiet", NOTHING, 0, Is(""), Is("")),
    said(2, "destroy-expired-only", NOTHING, 0, AsWpCli, Is("")),
    said(
        2,
        "destroy-string-meta",
        NOTHING,
        0,
        AsWpCli,
        Has(&["Warning:", "corrupt"]),
    ),
    // 3: with --all every positional is a user.
    Difference {
        left: Keys(""),
        ..said(
            3,
            "destroy-two-users-and-all",
            "with --all every positional is a user",
            0,
            Is("Success: Destroyed all sessions.\nSuccess: Destroyed all sessions.\n"),
            Is(""),
        )
    },
    Difference {
        left: Keys("cab"),
        ..said(
            3,
            "destroy-zero-and-all",
            "with --all every positional is a user, and no user is called 0",
            1,
            Is(""),
            Is("Error: Invalid user ID, email or login: '0'\n"),
        )
    },
    said(
        3,
        "destroy-unknown-user-before-conflict",
        "with --all every positional is a user, and every unknown one is named",
        1,
        Is(""),
        Is(
            "Error: Invalid user ID, email or login: 'nobody'\nError: Invalid user ID, email or \
            login: 'tok'\n",
        ),
    ),
    // 4: what a token may be.
    Difference {
        left: Keys("cab"),
        ..said(
            4,
            "destroy-token-empty-string",
            "not `the last one`",
            2,
            Is(""),
            Has(&["Error:"]),
        )
    },
    Difference {
        left: Keys("cab"),
        ..said(
            4,
            "destroy-token-zero",
            "not `the last one`",
            2,
            Is(""),
            Has(&["Error:"]),
        )
    },
    // 5: strict flags and usage errors.
    Difference {
        left: Keys("cab"),
        ..usage("destroy-all-eq-empty", VALUES, &["Error:", "--all"])
    },
    Difference {
        left: Keys("ca"),
        ..said(
            5,
            "destroy-all-eq-0-twice",
            VALUES,
            0,
            Is("Success: Destroyed session. 2 sessions remaining.\n"),
            Is(""),
        )
    },
    Difference {
        left: Keys("ca"),
        ..said(
            5,
            "destroy-all-eq-no",
            VALUES,
            0,
            Is("Success: Destroyed session. 2 sessions remaining.\n"),
            Is(""),
        )
    },
    usage(
        "destroy-too-many",
        STRICT,
        &[
            "Error: Too many positional arguments: b c\n",
            "usage: kickout user session destroy",
        ],
    ),
    usage(
        "destroy-flag-suggestion",
        STRICT,
        &["Error: Parameter errors:\n unknown --al parameter\nDid you mean '--all'?\n"],
    ),
    usage(
        "destroy-all-without-user",
        STRICT,
        &["usage: kickout user session destroy <user> [<token>]"],
    ),
    said(
        5,
        "prompt-positional-not-promptable",
        STRICT,
        2,
        Is("kickout user session list  \n"),
        Has(&["usage: kickout user session list <user>"]),
    ),
    usage(
        "session-usage",
        STRICT,
        &[
            "usage: kickout user session destroy <user>",
            "kickout user session list <user>",
        ],
    ),
    usage(
        "user-no-value",
        "--user needs a value",
        &["Error: The --user parameter needs a value.\n"],
    ),
    usage(
        "user-empty",
        "--user needs a value",
        &["Error: The --user parameter needs a value.\n"],
    ),
    said(
        5,
        "blog-deprecated",
        "a deprecation is a warning like any other",
        0,
        AsWpCli,
        Is("Warning: The --blog global parameter is deprecated. Use --url instead.\n"),
    ),
    said(
        5,
        "version",
        "Kickout's own version",
        0,
        Has(&["kickout 0."]),
        Is(""),
    ),
    usage(
        "list-no-args",
        STRICT,
        &["usage: kickout user session list <user>"],
    ),
    usage(
        "list-format-CSV",
        STRICT,
        &["Invalid value specified for 'format'"],
    ),
    usage(
        "list-format-two",
        STRICT,
        &["Error: Invalid format: csv,json\n"],
    ),
    usage(
        "list-format-empty",
        STRICT,
        &["Invalid value specified for 'format'"],
    ),
    usage(
        "list-ids-flag",
        STRICT,
        &["Error: Parameter errors:\n unknown --ids parameter\n"],
    ),
    usage(
        "path-no-value",
        STRICT,
        &["Error: The --path parameter cannot be empty when provided.\n"],
    ),
    said(
        5,
        "strict-ssh-after-command",
        "globals are known anywhere, and no host is called foo",
        4,
        Is(""),
        Has(&["Error:", "foo:22"]),
    ),
    // 6: listing.
    said(
        6,
        "list-field-unsupported",
        "--field gives one column without a header",
        0,
        Lines(3),
        Is(""),
    ),
    said(
        6,
        "list-extra-positional",
        "list takes several users",
        1,
        Is(""),
        Is("Error: Invalid user ID, email or login: 'x'\n"),
    ),
    said(
        6,
        "list-fields-dup",
        "every row has as many cells as the header",
        0,
        Is("ip,ip\n1.1.1.1,1.1.1.1\n2.2.2.2,2.2.2.2\n3.3.3.3,3.3.3.3\n"),
        Is(""),
    ),
    said(
        6,
        "list-ua-long3000-csv",
        "no cell is cut",
        0,
        Has(&["xxx\n"]),
        Is(""),
    ),
    said(
        6,
        "list-ua-cr-yaml",
        "YAML is valid YAML",
        0,
        Has(&[r#"ua: "\rx""#]),
        Is(""),
    ),
    said(
        6,
        "list-ua-quotes-yaml",
        "Spyc's block adds a newline to the data",
        0,
        Has(&[r#"ua: "say \"hi\", it's \\ 100% / <b>""#]),
        Is(""),
    ),
    said(
        6,
        "list-string_meta",
        "corrupt data is named, not passed over",
        0,
        AsWpCli,
        Has(&["Warning: The session data of user 1 (admin) is corrupt"]),
    ),
    // 7: what a terminal would obey.
    said(
        7,
        "list-ua-escape-table",
        "control characters are shown, not sent",
        0,
        Is("ip\tua\n10.0.0.1\tx\\x1b[31mred\\x07\\x00y\n"),
        Is(""),
    ),
    said(
        7,
        "list-ua-escape-yaml",
        "YAML is valid YAML",
        0,
        Has(&[r#"ua: "x\x1b[31mred\x07\x00y""#]),
        Is(""),
    ),
    said(
        7,
        "color-tty-NO_COLOR-ignored",
        "NO_COLOR is honoured",
        1,
        Is("Error: Invalid user ID, email or login: 'nobody'\r\n"),
        Is(""),
    ),
    // 11: prompts and --require.
    Difference {
        left: Keys("cab"),
        ..said(
            11,
            "prompt-destroy-eof-after-user",
            "end of input aborts and changes nothing",
            7,
            Is(""),
            Has(&["Error: The input ended"]),
        )
    },
    said(
        11,
        "prompt-destroy-eof",
        "end of input aborts and changes nothing",
        7,
        Is(""),
        Has(&["Error: The input ended"]),
    ),
    said(
        11,
        "require-order",
        "what loaded code prints is no part of the answer",
        0,
        Is("ip\n9.9.9.9\n"),
        Is(""),
    ),
    said(
        11,
        "require-dup",
        "what loaded code prints is no part of the answer",
        0,
        Is("ip\n9.9.9.9\n"),
        Is(""),
    ),
    said(
        11,
        "require-missing",
        "an error names its thing and its fix",
        1,
        AsWpCli,
        Has(&["Error: Required file 'nope.php' doesn't exist."]),
    ),
    // 12: --http is the bridge.
    said(
        12,
        "http-not-installed",
        "--http means the bridge, and plain http is for loopback only",
        2,
        Is(""),
        Has(&["Error: Invalid HTTP address 'http://x.test'"]),
    ),
    said(
        12,
        "http-beats-ssh",
        "one way to a site, not two",
        2,
        Is(""),
        Has(&["Error: The command line names both ssh and http."]),
    ),
    said(
        12,
        "no-http",
        "--http means the bridge",
        2,
        Is(""),
        Has(&["Error:"]),
    ),
];
