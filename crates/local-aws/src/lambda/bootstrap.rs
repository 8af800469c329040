//! Whether code can be started at all, and what Lambda says if not.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Why it cannot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unstartable {
    /// As AWS says it.
    pub(super) message: String,
    /// What only this machine knows.
    pub(super) hint: Option<String>,
}

/// `bootstrap` of the code below `root`, or of the layers below `opt`, which is there, may be executed, and is for this
/// machine and architecture.
pub(super) fn find(
    root: &Path,
    opt: Option<&Path>,
    architecture: &str,
) -> Result<PathBuf, Unstartable> {
    let mut path = root.join("bootstrap");
    let mut shown = "/var/task/bootstrap";
    if let Some(opt) = opt
        && !path.is_file()
        && opt.join("bootstrap").is_file()
    {
        path = opt.join("bootstrap");
        shown = "/opt/bootstrap";
    }
    let unstartable = |message: &str, hint: Option<String>| Unstartable {
        message: message.to_owned(),
        hint,
    };
    let fork = |why: &str, hint| unstartable(&format!("fork/exec {shown}: {why}"), hint);
    let mode = match path.metadata() {
        Ok(found) if found.is_file() => found.permissions().mode(),
        _ => {
            return Err(unstartable(
                "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
                None,
            ));
        }
    };
    // On AWS the code is not its user's own: the rights of all others count.
    if mode & 0o005 != 0o005 {
        return Err(fork("permission denied", None));
    }
    let mut head = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(256).read_to_end(&mut head));
    if read.is_err() {
        return Err(fork("permission denied", None));
    }
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let interpreter = line.split_whitespace().next().unwrap_or_default();
        if !Path::new(interpreter).exists() {
            return Err(fork("no such file or directory", None));
        }
        return Ok(path);
    }
    let Some(machine) = machine(&head) else {
        return Err(fork("exec format error", None));
    };
    let here = std::env::consts::ARCH;
    if machine != architecture {
        let hint = format!("bootstrap is for {machine} and the function for {architecture}");
        return Err(fork("exec format error", Some(hint)));
    }
    if machine != host() {
        let hint = format!("this machine is {here} and runs no {architecture} functions");
        return Err(fork("exec format error", Some(hint)));
    }
    Ok(path)
}

/// This machine, in Lambda's words.
fn host() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}

/// The machine of an executable: ELF's `e_machine`, or that of Mach-O where this runs on macOS.
fn machine(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"\x7fELF") {
        return match head.get(18..20)? {
            [0x3e, 0] => Some("x86_64"),
            [0xb7, 0] => Some("arm64"),
            _ => None,
        };
    }
    if cfg!(target_os = "macos") && head.starts_with(&[0xcf, 0xfa, 0xed, 0xfe]) {
        return match head.get(4..8)? {
            [0x07, 0, 0, 0x01] => Some("x86_64"),
            [0x0c, 0, 0, 0x01] => Some("arm64"),
            _ => None,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    fn found(bytes: &[u8], mode: u32) -> Result<(), String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bootstrap");
        fs::write(&path, bytes).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its mode");
        find(folder.path(), None, host())
            .map(|_| ())
            .map_err(|why| why.message)
    }

    fn elf(machine: u8) -> Vec<u8> {
        let mut head = b"\x7fELF".to_vec();
        head.resize(18, 0);
        head.extend([machine, 0]);
        head
    }

    #[test]
    fn what_cannot_start_is_told_as_by_lambda() {
        let fork = |why| Err(format!("fork/exec /var/task/bootstrap: {why}"));
        assert_eq!(found(b"#!/bin/sh\n", 0o755), Ok(()));
        assert_eq!(found(b"#!/bin/sh\n", 0o644), fork("permission denied"));
        assert_eq!(found(b"#!/bin/sh\n", 0o700), fork("permission denied"));
        assert_eq!(
            found(b"#!/no/such\n", 0o755),
            fork("no such file or directory")
        );
        assert_eq!(found(b"echo", 0o755), fork("exec format error"));
        let (own, other) = if host() == "arm64" {
            (0xb7, 0x3e)
        } else {
            (0x3e, 0xb7)
        };
        assert_eq!(found(&elf(own), 0o755), Ok(()));
        assert_eq!(found(&elf(other), 0o755), fork("exec format error"));
        let folder = tempfile::tempdir().expect("a folder");
        assert!(find(folder.path(), None, host()).is_err());
    }
}
