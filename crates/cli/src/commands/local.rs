//! `local`: start, stop or inspect the local AWS by itself.

use anyhow::{Result, bail};
use serde_json::json;

use super::Session;
use crate::args;
use crate::exit::Exit;
use crate::local::{self, Ready, Server, Start};
use provision_engine::fault::{Code, Fault};

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Local) -> Result<Exit> {
    match arguments {
        args::Local::Start(arguments) => start(session, arguments).await,
        args::Local::Stop => stop(session).await,
        args::Local::Status => status(session).await,
    }
}

async fn start(session: &Session<'_>, arguments: &args::LocalStart) -> Result<Exit> {
    let settings = &session.config.local_aws;
    let sources = session.app.folder()?;
    let start = Start {
        port: arguments.port,
        faults: arguments.faults.clone(),
    };
    if arguments.foreground {
        if let Some(server) = Server::find(&settings.folder).await {
            bail!(runs_already(&server));
        }
        // Ctrl-C reaches the server too, and it is the one to end.
        return Ok(if local::run(settings, &sources, &start).await? {
            Exit::Done
        } else {
            Exit::Failed
        });
    }
    let getting_ready = local::ready(settings, &sources, &start, &session.console);
    let Ready { server, is_new, .. } = session.interrupt.or(getting_ready).await?;
    if !is_new {
        if start.differs_from(&server) {
            bail!(runs_already(&server));
        }
        session.console.say("It runs already.");
    }
    say(session, Some(&server));
    Ok(Exit::Done)
}

/// It cannot be started with what was asked for.
fn runs_already(server: &Server) -> Fault {
    Code::LocalRunsAlready
        .fault(format!(
            "the local AWS runs already, at {} (process {})",
            server.url, server.pid
        ))
        .remedy("`provision local stop` first")
}

async fn stop(session: &Session<'_>) -> Result<Exit> {
    let folder = &session.config.local_aws.folder;
    match Server::find(folder).await {
        Some(server) => {
            server.stop(folder).await?;
            session.console.say(&format!(
                "Stopped; what it holds stays in {}.",
                folder.display()
            ));
        }
        None => session.console.say("It does not run."),
    }
    if session.config.json {
        say(session, None);
    }
    Ok(Exit::Done)
}

async fn status(session: &Session<'_>) -> Result<Exit> {
    let server = Server::find(&session.config.local_aws.folder).await;
    say(session, server.as_ref());
    Ok(Exit::Done)
}

fn say(session: &Session<'_>, server: Option<&Server>) {
    let folder = &session.config.local_aws.folder;
    let text = if session.config.json {
        json!({
            "schema": 1,
            "running": server.is_some(),
            "url": server.map(|server| &server.url),
            "pid": server.map(|server| server.pid),
            "resources": server.map(|server| server.records),
            "folder": folder,
        })
        .to_string()
    } else {
        match server {
            Some(server) => format!(
                "running    {}\nprocess    {}\nresources  {}\nfolder     {}",
                server.url,
                server.pid,
                server.records,
                folder.display()
            ),
            None => format!("stopped\nfolder     {}", folder.display()),
        }
    };
    session.console.result(&text);
}
