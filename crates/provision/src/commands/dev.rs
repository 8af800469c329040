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
    let outcome = loop {
        let watching = session
            .console
            .while_read(changed(session, &sources, &mut seen, &mut tail));
        match session.interrupt.or(watching).await {
            Ok(Some(true)) => session.console.say("The sources have changed."),
            Ok(Some(false) | None) => break Ok(()),
            Err(error) => break Err(error),
        }
        // It is never cut off. What does not compile is said, and the next change tried.
        if let Err(error) = up::run(session, &up).await
            && session.interrupt.signal().is_none()
        {
            session.console.error(&error);
        }
    };
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

/// Shows the function's lines until its sources are no longer as they were `seen`; false if nobody gets the lines.
async fn changed(
    session: &Session,
    sources: &Sources,
    seen: &mut State,
    tail: &mut Tail,
) -> Result<bool> {
    while !session.console.has_lost() {
        sleep(PACE).await;
        logs::show(&session.console, &tail.next().await?, Dates::BeforeToday);
        let newest = sources.newest();
        if newest != *seen {
            *seen = newest;
            return Ok(true);
        }
    }
    Ok(false)
}

/// When a file was last changed, and how many there are.
type State = (Option<SystemTime>, usize);

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

    fn newest(&self) -> State {
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
