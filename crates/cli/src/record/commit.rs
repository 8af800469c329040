//! Which commit the current folder is at.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// A work tree so large that git takes longer goes without.
const AT_MOST: Duration = Duration::from_secs(2);

/// The commit's full id, followed by `-dirty` where tracked files differ from it. Outside a work tree, or without git,
/// there is none.
pub(super) async fn commit() -> Option<String> {
    let git = Command::new("git")
        // Ended at any moment, it must not leave a lock on the index behind, as `git describe --dirty` would.
        .arg("--no-optional-locks")
        .args([
            "status",
            "--porcelain=v2",
            "--branch",
            "--untracked-files=no",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(AT_MOST, git).await.ok()?.ok()?;
    commit_in(&String::from_utf8_lossy(&output.stdout))
}

/// Reads the headers of git's porcelain format 2; every other line is a change.
fn commit_in(status: &str) -> Option<String> {
    let commit = status
        .lines()
        .find_map(|line| line.strip_prefix("# branch.oid "))
        .filter(|commit| commit.chars().all(|c| c.is_ascii_hexdigit()))?;
    let is_dirty = status.lines().any(|line| !line.starts_with('#'));
    let mark = if is_dirty { "-dirty" } else { "" };
    Some(format!("{commit}{mark}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_marked() {
        let clean = "# branch.oid 0123abcd\n# branch.head main\n";
        assert_eq!(commit_in(clean).as_deref(), Some("0123abcd"));
        let changed = format!("{clean}1 .M N... 100644 100644 100644 1 2 README.md\n");
        assert_eq!(commit_in(&changed).as_deref(), Some("0123abcd-dirty"));
    }

    #[test]
    fn without_a_commit_there_is_none() {
        assert_eq!(
            commit_in("# branch.oid (initial)\n# branch.head main\n"),
            None
        );
        assert_eq!(commit_in(""), None);
    }
}
