//! How long `up`, a second `up` and `down` take with a given time added to every call, beside the least it can take.
//!
//! `bench PROVISION BOOTSTRAP [--delay MILLISECONDS] [--runs N] [--timeline yes]`

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use testkit::{Account, Call, Census, Cli, Emulator, Link, Options, Proxy, critical_chain};

/// Calls of which each needs the answer of the one before it.
struct Chain {
    command: &'static str,
    arguments: &'static [&'static str],
    calls: &'static [&'static str],
    /// What the project has promised, as calls and a factor.
    promise: (u32, f64),
}

const UP_UNSETTLED: Chain = Chain {
    command: "up --wait none on an empty account",
    arguments: &["up", "--wait", "none"],
    calls: &[
        "look",
        "CreateRestApi",
        "CreateResource",
        "PutMethod",
        "PutIntegration",
        "CreateDeployment",
        "CreateStage",
        "CreateUsagePlan",
        "CreateUsagePlanKey",
    ],
    promise: (8, 1.4),
};

const UP: Chain = Chain {
    command: "up on an empty account",
    arguments: &["up"],
    calls: &[
        "look",
        "CreateRestApi",
        "CreateResource",
        "PutMethod",
        "PutIntegration",
        "CreateDeployment",
        "CreateStage",
        "CreateUsagePlan",
        "CreateUsagePlanKey",
        "request to the endpoint",
    ],
    promise: (8, 1.4),
};

const AGAIN: Chain = Chain {
    command: "up again",
    arguments: &["up"],
    calls: &["look", "look into what was found"],
    promise: (3, 1.0),
};

const DOWN: Chain = Chain {
    command: "down",
    arguments: &["down"],
    calls: &[
        "look",
        "look into what was found",
        "DeleteFunction",
        "GetFunction",
        "DeleteRolePolicy",
        "DeleteRole",
    ],
    promise: (6, 1.4),
};

/// One command's runs.
struct Series {
    chain: &'static Chain,
    runs: Vec<(Duration, Vec<Call>)>,
}

struct Arguments {
    provision: String,
    bootstrap: String,
    delay: Duration,
    runs: u32,
    /// Every call of the best run, too.
    timeline: bool,
}

impl Arguments {
    fn parse() -> Option<Self> {
        let mut arguments = std::env::args().skip(1);
        let mut parsed = Self {
            provision: arguments.next()?,
            bootstrap: arguments.next()?,
            delay: Duration::from_millis(60),
            runs: 5,
            timeline: false,
        };
        while let Some(flag) = arguments.next() {
            let value = arguments.next()?;
            match flag.as_str() {
                "--delay" => parsed.delay = Duration::from_millis(value.parse().ok()?),
                "--runs" => parsed.runs = value.parse().ok().filter(|runs| *runs > 0)?,
                "--timeline" => parsed.timeline = value == "yes",
                _ => return None,
            }
        }
        Some(parsed)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(arguments) = Arguments::parse() else {
        print(
            "usage: bench PROVISION BOOTSTRAP [--delay MILLISECONDS] [--runs N] [--timeline yes]\n",
        );
        return ExitCode::from(64);
    };
    // The binaries are named as seen from here, and run elsewhere.
    let provision = std::fs::canonicalize(&arguments.provision).expect("the tool is built");
    let bootstrap = std::fs::canonicalize(&arguments.bootstrap).expect("the function is built");
    let emulator = Emulator::start();
    let mut all = [&UP_UNSETTLED, &DOWN, &UP, &AGAIN].map(|chain| Series {
        chain,
        runs: Vec::new(),
    });
    // The first round wakes the emulator, which loads each service at its first call, and is not counted.
    for number in 0..=arguments.runs {
        let id = format!("{}", 800_000_000_001 + u64::from(number));
        let options = Options {
            delay: arguments.delay,
            account: Some(id.clone()),
            strict: false,
            exact: Emulator::is_ours(),
        };
        let proxy = Proxy::start(emulator.url(), options);
        let cli = Cli::new(&provision, &proxy.url(), &id)
            .env("PROVISION_BOOTSTRAP", &bootstrap.display().to_string());
        for series in &mut all {
            let run = cli
                .run(&[series.chain.arguments, &["--yes"]].concat())
                .await
                .expect(0);
            let calls = proxy.take_calls();
            if number > 0 {
                series.runs.push((run.elapsed, calls));
            }
        }
        cli.run(&["down", "--yes"]).await.expect(0);
        let account = Account::connect(emulator.url(), &id).await;
        let left = Census::take(&account).await;
        assert!(left.is_empty(), "down left {:?}", left.counts());
    }
    let intro = format!(
        "{} runs each, {} ms added to every call\n",
        arguments.runs,
        arguments.delay.as_millis()
    );
    print(&intro);
    for series in &mut all {
        print(&report(series, arguments.delay));
        if arguments.timeline {
            print(&timeline(&series.runs[0].1));
        }
    }
    ExitCode::SUCCESS
}

fn report(series: &mut Series, delay: Duration) -> String {
    series.runs.sort_by_key(|(elapsed, _)| *elapsed);
    let (best, calls) = &series.runs[0];
    let median = series.runs[series.runs.len() / 2].0;
    let chain = series.chain;
    let length = u32::try_from(chain.calls.len()).expect("a chain is short");
    let (promised, factor) = chain.promise;
    let writes = calls.iter().filter(|call| call.write).count();
    let asked = calls
        .iter()
        .filter(|call| call.service == "execute-api")
        .count();
    let mut text = format!("\n{}\n", chain.command);
    let mut line = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<22}{value}");
    };
    line("median", millis(median));
    line("best", millis(*best));
    line(
        "calls (best run)",
        format!("{}: {writes} writes, {asked} to the endpoint", calls.len()),
    );
    line("chain", format!("{length}: {}", chain.calls.join(" > ")));
    line(
        "floor",
        format!(
            "{}, median is {:.2} of it",
            millis(delay * length),
            ratio(median, delay * length)
        ),
    );
    line(
        "promise",
        format!(
            "{factor} x {promised} x {} ms = {}, median is {:.2} x {promised} x {} ms: {}",
            delay.as_millis(),
            millis((delay * promised).mul_f64(factor)),
            ratio(median, delay * promised),
            delay.as_millis(),
            if ratio(median, delay * promised) <= factor {
                "kept"
            } else {
                "not kept"
            },
        ),
    );
    let measured = critical_chain(calls);
    line(
        "measured chain",
        format!("{} calls (best run)", measured.len()),
    );
    for link in &measured {
        line("", describe(link));
    }
    let last = measured.iter().map(|link| link.gap + link.took).sum();
    line(
        "outside of calls",
        format!("{} of the best run", millis(best.saturating_sub(last))),
    );
    line("by operation", count(calls));
    text
}

fn timeline(calls: &[Call]) -> String {
    let begin = calls.first().map_or(Duration::ZERO, |call| call.started);
    let mut text = String::new();
    for call in calls {
        let from = call.started.saturating_sub(begin).as_millis();
        let to = call.ended.saturating_sub(begin).as_millis();
        let _ = writeln!(
            text,
            "  {from:>6} {to:>6}  {} {}",
            call.service, call.operation
        );
    }
    text
}

fn describe(link: &Link) -> String {
    format!(
        "{:>5} ms after the call before, {:>5} ms: {}",
        link.gap.as_millis(),
        link.took.as_millis(),
        link.operation
    )
}

fn count(calls: &[Call]) -> String {
    let mut counts = std::collections::BTreeMap::<_, u32>::new();
    for call in calls {
        *counts
            .entry(format!("{} {}", call.service, call.operation))
            .or_default() += 1;
    }
    let counts = counts.into_iter();
    counts
        .map(|(operation, count)| {
            if count == 1 {
                operation
            } else {
                format!("{operation} x{count}")
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn ratio(time: Duration, floor: Duration) -> f64 {
    time.as_secs_f64() / floor.as_secs_f64()
}

fn print(text: &str) {
    let mut out = std::io::stdout();
    // Whoever closed the pipe does not want the rest.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
