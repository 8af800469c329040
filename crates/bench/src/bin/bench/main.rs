//! Measures `up`, a second `up` and `down` with a fixed time added to every call, beside the least they can take.
//!
//! `bench PROVISION BOOTSTRAP [--delay MILLISECONDS] [--runs N] [--timeline yes]`

mod arguments;
mod chains;
mod report;
mod timeline;

use std::process::ExitCode;

use bench::print;
use testkit::{Account, Census, Cli, Emulator, Options, Proxy};

use crate::arguments::Arguments;
use crate::chains::{AGAIN, DOWN, UP, UP_UNSETTLED};
use crate::report::{Series, report};
use crate::timeline::timeline;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(arguments) = Arguments::parse() else {
        print(
            "usage: bench PROVISION BOOTSTRAP [--delay MILLISECONDS] [--runs N] [--timeline yes]\n",
        );
        return ExitCode::from(64);
    };
    // The binaries run in another working directory.
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
