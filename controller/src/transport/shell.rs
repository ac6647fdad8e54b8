//! The one shell line that puts the agent in place on a host and starts it: a constant, followed by
//! words of letters, digits and colons. It knows no transport: stdin and stdout are all it has.
//!
//! It is one line of POSIX shell without a single quote, a backslash or an exclamation mark, so
//! that every login shell (bash, dash, busybox, zsh, tcsh, fish) hands it to `/bin/sh` unchanged.
//! One exec does it all, because a login shell that reads its rc file costs more than the work:
//! where the agent lies already, it starts at once; where it does not, the line asks for it on
//! stdout and reads it from stdin.

use crate::deliver::{Agents, Offer};

/// What the line says when it cannot start the agent yet, or at all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing of ours: noise, or the agent's hello.
    Other,
    /// It waits for the agent of this architecture.
    Needs(String),
    /// The host's architecture has no agent.
    Architecture(String),
    /// No directory will do; why each would not.
    NoPlace(String),
    /// The place with this number failed while it was written to.
    Failed(u32, String),
}

/// Where the search for a place begins: the first is below the home directory.
pub(crate) const FIRST_PLACE: u32 = 0;

/// The places that do not depend on a home directory: with `sudo`, home may be a web root.
pub(crate) const SHARED_PLACES: u32 = 1;

/// The directories that are tried.
pub(crate) const PLACES: u32 = 5;

/// Looks for the agent by its hash in each place, else asks for it.
///
/// `private`: a directory of our own that nobody else enters, in a parent where nobody else can
/// replace it. `exec 3<` and the hash of what descriptor 3 reads: what is checked is what is
/// executed, whatever happens to the name meanwhile. An empty file that runs shows that the file
/// system lets files run.
const SCRIPT: &str = concat!(
    "umask 077; PATH=/usr/bin:/bin:/usr/sbin:/sbin; export PATH; n=$1 from=$2 t= i=0 why=; shift 2; ",
    "m=`uname -m`; u=`id -u`; h=; ",
    "for p do case $p in \"$m\":*|any:*) h=${p#*:};; esac; done; ",
    "if [ -z \"$h\" ]; then echo \"KICKOUT-ARCH $n $m\"; exit 1; fi; s=${h#*:}; h=${h%:*}; ",
    "sum() { { sha256sum || openssl dgst -sha256 -r || busybox sha256sum; } 2>/dev/null; }; ",
    "mode() { ls -ldn \"$1\" 2>/dev/null; }; ",
    "safe() { [ -k \"$1\" ] && return 0; case `mode \"$1\"` in d????-??-*) return 0;; esac; return 1; }; ",
    "private() { [ -d \"$1\" ] || mkdir \"$1\" 2>/dev/null || return 1; ",
    "if [ -L \"$1\" ]; then return 1; fi; [ -O \"$1\" ] || return 1; ",
    "case `mode \"$1\"` in drwx------*) return 0;; esac; return 1; }; ",
    "clean() { [ -n \"$t\" ] && rm -f \"$t\"; }; trap clean 0; trap \"exit 1\" 1 2 13 15; ",
    "for b in \"${HOME:-/nonexistent}\" /tmp /var/tmp /dev/shm /run; do i=$((i+1)); ",
    "[ $i -gt $from ] || continue; ",
    "[ -d \"$b\" ] || continue; ",
    "if [ $i = 1 ]; then d=$b/.cache/kickout; ",
    "if [ -O \"$b\" ] && safe \"$b\"; then :; else why=\"$why $b: not ours alone;\"; continue; fi; ",
    "[ -d \"$b/.cache\" ] || mkdir \"$b/.cache\" 2>/dev/null; ",
    "if [ -O \"$b/.cache\" ] && safe \"$b/.cache\"; then :; else why=\"$why $b/.cache: not ours alone, or read-only;\"; continue; fi; ",
    "else d=$b/.kickout-$u; ",
    "if safe \"$b\"; then :; else why=\"$why $b: others may replace files in it;\"; continue; fi; fi; ",
    "private \"$d\" || { why=\"$why $d: cannot be made, or is not private;\"; continue; }; ",
    "f=$d/agent-$h; ",
    "if [ -f \"$f\" ] && [ -O \"$f\" ] && [ -r \"$f\" ]; then exec 3<\"$f\"; c=`sum <&3`; ",
    "x=/proc/self/fd/3; [ -e $x ] || x=$f; ",
    "if [ \"${c%% *}\" = $h ] && \"$x\" --version >/dev/null 2>&1; then touch -c \"$f\" 2>/dev/null; exec \"$x\" $n; fi; ",
    "exec 3<&-; fi; ",
    "rm -rf \"$f\" 2>/dev/null; ",
    "t=$d/.new-$n; ",
    "if (set -C; : > \"$t\") 2>/dev/null && chmod 700 \"$t\" && \"$t\" 2>/dev/null; then :; ",
    "else rm -f \"$t\" 2>/dev/null; t=; why=\"$why $d: full, read-only or noexec;\"; continue; fi; ",
    "find \"$d\" -name \"agent-*\" -mtime +30 -exec rm -f {} + 2>/dev/null; ",
    "find \"$d\" -name \".new-*\" -mtime +0 -exec rm -f {} + 2>/dev/null; ",
    "echo \"KICKOUT-NEED $n $m\"; ",
    "if head -c $s > \"$t\" 2>/dev/null; then :; else echo \"KICKOUT-FAIL $n $i $d: full\"; exit 1; fi; ",
    "exec 3<\"$t\"; c=`sum <&3`; ",
    "if [ -n \"$c\" ] && [ \"${c%% *}\" = $h ]; then :; ",
    "elif [ -z \"$c\" ] && [ `wc -c < \"$t\"` -eq $s ]; then :; ",
    "else echo \"KICKOUT-FAIL $n $i $d: it arrived damaged\"; exit 1; fi; ",
    "chmod 500 \"$t\"; mv -f \"$t\" \"$f\"; t=; x=/proc/self/fd/3; [ -e $x ] || x=$f; ",
    "if \"$x\" --version >/dev/null 2>&1; then exec \"$x\" $n; fi; ",
    "rm -f \"$f\"; echo \"KICKOUT-FAIL $n $i $d: the agent does not run there\"; exit 1; done; ",
    "echo \"KICKOUT-NOPLACE $n$why\"; exit 1",
);

/// The line, for a search that begins at a place and an agent that greets with `nonce`.
///
/// The agents that could be sent stand in it by architecture, hash and size in bytes.
pub(crate) fn line(agents: &Agents, nonce: &str, from: u32) -> String {
    let mut line = format!("/bin/sh -c '{SCRIPT}' kickout {nonce} {from}");
    for Offer { arch, hash, size } in agents.offers() {
        line.push_str(&format!(" {arch}:{hash}:{size}"));
    }
    line
}

/// Names every agent of ours in every place, and removes them when asked to.
pub(crate) const TIDY: &str = concat!(
    "PATH=/usr/bin:/bin:/usr/sbin:/sbin; export PATH; n=$1 r=$2 u=`id -u`; shift 2; ",
    "look() { [ -d \"$1\" ] && [ -O \"$1\" ] || return 0; if [ -L \"$1\" ]; then return 0; fi; ",
    "for f in \"$1\"/agent-* \"$1\"/.new-*; do [ -f \"$f\" ] || continue; s=`wc -c < \"$f\"`; ",
    "if [ $r = remove ]; then rm -f \"$f\" || continue; fi; ",
    "echo \"KICKOUT-HAS $n \"$s \"$f\"; done; ",
    "if [ $r = remove ]; then rmdir \"$1\"; fi; }; ",
    "{ look \"${HOME:-/nonexistent}/.cache/kickout\"; ",
    "for b do look \"${b%/}/.kickout-$u\"; done; } 2>/dev/null; echo \"KICKOUT-END $n\"",
);

/// What the script is told: to look, or to remove as well.
pub(crate) fn tidy_word(remove: bool) -> &'static str {
    if remove { "remove" } else { "where" }
}

/// The line that names the agents on a host, or removes them.
pub(crate) fn tidy_line(nonce: &str, remove: bool) -> String {
    let what = tidy_word(remove);
    format!("/bin/sh -c '{TIDY}' kickout {nonce} {what} /tmp /var/tmp /dev/shm /run")
}

/// An agent that lies on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Where; the host's own text.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What a line of [`tidy_line`] names; `Some(None)` is the end of the list.
pub(crate) fn placed(line: &[u8], nonce: &str) -> Option<Option<Placed>> {
    let line = std::str::from_utf8(line).ok()?;
    if line.strip_prefix("KICKOUT-END ") == Some(nonce) {
        return Some(None);
    }
    let rest = line.strip_prefix("KICKOUT-HAS ")?.strip_prefix(nonce)?;
    let (size, path) = rest.trim_start().split_once(' ')?;
    Some(Some(Placed {
        path: path.to_owned(),
        size: size.parse().ok()?,
    }))
}

/// What a line of the host's output means.
pub(crate) fn said(line: &[u8], nonce: &str) -> Said {
    let read = || {
        let rest = std::str::from_utf8(line).ok()?.strip_prefix("KICKOUT-")?;
        let (kind, rest) = rest.split_once(' ')?;
        let rest = rest.trim_end().strip_prefix(nonce)?.trim_start();
        let bounded = |text: &str| text.chars().take(MOST).collect::<String>();
        Some(match kind {
            "NEED" => Said::Needs(bounded(rest)),
            "ARCH" => Said::Architecture(bounded(rest)),
            "NOPLACE" => Said::NoPlace(bounded(rest.trim_end_matches(';'))),
            "FAIL" => {
                let (place, why) = rest.split_once(' ')?;
                Said::Failed(place.parse().ok()?, bounded(why))
            }
            _ => return None,
        })
    };
    read().unwrap_or(Said::Other)
}

/// How much of a reason is worth showing.
const MOST: usize = 400;

#[cfg(test)]
#[path = "shell_tests.rs"]
mod tests;
