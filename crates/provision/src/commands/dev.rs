//! `dev`: the stack on the local AWS, kept up with the function's sources.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::logs::{self, Dates, Tail};
use super::{Session, connect, outputs, up};
use crate::cargo;
use crate::cli::{self, Wait};
use crate::exit::Exit;
use crate::fault::Code;
use crate::stack;

/// How often sources and logs are looked at.
const PACE: Duration = Duration::from_millis(300);

pub async fn run(session: &Session, arguments: &cli::Dev) -> Result<Exit> {
    let sources = Sources::find()?;
    let up = cli::Up {
        plan: None,
        select: cli::Select::default(),
        parallelism: None,
        make: arguments.make.clone(),
        wait: Wait::Live,
        timeout: None,
        report: None,
    };
    let mut seen = sources.newest();
    let first = up::run(session, &up).await?;
    if first != Exit::Done {
        return Ok(first);
    }
    let (aws, listener) = connect(session).await?;
    let stack = stack::lab(&session.config.settings(aws.region()))?;
    let group = outputs::values(&stack, &stack.known_names())["log_group"]
        .as_str()
        .context("the stack declares no log group")?
        .to_owned();
    let mut tail = Tail::from_now(aws.clone(), group);
    session.console.say(&format!(
        "Watching {}; Ctrl-C ends this and leaves the stack.",
        sources.folder.display()
    ));
    let work = async {
        while !session.console.has_lost() {
            sleep(PACE).await;
            logs::show(&session.console, &tail.next().await?, Dates::BeforeToday);
            let newest = sources.newest();
            if newest == seen {
                continue;
            }
            seen = newest;
            session.console.say("The sources have changed.");
            // What does not compile is said, and the next change tried.
            if let Err(error) = up::run(session, &up).await {
                if session.interrupt.signal().is_some() {
                    return Err(error);
                }
                session.console.error(&error);
            }
        }
        Ok(())
    };
    let work = session.console.while_read(work);
    let outcome = session.interrupt.or(work).await;
    drop(tail);
    drop(aws);
    listener.finish().await;
    match (outcome, session.interrupt.signal()) {
        (_, Some(signal)) => {
            session.console.say(&format!(
                "The stack stays as it is; `{}` removes it.",
                session.command("down")
            ));
            Ok(Exit::Interrupted(signal))
        }
        (outcome, None) => outcome.map(|()| Exit::Done),
    }
}

/// The function's sources.
struct Sources {
    folder: PathBuf,
}

impl Sources {
    fn find() -> Result<Self> {
        let workspace = cargo::workspace("handler")?.context(
            Code::NoSources
                .fault("the function's sources were not found")
                .remedy("run it inside the project"),
        )?;
        let folder = workspace
            .join("crates/handler")
            .canonicalize()
            .context("finding the function's sources")?;
        Ok(Self { folder })
    }

    /// When a file among them was last changed, and how many there are.
    fn newest(&self) -> (Option<SystemTime>, usize) {
        let mut files = Vec::new();
        collect(&self.folder.join("src"), &mut files);
        files.push(self.folder.join("Cargo.toml"));
        let times = files
            .iter()
            .filter_map(|path| path.metadata().ok()?.modified().ok());
        (times.max(), files.len())
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
