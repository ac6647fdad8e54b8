//! `--ssh-args`: what is taken, what is refused, and what OpenSSH would be given.

use super::*;

fn parse(values: &[&str]) -> Result<SshArgs, SshArgsError> {
    let values: Vec<String> = values.iter().map(|it| (*it).to_owned()).collect();
    SshArgs::parse(&values)
}

#[test]
fn what_has_a_meaning() {
    let table: [(&[&str], &str); 19] = [
        (&[], ""),
        (&["-p 2222"], r#"port="2222""#),
        (&["-p2222"], r#"port="2222""#),
        (&["-p", "2222"], r#"port="2222""#),
        (&["-o Port=1", "-oPort=2"], r#"port="1" port="2""#),
        (&["-o 'User bob'"], r#"user="bob""#),
        (&["-o 'User = bob'"], r#"user="bob""#),
        (
            &["-l bob -i ~/.ssh/x"],
            r#"user="bob" identityfile="~/.ssh/x""#,
        ),
        (&["-i 'a b'"], r#"identityfile="a b""#),
        (&["-i a\\ b"], r#"identityfile="a b""#),
        (&["-J a@b:22,c"], "proxyjump=a@b:22,c"),
        (&["-4 -6"], r#"addressfamily="inet" addressfamily="inet6""#),
        (&["-4Cqp22"], r#"addressfamily="inet" port="22""#),
        (&["-C -q -vvv -v -t -T -tt -a -x -n"], ""),
        (
            &["-o StrictHostKeyChecking=accept-new"],
            r#"stricthostkeychecking="accept-new""#,
        ),
        (
            &["-o 'UserKnownHostsFile=/a \"/b c\"'"],
            r#"userknownhostsfile="/a" "/b c""#,
        ),
        (
            &["-o 'ProxyCommand=ssh -W %h:%p \"x\" | y'"],
            r#"proxycommand=ssh -W %h:%p "x" | y"#,
        ),
        (
            &["-o ServerAliveInterval=5", "-o ConnectTimeout=1m"],
            r#"serveraliveinterval="5" connecttimeout="1m""#,
        ),
        (
            &["-o HostName=%h.x -o HostKeyAlias=k"],
            r#"hostname="%h.x" hostkeyalias="k""#,
        ),
    ];
    for (values, expected) in table {
        let args = parse(values).unwrap_or_else(|error| panic!("{values:?}: {error}"));
        assert_eq!(
            args.options().collect::<Vec<_>>().join(" "),
            expected,
            "{values:?}"
        );
    }
    let args = parse(&["-F '/a b' -F other"]).unwrap();
    assert_eq!(args.config(), Some(Path::new("/a b")));
}

#[test]
fn what_is_refused() {
    let table = [
        ("-L 1:h:2", "no meaning"),
        ("-D 1080", "no meaning"),
        ("-W h:1", "no meaning"),
        ("-A", "no meaning"),
        ("-G", "no meaning"),
        ("--", "no meaning"),
        ("-", "no meaning"),
        ("host", "no meaning"),
        ("-o LocalCommand=x", "localcommand"),
        ("-o PermitLocalCommand=yes", "permitlocalcommand"),
        ("-o KnownHostsCommand=x", "knownhostscommand"),
        ("-o Include=x", "include"),
        ("-o Match=exec", "match"),
        ("-o Port", "needs a value"),
        ("-o Port=", "needs a value"),
        ("-p", "needs a value"),
        ("-p 0", "port"),
        ("-p 22x", "port"),
        ("-l -oProxyCommand=x", "user"),
        ("-l a;b", "shell"),
        ("-l 'a;b'", "user"),
        ("-J -oProxyCommand=x", "proxyjump"),
        ("-J 'a,-b'", "proxyjump"),
        ("-i -x", "key"),
        ("-F -x", "ssh_config"),
        ("-o HostName=-x", "host"),
        ("-o HostName=a\\`b", "shell"),
        ("-o IdentityFile='a\"b'", "open quote"),
        ("-i 'a\"b'", "quotes"),
        ("-o BatchMode=perhaps", "yes or no"),
        ("-o StrictHostKeyChecking=never", "accept-new"),
        ("-o ConnectTimeout=-1", "time"),
        ("-o HostKeyAlias=*", "name"),
        ("-o 'User=a b'", "one word"),
        ("-o 'IdentityFile=/a b'", "one word"),
        ("$(touch x)", "shell"),
        ("`touch x`", "shell"),
        ("-i $HOME/x", "shell"),
        ("-q; touch x", "shell"),
        ("-q > x", "shell"),
        ("-q 'x", "open quote"),
        ("-q \\", "backslash"),
        ("-q\ntouch", "shell"),
    ];
    for (value, expected) in table {
        let error = parse(&[value]).unwrap_err();
        assert!(error.to_string().contains(expected), "{value}: {error}");
        assert!(!error.fix().is_empty());
    }
    assert_eq!(parse(&["-q"; 257]), Err(SshArgsError::Many));
}

#[test]
fn what_is_escaped_is_one_word_again() {
    for text in [
        "/a/b.pub",
        "~/my keys/id",
        "a;b$c`d",
        "it's",
        "日本 x",
        "#|&()<>*",
    ] {
        let mut words = Vec::new();
        split(&escaped(text), &mut words).unwrap();
        assert_eq!(words, [text]);
    }
}
