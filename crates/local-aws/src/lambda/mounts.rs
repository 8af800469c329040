//! `/opt` of a function's processes: on Linux, in a mount namespace of their own, where the machine lets an unprivileged
//! process have one. Some do not (containers; Ubuntu since 23.10, unless its administrator says otherwise).

use std::io;
use std::path::Path;

/// Lets this process, which must have one thread, and what it becomes see `opt` at `/opt`.
#[cfg(target_os = "linux")]
pub(super) fn show_at_opt(opt: &Path) -> io::Result<()> {
    use std::fs;

    use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};
    use rustix::process::{getgid, getuid};
    use rustix::thread::UnshareFlags;

    if !Path::new("/opt").is_dir() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let (user, group) = (getuid(), getgid());
    // Root needs no namespace of users, and keeps its rights without one.
    if user.is_root() && unshare(UnshareFlags::NEWNS).is_ok() {
        mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )?;
    } else {
        unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)?;
        // user_namespaces(7): the same user inside as outside.
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write(
            "/proc/self/uid_map",
            format!("{user} {user} 1", user = user.as_raw()),
        )?;
        fs::write(
            "/proc/self/gid_map",
            format!("{group} {group} 1", group = group.as_raw()),
        )?;
    }
    mount_bind(opt, "/opt")?;
    Ok(())
}

#[cfg(target_os = "linux")]
#[expect(
    deprecated,
    reason = "its replacement is unsafe because of flags (shared file tables) that are not used here"
)]
fn unshare(flags: rustix::thread::UnshareFlags) -> io::Result<()> {
    Ok(rustix::thread::unshare(flags)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn show_at_opt(_: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
