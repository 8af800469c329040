//! Interruption is polite, and output that goes nowhere stops nothing.

use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use local_aws::{Faults, LocalAws};
use provision_cli::exit::Exit;
use provision_engine::interrupt::Signal;
use testkit::{Account, Decision};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::world::{ACCOUNT, Hands, World, binary, local_aws};

/// How long calls in flight may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// What becomes of the call at which the signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InFlight {
    Ends,
    Hangs,
}

async fn world(command: &str) -> World {
    if command == "up" {
        World::new(Faults::default()).await
    } else {
        World::deployed(Faults::default()).await
    }
}

/// Returns true if the signal came at all, or why it was not taken well.
async fn case(
    command: &str,
    signal: Signal,
    at: usize,
    in_flight: InFlight,
) -> Result<bool, String> {
    let world = world(command).await;
    let hands = Hands::new();
    let when = Arc::new(Mutex::new(None));
    let seen = AtomicUsize::new(0);
    let started_late = Arc::new(Mutex::new(Vec::new()));
    let (acting, moment, late) = (hands.clone(), when.clone(), started_late.clone());
    world.way.decide(move |request| {
        let mut moment = moment.lock().expect("no holder panics");
        let is_late = moment.is_some_and(|moment| Instant::now() > moment);
        if is_late {
            let mut late = late.lock().expect("no holder panics");
            late.push(request.operation.clone());
        }
        if seen.fetch_add(1, Ordering::Relaxed) != at {
            // All take their time, so that some are in flight when the signal comes.
            return Decision::Delay(Duration::from_millis(60));
        }
        *moment = Some(Instant::now());
        acting.signal(signal);
        match in_flight {
            InFlight::Ends => Decision::Delay(Duration::from_millis(60)),
            InFlight::Hangs => Decision::HangAfter,
        }
    });
    let ended = world.run_by(&hands, &[command, "--yes"]).await;
    let over = Instant::now();
    world.way.forward_all();
    let Some(moment) = *when.lock().expect("no holder panics") else {
        return Ok(false);
    };
    let late = started_late.lock().expect("no holder panics").clone();
    let said = &ended.printed.stderr;
    if !late.is_empty() {
        return Err(format!("{late:?} came after the signal:\n{said}"));
    }
    if over - moment > GRACE + Duration::from_millis(100) {
        return Err(format!("it took {:?} to end:\n{said}", over - moment));
    }
    match ended.exit {
        Some(Exit::Done) => return Ok(true),
        Some(exit @ Exit::Interrupted(_)) if exit == Exit::Interrupted(signal) => {}
        exit => return Err(format!("it ended with {exit:?}:\n{said}")),
    }
    let again = match command {
        "up" => format!("up --bootstrap {}", binary(1)),
        _ => command.to_owned(),
    };
    let is_said = if ended.writes() == 0 && said.contains("nothing was changed") {
        true
    } else {
        ["Interrupted: ", " done, ", " failed, ", " not run; "]
            .iter()
            .all(|part| said.contains(part))
            && said.contains(&format!("`provision {again}` again goes on from here"))
    };
    if is_said {
        Ok(true)
    } else {
        Err(format!("nobody knows how to go on:\n{said}"))
    }
}

#[expect(clippy::print_stdout, reason = "the line is what CI shows")]
#[tokio::test(start_paused = true)]
async fn a_signal_starts_nothing_new() {
    let mut failures = Vec::new();
    let mut cases = 0;
    for command in ["up", "down"] {
        for at in (0..60).step_by(3) {
            let signal = if at % 2 == 0 {
                Signal::Interrupt
            } else {
                Signal::Terminate
            };
            for in_flight in [InFlight::Ends, InFlight::Hangs] {
                let outcome = timeout(
                    Duration::from_hours(1),
                    Box::pin(case(command, signal, at, in_flight)),
                )
                .await;
                match outcome.unwrap_or_else(|_| Err("it hangs".to_owned())) {
                    Ok(was_sent) => cases += usize::from(was_sent),
                    Err(why) => {
                        failures.push(format!("{command} {signal:?} {at} {in_flight:?}: {why}"));
                    }
                }
            }
        }
    }
    println!("polite: {cases} signals, {} failures", failures.len());
    assert_eq!(failures, Vec::<String>::new());
    assert!(cases > 0);
}

#[test]
fn scripts_see_the_signal() {
    let code = |exit: Exit| format!("{:?}", ExitCode::from(exit));
    let number = |number: u8| format!("{:?}", ExitCode::from(number));
    assert_eq!(code(Exit::Interrupted(Signal::Interrupt)), number(130));
    assert_eq!(code(Exit::Interrupted(Signal::Terminate)), number(143));
}

/// A local AWS behind a port, until it is dropped.
pub(crate) struct Served {
    pub(crate) url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(crate) fn start() -> Self {
        let (sender, receiver) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let listener = LocalAws::bind(0).await.expect("a free port");
                let port = listener.local_addr().expect("it listens").port();
                let url = format!("http://127.0.0.1:{port}");
                let aws = local_aws(Faults::default());
                aws.set_endpoint(&url);
                sender.send(url).expect("somebody waits for it");
                let stopped = async {
                    let _ = stopped.await;
                };
                aws.serve(listener, stopped).await.expect("it serves");
            });
        });
        Self {
            url: receiver.recv().expect("it starts"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// A shell's line whose commands find this AWS.
    fn shell(&self, line: &str) -> Command {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
            .env("AWS_REGION", Account::REGION)
            .stdin(Stdio::null());
        shell
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[tokio::test]
async fn output_that_goes_nowhere_stops_nothing() {
    let clean = World::deployed(Faults::default()).await.census().await;
    for (redirection, code) in [
        // All is done, and the outputs are not where they were to go.
        (">/dev/full 2>&1", 1),
        ("2>/dev/full", 0),
        (">&- 2>&-", 0),
        ("2>&1 | true", 0),
        ("--json -vv 2>&1 | true", 0),
    ] {
        let served = Served::start();
        let line = format!(
            "'{}' up --yes --bootstrap '{}' {redirection}",
            env!("CARGO_BIN_EXE_provision"),
            binary(1)
        );
        let ended = served.shell(&line).output().expect("there is a shell");
        assert_eq!(ended.status.code(), Some(code), "{redirection}");
        let account = Account::connect(&served.url, ACCOUNT).await;
        let census = testkit::Census::take(&account).await;
        clean.assert_same(&census, redirection);
    }
}

#[tokio::test]
async fn a_result_that_cannot_be_written_is_no_success() {
    let served = Served::start();
    let program = env!("CARGO_BIN_EXE_provision");
    for (line, code) in [
        ("policy >/dev/full", 1),
        ("plan --json >/dev/full", 1),
        ("policy | true", 0),
    ] {
        let binary = binary(1);
        let line = format!("PROVISION_BOOTSTRAP='{binary}' '{program}' {line}");
        let ended = served.shell(&line).output().expect("there is a shell");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{line}: {said}");
        assert_eq!(said.contains("error[P0060]"), code == 1, "{line}: {said}");
    }
}

#[tokio::test]
async fn who_follows_the_lines_ends_with_their_reader() {
    let served = Served::start();
    let program = env!("CARGO_BIN_EXE_provision");
    let binary = binary(1);
    // The reader leaves at once, and no line ever comes.
    let line = format!(
        "'{program}' up --yes --bootstrap '{binary}' >&2 && {{ '{program}' logs --follow; echo $? >&2; }} | true"
    );
    let mut shell = served.shell(&line);
    let ended = tokio::task::spawn_blocking(move || shell.output());
    let ended = timeout(Duration::from_secs(30), ended).await;
    let ended = ended.expect("it ends").expect("no panic");
    let said = String::from_utf8_lossy(&ended.expect("there is a shell").stderr).into_owned();
    assert!(said.ends_with("\n0\n"), "{said}");
}
