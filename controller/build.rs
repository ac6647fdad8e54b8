//! Builds the agent that `kickout` carries, and writes the table of architecture, hash and bytes.
//!
//! A nested cargo makes the host architecture's own; `KICKOUT_AGENTS=<dir>` with files named
//! `kickout-agent-<arch>` adds or replaces agents and skips the nested build.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

type Agents = Vec<(String, PathBuf)>;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=KICKOUT_AGENTS");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let agents = match env::var_os("KICKOUT_AGENTS") {
        Some(folder) => given(Path::new(&folder))?,
        None if env::var("CARGO_CFG_TARGET_OS")? == "linux" => nested(&out)?,
        None => Vec::new(),
    };
    let mut table = String::from("pub(super) static AGENTS: &[(&str, &str, &[u8])] = &[\n");
    for (arch, path) in agents {
        // Here, and not in every run: that would cost each of them milliseconds.
        let hash = Sha256::digest(fs::read(&path)?);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(table, "    ({arch:?}, {hash:?}, include_bytes!({path:?})),")?;
    }
    table.push_str("];\n");
    fs::write(out.join("agents.rs"), table)?;
    Ok(())
}

/// The agents in a folder: `kickout-agent-x86_64`, `kickout-agent-aarch64`, …
fn given(folder: &Path) -> Result<Agents, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut agents = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| format!("KICKOUT_AGENTS={folder:?}: {e}"))? {
        let path = entry?.path().canonicalize()?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if let Some(arch) = name.strip_prefix("kickout-agent-") {
            println!("cargo::rerun-if-changed={}", path.display());
            agents.push((arch.to_owned(), path));
        }
    }
    agents.sort();
    Ok(agents)
}

/// Builds the agent for this very architecture, static, in a folder of its own: a shared one
/// would wait for the lock that the outer cargo holds.
fn nested(out: &Path) -> Result<Agents, Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?)
        .join("..")
        .canonicalize()?;
    for watched in ["agent", "shared", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let target = format!("{arch}-unknown-linux-gnu");
    let profile = if env::var("PROFILE")? == "release" {
        "agent"
    } else {
        "agent-dev"
    };
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
        .args([
            "build",
            "--locked",
            "--package",
            "kickout-agent",
            "--bin",
            "kickout-agent",
        ])
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
        return Err(format!("the agent did not build ({status}); its errors stand above").into());
    }
    let agent = folder.join(&target).join(profile).join("kickout-agent");
    if !agent.exists() {
        return Err(format!("the agent is not at {}", agent.display()).into());
    }
    Ok(vec![(arch, agent)])
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
