//! The use of a local AWS by commands that run at the same time: none removes it under another.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
#[cfg(unix)]
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::time::sleep;

/// The file whose lock is shared by all who use the folder, and is one's alone who removes it.
const FILE: &str = "users";

/// A removal takes some milliseconds, and the server's end before it some seconds at most.
const REMOVAL: Duration = Duration::from_secs(15);

/// Held by a command for as long as it uses the server of a folder.
#[derive(Debug)]
pub(crate) struct Lease {
    _file: File,
}

impl Lease {
    /// Makes `folder` if it is missing. One that is being removed is waited for, and made anew.
    pub(super) async fn of(folder: &Path) -> Result<Self> {
        let asked = Instant::now();
        loop {
            match Self::now(folder) {
                Err(error) if is_passing(&error) && asked.elapsed() < REMOVAL => {
                    sleep(Duration::from_millis(10)).await;
                }
                other => return other.with_context(|| format!("making {}", folder.display())),
            }
        }
    }

    fn now(folder: &Path) -> io::Result<Self> {
        made_for_owner(folder)?;
        let path = folder.join(FILE);
        let file = opened(&path)?;
        file.try_lock_shared()?;
        is_still_at(&file, &path)?;
        Ok(Self { _file: file })
    }
}

/// Makes the folder, into which its owner alone may look: it will hold keys.
fn made_for_owner(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder)
}

/// Held while a folder is removed: nobody else uses it, and nobody begins to.
#[derive(Debug)]
pub(super) struct Alone {
    _file: File,
}

impl Alone {
    /// `None` while somebody uses `folder`, and where it is gone.
    pub(super) fn with(folder: &Path) -> Result<Option<Self>> {
        match Self::now(folder) {
            Ok(alone) => Ok(Some(alone)),
            Err(error) if is_passing(&error) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("locking {}", folder.display())),
        }
    }

    fn now(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        let file = opened(&path)?;
        file.try_lock()?;
        is_still_at(&file, &path)?;
        Ok(Self { _file: file })
    }

    /// Removes `folder` with what is in it. Whoever wants to use it meanwhile makes a new one.
    pub(super) fn remove(self, folder: &Path) -> io::Result<()> {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(format!(".removed-{}", std::process::id()));
        let away = folder.with_file_name(name);
        fs::rename(folder, &away)?;
        let removed = fs::remove_dir_all(away);
        drop(self);
        removed
    }
}

fn opened(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    let opened = options.create(true).truncate(false).write(true).open(path);
    // Its folder was there a moment ago.
    opened.map_err(|error| match error.kind() {
        ErrorKind::NotFound => ErrorKind::WouldBlock.into(),
        _ => error,
    })
}

/// Returns true if somebody else uses the folder or has just removed it.
fn is_passing(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

/// The folder may have been removed before its file was locked, and a new one made.
fn is_still_at(file: &File, path: &Path) -> io::Result<()> {
    match is_at(file, path) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(false) | Err(_) => Err(ErrorKind::WouldBlock.into()),
    }
}

/// Returns true if `path` is this file, and not another one of its name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (ours, there) = (file.metadata()?, path.metadata()?);
    Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_removed_by_the_last_one_only() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("local");
        let (first, second) = (Lease::of(&folder).await.unwrap(), Lease::of(&folder).await);
        drop(first);
        assert!(Alone::with(&folder).unwrap().is_none(), "it is used");
        drop(second);
        let alone = Alone::with(&folder).unwrap().expect("nobody uses it");
        assert_eq!(
            Lease::now(&folder).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        alone.remove(&folder).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn whoever_waits_for_a_removal_gets_a_folder_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("local");
        drop(Lease::of(&folder).await.unwrap());
        fs::write(folder.join("old"), "").unwrap();
        let alone = Alone::with(&folder).unwrap().expect("nobody uses it");
        let removal = async {
            sleep(Duration::from_millis(30)).await;
            alone.remove(&folder).unwrap();
        };
        let (lease, ()) = tokio::join!(Lease::of(&folder), removal);
        lease.unwrap();
        assert!(!folder.join("old").exists());
        assert!(folder.join(FILE).exists());
    }
}
