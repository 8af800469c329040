//! `dev`: run the stack on the local AWS, and rebuild its functions as their sources change.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use provision_package::source_folders;
use tokio::time::sleep;

use super::context::Connected;
use super::endpoints::functions;
use super::logs::{self, Dates, Tails};
use super::{Session, up};
use crate::args::{self, Wait};
use crate::exit::Exit;
use crate::options::DeployOptions;

/// Interval at which sources and logs are read.
const PACE: Duration = Duration::from_millis(300);

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Dev) -> Result<Exit> {
    let options = DeployOptions::new(&arguments.deploy)?;
    let sources = Sources::find(session, &options)?;
    let up = args::Up {
        plan: None,
        select: args::Select::default(),
        parallelism: None,
        deploy: arguments.deploy.clone(),
        // A function that does not start is told by its log, and mended while nothing waits for it.
        wait: Wait::Ready,
        timeout: None,
        report: None,
    };
    let mut seen = sources.newest();
    let first = up::run(session, &up).await?;
    if first != Exit::Done {
        return Ok(first);
    }
    let connected = Connected::new(session, &options.declare).await?;
    let Connected {
        aws,
        listener,
        declaration,
        ..
    } = connected;
    let mut tails = Tails::new(&aws, &functions(&declaration), logs::now());
    session.console.say(&format!(
        "Watching {}, and not the stack's own program; Ctrl-C ends this and leaves the stack.",
        sources.names().join(", ")
    ));
    let outcome = loop {
        let watching = session
            .console
            .while_read(changed(session, &sources, &mut seen, &mut tails));
        match session.interrupt.or(watching).await {
            Ok(Some(true)) => session.console.say("The sources have changed."),
            Ok(Some(false) | None) => break Ok(()),
            Err(error) => break Err(error),
        }
        // It is never cut off. An error of the compiler is shown, and the next change tried.
        if let Err(error) = up::run(session, &up).await
            && session.interrupt.signal().is_none()
        {
            session.console.error(&error);
        }
    };
    drop(tails);
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

/// Shows the functions' lines until their sources are no longer as they were `seen`; false if nobody reads the lines.
async fn changed(
    session: &Session<'_>,
    sources: &Sources,
    seen: &mut State,
    tails: &mut Tails,
) -> Result<bool> {
    while !session.console.has_lost() {
        sleep(PACE).await;
        logs::show(&session.console, &tails.next().await?, Dates::BeforeToday);
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

/// The sources of the stack's functions.
struct Sources {
    folders: Vec<PathBuf>,
}

impl Sources {
    fn find(session: &Session<'_>, options: &DeployOptions) -> Result<Self> {
        let region = session.config.region_offline();
        let declaration = session.declare(&options.declare, &region)?;
        let folders = source_folders(&declaration.assets, &session.app.folder()?)?;
        Ok(Self {
            folders: folders.into_iter().collect(),
        })
    }

    /// Returns the folders as seen from the current one.
    fn names(&self) -> Vec<String> {
        let here = std::env::current_dir().unwrap_or_default();
        let seen = |folder: &PathBuf| match folder.strip_prefix(&here) {
            Ok(below) if below != Path::new("") => below.display().to_string(),
            _ => folder.display().to_string(),
        };
        self.folders.iter().map(seen).collect()
    }

    fn newest(&self) -> State {
        let mut files = Vec::new();
        for folder in &self.folders {
            // Cargo packages keep their sources in `src`; other code is a folder or a file.
            let manifest = folder.join("Cargo.toml");
            if manifest.is_file() {
                collect(&folder.join("src"), &mut files);
                files.push(manifest);
            } else if folder.is_dir() {
                collect(folder, &mut files);
            } else {
                files.push(folder.clone());
            }
        }
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
