//! The processes that a process has started, and the memory they take: from `/proc` on Linux.
//!
//! Elsewhere nothing is known of a process's descendants, and all functions here return nothing.

use std::fs;

/// Memory of some processes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Resident memory of all of them; the most that a single one has had, if that is more.
    pub(super) peak: u64,
    /// Memory that cannot be reclaimed: anonymous and shared, without files' pages.
    pub(super) charged: u64,
}

/// All descendants of the process `of`, parents before their children.
pub(super) fn descendants(of: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let mut next = of;
    let mut at = 0;
    loop {
        if !children(next, &mut found) {
            return scan(of);
        }
        match found.get(at) {
            Some(pid) => next = *pid,
            None => return found,
        }
        at += 1;
    }
}

/// Adds the children of a process. Returns false where Linux was built without `/proc/PID/task/TID/children`.
fn children(of: i32, found: &mut Vec<i32>) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{of}/task")) else {
        // It has ended.
        return true;
    };
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(pids) => found.extend(
                pids.split_ascii_whitespace()
                    .filter_map(|pid| pid.parse::<i32>().ok()),
            ),
            Err(_) if thread.path().join("stat").exists() => return false,
            // The thread has ended.
            Err(_) => {}
        }
    }
    true
}

/// As [`descendants`], by the parents of all processes of the machine.
pub(super) fn scan(of: i32) -> Vec<i32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if let Some(parent) = fs::read_to_string(entry.path().join("stat"))
            .ok()
            .and_then(|stat| parent(&stat))
        {
            parents.push((parent, pid));
        }
    }
    let mut found = Vec::new();
    let mut next = of;
    let mut at = 0;
    loop {
        found.extend(
            parents
                .iter()
                .filter(|(parent, _)| *parent == next)
                .map(|(_, pid)| *pid),
        );
        match found.get(at) {
            Some(pid) => next = *pid,
            None => return found,
        }
        at += 1;
    }
}

/// All processes of this user that have `variable` (`NAME=VALUE`) in their environment, as it was when they began.
pub(super) fn with_variable(variable: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment
            .split(|byte| *byte == 0)
            .any(|one| one == variable.as_bytes())
        {
            found.push(pid);
        }
    }
    found
}

/// `proc_pid_stat(5)`: the second member is the program's name in parentheses, which may have any character in it.
fn parent(stat: &str) -> Option<i32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The memory of all descendants of a process, and of itself if `with_itself` is true.
pub(super) fn usage(of: i32, with_itself: bool) -> Usage {
    let mut usage = Usage::default();
    let mut resident = 0;
    for pid in members(of, with_itself) {
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else {
            continue;
        };
        let bytes = |name| kilobytes(&status, name).unwrap_or_default() * 1024;
        resident += bytes("VmRSS:");
        usage.charged += bytes("RssAnon:") + bytes("RssShmem:");
        usage.peak = usage.peak.max(bytes("VmHWM:"));
    }
    usage.peak = usage.peak.max(resident);
    usage
}

/// As `charged` of [`usage`], with each page that processes share counted once. It takes longer: Linux walks all pages.
pub(super) fn charged_once(of: i32, with_itself: bool) -> u64 {
    let mut bytes = 0;
    for pid in members(of, with_itself) {
        let Ok(rollup) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else {
            continue;
        };
        for name in ["Pss_Anon:", "Pss_Shmem:"] {
            bytes += kilobytes(&rollup, name).unwrap_or_default() * 1024;
        }
    }
    bytes
}

fn members(of: i32, with_itself: bool) -> impl Iterator<Item = i32> {
    let itself = with_itself.then_some(of);
    itself.into_iter().chain(descendants(of))
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches("kB").trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_have_any_name() {
        assert_eq!(parent("12 (a) S 7 (b) S 3 12 12 0"), Some(3));
        assert_eq!(parent("12"), None);
        assert_eq!(parent("12 (a) S"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_tree_is_found_in_both_ways() {
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "sleep 100 & sleep 100 & wait"])
            .spawn()
            .expect("a shell");
        let pid = i32::try_from(shell.id()).expect("an id");
        while descendants(pid).len() < 2 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let (mut one, mut other) = (descendants(pid), scan(pid));
        one.sort_unstable();
        other.sort_unstable();
        assert_eq!(one, other);
        // Those that have not begun their own program yet change between two looks.
        let is_told = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            let usage = usage(pid, false);
            usage.peak > 0
                && usage.charged > 0
                && (1..=usage.charged).contains(&charged_once(pid, false))
        });
        assert!(is_told);
        for child in one {
            let _ = std::process::Command::new("kill")
                .arg(child.to_string())
                .status();
        }
        shell.wait().expect("its end");
        assert!(descendants(pid).is_empty());
    }
}
