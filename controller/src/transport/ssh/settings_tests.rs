//! The settings of a host, with the real `ssh -G` beside us.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::*;
use crate::target::{Host, Port, User};
use crate::transport::ssh::args::SshArgs;
use tempfile::TempDir;

/// A home of its own, with what surrounds it.
pub(in crate::transport::ssh) struct Home {
    folder: TempDir,
    pub(in crate::transport::ssh) around: Around,
}

impl Home {
    pub(in crate::transport::ssh) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".ssh")).unwrap();
        let here = Around::here();
        let around = Around {
            home: folder.path().to_owned(),
            path: "/usr/bin:/bin".into(),
            system_config: folder.path().join("ssh_config"),
            var: Box::new(|name| match name {
                "SSH_AUTH_SOCK" => Some("/run/agent".to_owned()),
                "OTHER" => Some("/run/other".to_owned()),
                _ => None,
            }),
            ..here
        };
        Self { folder, around }
    }

    pub(in crate::transport::ssh) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        // OpenSSH refuses a configuration that others may write to.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(in crate::transport::ssh) fn without_ssh(mut self) -> Self {
        self.around.path = "".into();
        self
    }

    pub(in crate::transport::ssh) async fn ask(
        &self,
        host: &str,
        config: Option<&Path>,
        args: &[&str],
    ) -> Result<Settings, SettingsError> {
        let args: Vec<String> = args.iter().map(|it| (*it).to_owned()).collect();
        let asked = Asked {
            host: &Host::new(host).unwrap(),
            user: None,
            port: None,
            config,
            args: &SshArgs::parse(&args).unwrap(),
        };
        resolve(asked, &self.around).await
    }
}

/// Everything there is to set, with other values than the defaults.
const EVERYTHING: &str = r#"
Host Web
    HostName %h.Example.com
    User bob
    Port 2222
    HostKeyAlias web-alias
    UserKnownHostsFile ~/known "~/known two"
    GlobalKnownHostsFile none
    IdentityFile ~/.ssh/%r@%n_key
    IdentityFile "~/.ssh/a b"
    IdentityFile ${OTHER}/%%x
    CertificateFile ~/.ssh/cert.pub
    IdentityAgent $OTHER
    IdentitiesOnly yes
    ProxyCommand connect --to "%h:%p" --as %r | tee %%x
    StrictHostKeyChecking accept-new
    PreferredAuthentications gssapi-with-mic,password,publickey
    BatchMode yes
    ConnectTimeout 1m10s
    ServerAliveInterval 7
    ServerAliveCountMax 2
    AddressFamily inet6
Host jumped
    ProxyJump a@b:22,[::1]:23
    IdentityAgent none
    IdentityFile none
    PasswordAuthentication no
Match host wild exec "true"
    User matched
    StrictHostKeyChecking no
"#;

#[tokio::test]
async fn everything_that_openssh_says_arrives() {
    let home = Home::new();
    let config = home.write(".ssh/config", EVERYTHING);
    // As `-F`, and as the operator's own although OpenSSH would look in another home.
    for config in [Some(config.as_path()), None] {
        let at = |path: &str| home.folder.path().join(path);
        let web = home.ask("Web", config, &[]).await.unwrap();
        let command = r#"connect --to "web.example.com:2222" --as bob | tee %x"#;
        let expected = Settings {
            host_name: Host::new("web.example.com").unwrap(),
            port: Port::new("2222").unwrap(),
            user: User::new("bob").unwrap(),
            host_key_alias: Some("web-alias".to_owned()),
            known_hosts: vec![at("known"), at("known two")],
            own_known_hosts: 2,
            identity_files: vec![
                at(".ssh/bob@Web_key"),
                at(".ssh/a b"),
                "/run/other/%x".into(),
            ],
            certificate_files: vec![at(".ssh/cert.pub")],
            identity_agent: IdentityAgent::Path("/run/other".into()),
            identities_only: true,
            proxy_jump: None,
            proxy_command: Some(ProxyCommand(command.to_owned())),
            strict: Strict::AcceptNew,
            family: Family::V6,
            methods: vec![Method::Password, Method::PublicKey],
            batch: true,
            connect_timeout: Some(Duration::from_secs(70)),
            alive_interval: Some(Duration::from_secs(7)),
            alive_count: Some(2),
            warnings: Vec::new(),
        };
        assert_eq!(web, expected);

        let jumped = home.ask("jumped", config, &["-p 5"]).await.unwrap();
        assert_eq!(jumped.proxy_jump.unwrap().to_string(), "a@b:22,[::1]:23");
        assert_eq!(jumped.port.get(), 5);
        assert_eq!(jumped.identity_agent, IdentityAgent::None);
        assert_eq!(jumped.identity_files, Vec::<PathBuf>::new());
        assert_eq!(
            jumped.methods,
            [Method::PublicKey, Method::KeyboardInteractive]
        );

        let wild = home.ask("wild", config, &[]).await.unwrap();
        assert_eq!(
            (wild.user.as_str(), wild.strict),
            ("matched", Strict::NoIgnored)
        );
        assert!(wild.warnings[0].contains("StrictHostKeyChecking no is ignored for wild"));
    }
}

#[tokio::test]
async fn the_defaults_are_those_of_openssh() {
    let home = Home::new();
    // A setting that changes nothing and makes us ask.
    let asking = home.write("asking", "TCPKeepAlive yes\nCiphers +aes128-cbc\n");
    let args: [&[&str]; 8] = [
        &[],
        &["-p 2222 -l bob -4"],
        &["-o ProxyJump=none -o ProxyCommand=x"],
        &["-o ProxyCommand='a %h' -J b"],
        &["-J a,b -o ProxyCommand=x"],
        &["-o ProxyCommand=none -J a"],
        &["-J none -J a"],
        &[
            "-o HostName=%h -o IdentityFile=~/k -i '/a b' -o 'UserKnownHostsFile=/x \"/y z\"' \
           -o ConnectTimeout=1m -o StrictHostKeyChecking=no -o IdentityAgent=none",
        ],
    ];
    for host in ["Example.com", "::1", "10.0.0.1"] {
        for args in args {
            let ours = home.ask(host, Some(Path::new("none")), args).await.unwrap();
            let mut theirs = home.ask(host, Some(&asking), args).await.unwrap();
            // OpenSSH prints its defaults, we leave them to the connection.
            assert_eq!(theirs.alive_count.take(), Some(3));
            assert_eq!(ours, theirs, "{host} {args:?}");
        }
    }
}

#[tokio::test]
async fn what_was_asked_for_comes_first() {
    let home = Home::new();
    home.write(".ssh/config", "User config\nPort 1\n");
    for home in [Home::new(), home] {
        let asked = Asked {
            host: &Host::new("h").unwrap(),
            user: Some(&User::new("asked").unwrap()),
            port: Some(Port::new("4").unwrap()),
            config: None,
            args: &SshArgs::parse(&["-p 3 -l args".to_owned()]).unwrap(),
        };
        let found = resolve(asked, &home.around).await.unwrap();
        assert_eq!((found.user.as_str(), found.port.get()), ("asked", 4));
    }
}

#[tokio::test]
async fn openssh_is_not_asked_for_nothing() {
    let home = Home::new();
    let file = home.write("ssh", "#!/bin/sh\necho user asked\necho port 22\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let around = |path: PathBuf| Around {
        path: path.into(),
        ..Home::new().around
    };
    let mut home = home;
    home.around = Around {
        home: home.folder.path().to_owned(),
        system_config: home.folder.path().join("ssh_config"),
        ..around(home.folder.path().to_owned())
    };
    let folder = home.folder.path().to_str().unwrap().to_owned();
    fs::create_dir(home.folder.path().join("d")).unwrap();
    home.write("d/silent.conf", "Host *\n  SendEnv LANG\n");
    let table = [
        ("", "", false),
        ("# nothing\n\nHost *\n", "", false),
        (
            "",
            "Include DIR/d/*.conf\nHost *\n SendEnv LANG LC_*\n HashKnownHosts yes\n",
            false,
        ),
        ("Host *.x\n ControlMaster auto\n", "", false),
        ("User x\n", "", true),
        ("Match all\n", "", true),
        ("", "Host *\n StrictHostKeyChecking no\n", true),
        ("", "Include d/*.conf\n", true),
        ("", "Include DIR/d/[a-z]*.conf\n", true),
    ];
    for (own, system, expected) in table {
        home.write(".ssh/config", own);
        home.write("ssh_config", &system.replace("DIR", &folder));
        let found = home.ask("h", None, &[]).await.unwrap();
        assert_eq!(
            found.user.as_str() == "asked",
            expected,
            "{own:?} {system:?}"
        );
    }
    home.write("d/loud.conf", "User x\n");
    home.write("ssh_config", &format!("Include {folder}/d/*.conf\n"));
    home.write(".ssh/config", "");
    assert_eq!(
        home.ask("h", None, &[]).await.unwrap().user.as_str(),
        "asked"
    );
}

#[tokio::test]
async fn values_of_a_configuration_are_refused_before_anything_runs() {
    let table = [
        ("HostName -oProxyCommand=x", "hostname"),
        ("HostName a;b", "hostname"),
        ("HostName $(x)", "hostname"),
        ("User a$USER", "user"),
        ("User \"a b\"", "user"),
        ("User -x", "user"),
        ("ProxyCommand x %q", "%q"),
        ("HostKeyAlias a;b\nProxyCommand x %k", "HostKeyAlias"),
        ("HostKeyAlias *", "hostkeyalias"),
        ("IdentityFile ~bob/x", "~bob"),
        ("IdentityFile ${MISSING}/x", "MISSING"),
        ("RevokedHostKeys /x", "RevokedHostKeys"),
        ("ProxyUseFdpass yes", "ProxyUseFdpass"),
        ("Nonsense x", "-G h failed"),
    ];
    for (config, expected) in table {
        let home = Home::new();
        let config = home.write("config", &format!("{config}\n"));
        let error = home.ask("h", Some(&config), &[]).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.fix().is_empty());
    }
    let home = Home::new();
    let missing = home.folder.path().join("missing");
    assert!(home.ask("h", Some(&missing), &[]).await.is_err());
    assert!(
        home.without_ssh()
            .ask("h", Some(&missing), &[])
            .await
            .is_err()
    );
}
