//! The local AWS as a program.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use local_aws::{Clock, Enforcement, Faults, LocalAws, Options, RequestLog, Runner, allow_files};
use rustix::fs::Mode;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// As other local targets have it, so that people's settings fit.
const PORT: u16 = 4566;
/// The exit code where another server uses the folder: `EX_TEMPFAIL` of `sysexits.h`.
const IN_USE: u8 = 75;

/// The reason that a program ends.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(
        "another server uses {0}\n  try: `provision local status`, or another folder (`PROVISION_LOCAL_DIR`)"
    )]
    InUse(String),
    #[error("{0}")]
    Other(String),
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Other(text)
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::InUse(_) => Self::from(IN_USE),
            Failure::Other(_) => Self::FAILURE,
        }
    }
}

/// An AWS of one's own on loopback: IAM, STS, Lambda, API Gateway, `DynamoDB` and `CloudWatch` Logs.
#[derive(Debug, Parser)]
#[command(name = "local-aws", version)]
struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Listen on 127.0.0.1 until SIGINT or SIGTERM
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Serve {
    /// Where everything is kept
    #[arg(
        long,
        value_name = "FOLDER",
        env = "PROVISION_LOCAL_DIR",
        default_value = ".provision/local"
    )]
    folder: PathBuf,
    /// The port, or 0 for a free one; a free one is taken as well if this one is in use [default: the last one, or 4566]
    #[arg(long, env = "PROVISION_LOCAL_PORT")]
    port: Option<u16>,
    /// Print a line for each request
    #[arg(long)]
    log_requests: bool,
    /// Whose rights are checked against their role's policies
    #[arg(long, value_enum, value_name = "WHOSE", default_value_t = Checked::Functions, num_args = 0..=1, default_missing_value = "all")]
    enforce_iam: Checked,
    /// Let scripts of web pages at this origin call the APIs of services, such as `http://localhost:5173`, or `*` for all
    #[arg(long, value_name = "ORIGIN", num_args = 1.., value_parser = origin)]
    cors: Vec<String>,
    /// What goes wrong from the start, as the JSON of `/_local/faults`
    #[arg(long, value_name = "JSON", value_parser = faults, default_value = "{}")]
    faults: Box<Faults>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Checked {
    Off,
    Functions,
    All,
}

/// As browsers send it: scheme, host and port, without a path. Any other text would never be met.
fn origin(text: &str) -> Result<String, String> {
    let host = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let is_host = host.is_some_and(|host| {
        !host.is_empty() && !host.contains(|one: char| one.is_whitespace() || "/?#".contains(one))
    });
    if text == "*" || is_host {
        Ok(text.to_owned())
    } else {
        Err("an origin is `http://HOST:PORT` without a path, or `*`".to_owned())
    }
}

fn faults(text: &str) -> Result<Box<Faults>, serde_json::Error> {
    serde_json::from_str(text).map(Box::new)
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let outcome = match local_aws::run_hidden(&arguments) {
        Some(outcome) => outcome.map_err(Failure::Other),
        None => match Cli::parse_from(arguments).command {
            Action::Serve(arguments) => serve(&arguments),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "error: {why}");
            ExitCode::from(&why)
        }
    }
}

fn serve(arguments: &Serve) -> Result<(), Failure> {
    // What it writes is for its owner alone.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let folder = prepared(&arguments.folder)?;
    let lock = locked(&folder)?;
    // Each environment of a function needs some.
    allow_files(65_536);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let outcome = runtime.block_on(listen(arguments, &folder));
    let _ = fs::remove_file(folder.join("server.json"));
    drop(lock);
    Ok(outcome?)
}

async fn listen(arguments: &Serve, folder: &Path) -> Result<(), String> {
    let listener = bind(arguments.port, folder)
        .await
        .map_err(|error| format!("127.0.0.1: {error}"))?;
    let aws = LocalAws::open(Options {
        folder: Some(folder.to_owned()),
        clock: Clock::System,
        runner: Runner::Processes {
            shim: std::env::current_exe().ok(),
        },
        faults: (*arguments.faults).clone(),
        enforcement: match arguments.enforce_iam {
            Checked::Off => Enforcement::Off,
            Checked::Functions => Enforcement::Functions,
            Checked::All => Enforcement::All,
        },
        request_log: arguments.log_requests.then(|| {
            let log: RequestLog = Box::new(|line| {
                let _ = writeln!(std::io::stdout(), "{line}");
            });
            log
        }),
    })
    .map_err(|error| {
        format!(
            "the state in {} cannot be used: {error}\n  try: another folder (`PROVISION_LOCAL_DIR`), or move this one away",
            folder.display()
        )
    })?;
    aws.allow_origins(arguments.cors.clone());
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let url = format!("http://{address}");
    // Caught before anybody learns where to send a signal: it ends the server in order from the first line on.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    announce(folder, &url)?;
    let _ = writeln!(std::io::stdout(), "{url}");
    let shutdown = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    aws.serve(listener, shutdown)
        .await
        .map_err(|error| error.to_string())
}

/// The port asked for, else the last one of this folder, so that URLs stay the same; a free one if it is in use.
async fn bind(port: Option<u16>, folder: &Path) -> io::Result<TcpListener> {
    let path = folder.join("port");
    let last = || fs::read_to_string(&path).ok()?.trim().parse().ok();
    let wanted = port.or_else(last).unwrap_or(PORT);
    let listener = match LocalAws::bind(wanted).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => LocalAws::bind(0).await?,
        other => other?,
    };
    // Without it the next start may take another port, which is no reason not to start.
    let _ = fs::write(path, listener.local_addr()?.port().to_string());
    Ok(listener)
}

/// The folder, which its owner alone may look into: it holds keys and items.
fn prepared(folder: &Path) -> Result<PathBuf, String> {
    let for_owner = || fs::set_permissions(folder, Permissions::from_mode(0o700));
    fs::create_dir_all(folder)
        .and_then(|()| for_owner())
        .and_then(|()| folder.canonicalize())
        .map_err(|error| format!("{}: {error}", folder.display()))
}

/// One server a folder: the lock goes with the process, however it ends.
fn locked(folder: &Path) -> Result<File, Failure> {
    let path = folder.join("lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Failure::InUse(folder.display().to_string())),
        Err(TryLockError::Error(error)) => Err(format!("{}: {error}", path.display()).into()),
    }
}

/// Tells where this server is: written whole or not at all.
fn announce(folder: &Path, url: &str) -> Result<(), String> {
    let text = json!({ "url": url, "pid": std::process::id() }).to_string();
    let path = folder.join("server.json");
    let draft = folder.join("server.json.new");
    fs::write(&draft, text)
        .and_then(|()| fs::rename(&draft, &path))
        .map_err(|error| format!("{}: {error}", path.display()))
}
