//! Known hosts against real files and certificates of `ssh-keygen`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;
use tempfile::TempDir;

/// A folder with keys of `ssh-keygen`.
pub(super) struct Keys(TempDir);

impl Keys {
    pub(super) fn new(names: &[&str]) -> Self {
        let keys = Self(tempfile::tempdir().unwrap());
        for name in names {
            let kind = if name.starts_with("rsa") {
                "rsa"
            } else {
                "ed25519"
            };
            keys.keygen(&["-q", "-t", kind, "-N", "", "-C", "note", "-f", name]);
        }
        keys
    }

    pub(super) fn keygen(&self, args: &[&str]) -> String {
        let run = Command::new("ssh-keygen")
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&run.stdout).into_owned()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        let text = fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        text.trim().to_owned()
    }

    pub(super) fn key(&self, name: &str) -> PublicKey {
        PublicKey::from_openssh(&self.text(name)).unwrap()
    }

    /// Writes a file of known hosts, where `{name}` stands for a key.
    pub(super) fn file(&self, template: &str) -> PathBuf {
        let mut text = template.to_owned();
        for name in ["a", "b", "ca", "rsa"] {
            if text.contains(&format!("{{{name}}}")) {
                text = text.replace(&format!("{{{name}}}"), &self.text(name));
            }
        }
        let path = self.path("known_hosts");
        fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn certificate(&self, options: &[&str]) -> Certificate {
        let mut args = vec!["-q", "-s", "ca", "-I", "id"];
        args.extend(options);
        args.push("a.pub");
        self.keygen(&args);
        let text = fs::read_to_string(self.path("a-cert.pub")).unwrap();
        Certificate::from_openssh(text.trim()).unwrap()
    }
}

/// What these files say about a host, read anew.
pub(super) fn known(files: &[PathBuf], name: Name) -> Result<KnownHost, KnownHostsError> {
    KnownHost::read(files, name, &Files::default())
}

/// `K`nown, `U`nknown, `C`hanged and `R`evoked, with the line.
pub(super) fn letter(standing: &Standing) -> String {
    match standing {
        Standing::Known => "K".to_owned(),
        Standing::Unknown => "U".to_owned(),
        Standing::Changed { line, .. } => format!("C{line}"),
        Standing::Revoked { line, .. } => format!("R{line}"),
    }
}

#[test]
fn plain_keys() {
    let keys = Keys::new(&["a", "b", "rsa"]);
    let table: [(&str, &str, u16, &str); 27] = [
        ("", "h", 22, "U"),
        ("h {a}\n", "h", 22, "K"),
        ("h {a}", "H", 22, "K"),
        ("H {a}\n", "h", 22, "K"),
        ("h {b}\n", "h", 22, "C1"),
        ("h {b}\nh {a}\n", "h", 22, "K"),
        ("h {rsa}\nh {b}\n", "h", 22, "C2"),
        ("h {rsa}\n", "h", 22, "C1"),
        ("other,h,::1 {a}\n", "h", 22, "K"),
        ("other,h,::1 {a}\n", "::1", 22, "K"),
        ("*.x,!bad.x {a}\n", "good.x", 22, "K"),
        ("*.x,!bad.x {a}\n", "bad.x", 22, "U"),
        ("h? {a}\n", "h1", 22, "K"),
        ("[h]:2222 {a}\n", "h", 2222, "K"),
        ("[h]:2222 {a}\n", "h", 22, "U"),
        ("[h]:2222 {b}\nh {a}\n", "h", 2222, "C1"),
        ("h {a}\n", "h", 2222, "K"),
        ("h {b}\n", "h", 2222, "U"),
        ("[*]:2222 {a}\n", "h", 2222, "K"),
        ("[::1]:2222 {a}\n", "::1", 2222, "K"),
        ("  h\t {a} more\r\n", "h", 22, "K"),
        ("# h {b}\n\n\r\nh {a}\n", "h", 22, "K"),
        (
            "h ssh-ed25519 AAAA\nh ssh-rsa\nh\n@what h {b}\n",
            "h",
            22,
            "U",
        ),
        ("h {a}\n@revoked * {a}\n", "h", 22, "R2"),
        ("h {a}\n@revoked other {a}\n", "h", 22, "K"),
        ("@revoked h {a}\n", "h", 2222, "R1"),
        ("@cert-authority h {a}\n", "h", 22, "U"),
    ];
    for (template, host, port, expected) in table {
        let known = known(&[keys.file(template)], Name::of(host, port)).unwrap();
        let standing = known.key(&keys.key("a")).unwrap();
        assert_eq!(letter(&standing), expected, "{template} for {host}:{port}");
    }
}

#[test]
fn hashed_names_and_removed_ones() {
    let keys = Keys::new(&["a", "b"]);
    let file = keys.file("h,[h]:2222 {a}\nother {b}\n");
    keys.keygen(&["-H", "-f", "known_hosts"]);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("|1|") && !text.contains("other"), "{text}");
    // One run sees what changes meanwhile.
    let files = Files::default();
    let standing = |host: &str, port| {
        let name = Name::of(host, port);
        let known = KnownHost::read(std::slice::from_ref(&file), name, &files).unwrap();
        let standing = known.key(&keys.key("a")).unwrap();
        letter(&standing)[..1].to_owned()
    };
    for (host, port, expected) in [
        ("h", 22, "K"),
        ("h", 2222, "K"),
        ("other", 22, "C"),
        ("x", 22, "U"),
    ] {
        assert_eq!(standing(host, port), expected, "{host}:{port}");
    }
    keys.keygen(&["-R", "h", "-f", "known_hosts"]);
    keys.keygen(&["-R", "[h]:2222", "-f", "known_hosts"]);
    assert_eq!(standing("h", 22), "U");
    assert_eq!(standing("other", 22), "C");
}

#[test]
fn the_same_lines_as_ssh_keygen_finds() {
    let keys = Keys::new(&["a"]);
    let names = [
        "h",
        "H",
        "h,g",
        "*",
        "!h,*",
        "*,!h",
        "h*",
        "?",
        "[h]:2222",
        "[*]:2222",
        "[h]:*",
        "h.*.x",
        "::1",
        "[::1]:2222",
        "!g,h",
        "h,!h",
    ];
    let hosts = [
        ("h", 22),
        ("g", 22),
        ("h", 2222),
        ("h.y.x", 22),
        ("::1", 22),
        ("::1", 2222),
        ("k", 2222),
    ];
    for names in names {
        let file = keys.file(&format!("{names} {{a}}\n"));
        for (host, port) in hosts {
            let name = Name::of(host, port);
            let theirs = keys.keygen(&["-F", name.spelled(), "-f", "known_hosts"]);
            let known = known(std::slice::from_ref(&file), name.clone()).unwrap();
            let ours = known.spelled.len();
            assert_eq!(
                ours == 1,
                theirs.contains("found"),
                "{names} for {}",
                name.spelled()
            );
        }
    }
}

#[test]
fn algorithms_of_what_is_known() {
    let keys = Keys::new(&["a", "rsa", "ca"]);
    let file = keys.file("h {rsa}\nh {a}\n@cert-authority *.x {ca}\n@revoked r {a}\n");
    let names = |host: &str, port| {
        let known = known(std::slice::from_ref(&file), Name::of(host, port)).unwrap();
        let found = known.algorithms();
        let names: Vec<_> = found.keys.iter().map(|it| it.as_str().to_owned()).collect();
        (names.join(" "), found.authority)
    };
    let all = "rsa-sha2-512 rsa-sha2-256 ssh-ed25519";
    assert_eq!(names("h", 22), (all.to_owned(), false));
    assert_eq!(names("h", 2222), (all.to_owned(), false));
    assert_eq!(names("www.x", 22), (String::new(), true));
    assert_eq!(names("r", 22), (String::new(), false));
}

#[test]
fn files_that_cannot_be_relied_on_refuse() {
    let keys = Keys::new(&["a"]);
    let missing = keys.path("missing");
    let name = Name::of("h", 22);
    assert!(known(&[missing, "/dev/null".into()], name.clone()).is_ok());
    let large = keys.path("large");
    fs::File::create(&large)
        .unwrap()
        .set_len(100_000_000)
        .unwrap();
    let pipe = keys.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let revoked = |name: &str, text: &str| {
        let path = keys.path(name);
        fs::write(&path, text).unwrap();
        path
    };
    let table = [
        (keys.0.path().to_owned(), "cannot be read"),
        (keys.path("a").join("below"), "cannot be read"),
        (pipe, "not a file"),
        (large, "larger"),
        ("/dev/zero".into(), "larger"),
        (revoked("r1", "\n@revoked h ssh-ed25519 AAAA\n"), "line 2"),
        (revoked("r2", "@revoked h"), "line 1"),
        (revoked("r3", "@revoked"), "line 1"),
        (revoked("r4", "@revoked |1|x|y ssh-ed25519 AAAA"), "line 1"),
    ];
    for (file, expected) in table {
        let error = known(std::slice::from_ref(&file), name.clone()).unwrap_err();
        assert!(
            error.to_string().contains(expected),
            "{}: {error}",
            file.display()
        );
        assert!(!error.fix().is_empty());
    }
}
