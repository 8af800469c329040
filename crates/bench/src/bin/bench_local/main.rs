//! Measures the local AWS against its goals: starts, `up`, invocations, the throttle, throughput, and kills.
//!
//! `bench_local LOCAL_AWS PROVISION BOOTSTRAP` prints a table in Markdown.

mod caller;
mod flood;
mod home;
mod kills;
mod starts;
mod table;
mod ups;
mod warm;

use std::path::PathBuf;
use std::process::ExitCode;

use bench::print;

use crate::home::{Home, Programs, end};

#[tokio::main]
async fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os()
        .skip(1)
        .map(|path| std::fs::canonicalize(path).expect("it has been built"))
        .collect();
    let Ok([local_aws, provision, bootstrap]) = <[PathBuf; 3]>::try_from(paths) else {
        print("usage: bench_local LOCAL_AWS PROVISION BOOTSTRAP\n");
        return ExitCode::from(64);
    };
    let programs = Programs {
        local_aws,
        provision,
        bootstrap,
    };
    print("| measured | goal | result | |\n|---|---|---|---|\n");
    ups::measure(&programs).await;
    let home = Home::new(&programs);
    let (server, _) = home.serve(&programs).await;
    home.up(&["--rate", "100000", "--burst", "100000"]).await;
    let endpoint = home.endpoint().await;
    end(server).await;
    starts::measure(&programs, &home, &endpoint).await;
    let (server, _) = home.serve(&programs).await;
    warm::measure(&endpoint).await;
    end(server).await;
    kills::measure(&programs, &home, &endpoint).await;
    let (server, _) = home.serve(&programs).await;
    flood::measure(&home, &endpoint).await;
    end(server).await;
    ExitCode::SUCCESS
}
