//! Giving up: after it the process can speak over the sockets it has, and do nothing else. It is
//! called while there is one thread, for what it gives up is the thread's.

use std::io;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus,
    Scope,
};
use rustix::process::{
    DumpableBehavior, Gid, Resource, Rlimit, Uid, chdir, chroot, dumpable_behavior, getegid,
    geteuid, getgid, getgroups, getuid, set_dumpable_behavior, setrlimit,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, no_new_privs, set_capabilities, set_name,
    set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use crate::owner::Owner;

/// Why the front would still have rights.
#[derive(Debug, thiserror::Error)]
pub enum Unconfined {
    /// The system said no.
    #[error("the front cannot be confined: {what}: {why}")]
    Step {
        /// What was tried.
        what: &'static str,
        /// What it said.
        why: io::Error,
    },
    /// It said yes, and did not do it.
    #[error("the front is not confined: {0}")]
    Still(&'static str),
}

impl Unconfined {
    /// The setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Step { .. } | Self::Still(_) => {
                "Whatever confines the bridge itself must leave it the capabilities to change \
                 account and root: CAP_SETUID, CAP_SETGID, CAP_SYS_CHROOT."
                    .to_owned()
            }
        }
    }
}

/// Gives up every right but those of `account`, and sees that it is so. The working directory becomes
/// the root. Without an account what an ordinary one can give up; then the fence is all that keeps it
/// from that account's files. Whether there is one.
pub(super) fn confine(account: Option<Owner>) -> Result<bool, Unconfined> {
    let step = |what| {
        move |why: rustix::io::Errno| Unconfined::Step {
            what,
            why: why.into(),
        }
    };
    // What it is called in a list of processes; that it is so is of no weight.
    let _ = set_name(c"kickout-front");
    if let Some(Owner { uid, gid }) = account {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        chroot(".").map_err(step("another root"))?;
        chdir("/").map_err(step("the new root"))?;
        set_thread_groups(&[]).map_err(step("no further groups"))?;
        set_thread_res_gid(gid, gid, gid).map_err(step("the account's group"))?;
        set_thread_res_uid(uid, uid, uid).map_err(step("the account"))?;
        set_capabilities(None, NOTHING).map_err(step("no capabilities"))?;
    }
    set_no_new_privs(true).map_err(step("no new privileges"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(step("no dumps"))?;
    // Neither processes nor threads nor dumps of its memory. Files it could not write are no concern:
    // there are none, but for its last words.
    for (what, resource) in [
        ("no processes", Resource::Nproc),
        ("no dumps", Resource::Core),
    ] {
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        setrlimit(resource, none).map_err(step(what))?;
    }
    let fenced = fence().map_err(|why| Unconfined::Step {
        what: "no files and connections",
        why: io::Error::other(why),
    })?;
    verify(account).map(|()| fenced)
}

const NOTHING: CapabilitySets = CapabilitySets {
    effective: CapabilitySet::empty(),
    permitted: CapabilitySet::empty(),
    inheritable: CapabilitySet::empty(),
};

/// Where the kernel has Landlock: it opens no file, makes no connection, and signals nobody, whoever
/// it is. An older kernel leaves what the account can do.
fn fence() -> Result<bool, RulesetError> {
    let abi = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

fn verify(account: Option<Owner>) -> Result<(), Unconfined> {
    let checked = |done: bool, what| match done {
        true => Ok(()),
        false => Err(Unconfined::Still(what)),
    };
    if let Some(Owner { uid, gid }) = account {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        let groups = getgroups().is_ok_and(|groups| groups.is_empty());
        checked([getuid(), geteuid()] == [uid; 2], "it has another account")?;
        checked([getgid(), getegid()] == [gid; 2], "it has another group")?;
        checked(groups, "it has further groups")?;
        checked(capabilities(None) == Ok(NOTHING), "it has capabilities")?;
        // The saved ones, too: whoever had one of root's could take it.
        checked(
            set_thread_res_uid(None, Uid::ROOT, None).is_err(),
            "it can become root",
        )?;
        checked(
            set_thread_res_gid(None, Gid::ROOT, None).is_err(),
            "it can take root's group",
        )?;
        checked(
            getuid() == uid && geteuid() == uid && chroot(".").is_err(),
            "it can change its root",
        )?;
    }
    checked(
        no_new_privs() == Ok(true),
        "a program it starts could have more rights",
    )?;
    checked(
        dumpable_behavior() == Ok(DumpableBehavior::NotDumpable),
        "its memory can be read",
    )
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    use super::*;

    /// What an account of its own and a root of its own forbid is met again here, where they are not.
    #[test]
    fn behind_the_fence_there_is_nothing() {
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = elsewhere.local_addr().unwrap();
        // It is the thread's.
        let fenced = std::thread::spawn(move || {
            assert!(std::fs::read("/etc/passwd").is_ok());
            assert!(TcpStream::connect(address).is_ok());
            set_no_new_privs(true).unwrap();
            assert!(fence().unwrap(), "this kernel has no Landlock");
            assert!(std::fs::read("/etc/passwd").is_err());
            assert!(std::fs::read_dir("/").is_err());
            assert!(std::fs::create_dir("/tmp/kickout-front").is_err());
            assert!(TcpStream::connect(address).is_err());
            assert!(TcpListener::bind("127.0.0.1:0").is_err());
            assert!(UnixStream::pair().is_ok());
        });
        fenced.join().unwrap();
    }
}
