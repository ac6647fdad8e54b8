//! Builds the agent and the bridge that `kickout` carries, and writes a table of each: architecture,
//! hash and bytes.
//!
//! A nested cargo makes the host architecture's own; `KICKOUT_AGENTS=<dir>` with files named
//! `kickout-agent-<arch>` and `kickout-bridge-<arch>` takes the place of the nested build. Only a
//! release carries a bridge: building it twice, with and without a C library, is dear.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

/// Programs by their architectures.
type Carried = Vec<(String, PathBuf)>;

/// What is carried, each with the table it is written into.
const PROGRAMS: [(&str, &str); 2] = [("kickout-agent", "AGENTS"), ("kickout-bridge", "BRIDGES")];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=KICKOUT_AGENTS");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let release = env::var("PROFILE")? == "release";
    let mut text = String::new();
    for (program, table) in PROGRAMS {
        let carried = match env::var_os("KICKOUT_AGENTS") {
            Some(folder) => given(Path::new(&folder), program)?,
            None if env::var("CARGO_CFG_TARGET_OS")? != "linux" => Vec::new(),
            None if program == "kickout-bridge" && !release => Vec::new(),
            None => nested(&out, program, release)?,
        };
        writeln!(
            text,
            "pub(super) static {table}: &[(&str, &str, &[u8])] = &["
        )?;
        for (arch, path) in carried {
            // Here, and not in every run: that would cost each of them milliseconds.
            let hash = Sha256::digest(fs::read(&path)?);
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(text, "    ({arch:?}, {hash:?}, include_bytes!({path:?})),")?;
        }
        text.push_str("];\n");
    }
    fs::write(out.join("agents.rs"), text)?;
    Ok(())
}

/// The programs of a name in a folder: `kickout-agent-x86_64`, `kickout-agent-aarch64`, …
fn given(folder: &Path, program: &str) -> Result<Carried, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut carried = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| format!("KICKOUT_AGENTS={folder:?}: {e}"))? {
        let path = entry?.path().canonicalize()?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let arch = name.strip_prefix(program);
        if let Some(arch) = arch.and_then(|rest| rest.strip_prefix('-')) {
            println!("cargo::rerun-if-changed={}", path.display());
            carried.push((arch.to_owned(), path));
        }
    }
    carried.sort();
    Ok(carried)
}

/// Builds a program for this very architecture, static, in a folder of its own: a shared one
/// would wait for the lock that the outer cargo holds.
fn nested(out: &Path, program: &str, release: bool) -> Result<Carried, Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?)
        .join("..")
        .canonicalize()?;
    let own = program.trim_start_matches("kickout-");
    for watched in [
        own,
        "shared",
        "packaging/systemd",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let target = format!("{arch}-unknown-linux-gnu");
    let profile = if release { "agent" } else { "agent-dev" };
    static_libc()?;
    // OUT_DIR is target/<profile>/build/<package>/out: the nested folder is shared by profiles.
    let shared = out
        .ancestors()
        .nth(4)
        .ok_or("OUT_DIR is not inside a target folder")?;
    let folder = shared.join("agent-build");
    let flags = format!(
        "CARGO_TARGET_{}_RUSTFLAGS",
        target.to_uppercase().replace('-', "_")
    );
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--locked", "--package", program, "--bin", program])
        .args([
            "--no-default-features",
            "--profile",
            profile,
            "--target",
            &target,
        ])
        .arg("--target-dir")
        .arg(&folder)
        .current_dir(&root)
        .env(flags, "-C target-feature=+crt-static")
        // The outer build's wrapper (clippy) and flags would make another program of it, and
        // flags given by environment would replace those of the target.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .status()?;
    if !status.success() {
        return Err(format!("{program} did not build ({status}); its errors stand above").into());
    }
    let built = folder.join(&target).join(profile).join(program);
    if !built.exists() {
        return Err(format!("{program} is not at {}", built.display()).into());
    }
    Ok(vec![(arch, built)])
}

/// A static program needs the C library's archive; say which package brings it.
fn static_libc() -> Result<(), Box<dyn Error>> {
    let asked = Command::new("cc")
        .arg("-print-file-name=libc.a")
        .output()
        .map_err(|error| {
            format!(
                "no C compiler ({error}): apt-get install gcc libc6-dev, or your system's packages"
            )
        })?;
    // The compiler answers with the bare name when it knows no such file.
    if asked.stdout.trim_ascii() == b"libc.a" {
        return Err(
            "libc.a is missing, without which no static agent can be linked: install \
                    libc6-dev (Debian, Ubuntu) or glibc-static (Fedora, RHEL)"
                .into(),
        );
    }
    Ok(())
}
