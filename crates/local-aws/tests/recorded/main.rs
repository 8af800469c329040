//! Facts recorded from the real AWS, each tried on the local AWS: within this process, and over HTTP. See the folder's README.

mod check;
mod coverage;
mod door;
mod fact;
mod function;
mod run;

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use local_aws::{Clock, Enforcement, LocalAws, Options, Runner};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use door::Door;
use fact::Fact;
use run::Run;

/// Functions are processes; so many facts at once are enough for a small machine.
const AT_ONCE: usize = 8;

fn aws(folder: &std::path::Path) -> LocalAws {
    LocalAws::open(Options {
        folder: Some(folder.to_owned()),
        clock: Clock::System,
        runner: Runner::Processes {
            shim: Some(PathBuf::from(env!("CARGO_BIN_EXE_local-aws"))),
        },
        enforcement: Enforcement::Off,
        ..Options::default()
    })
    .expect("an AWS")
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let door = Door::Within(aws(folder.path()));
    try_all(door, |fact| !fact.only_over_http).await;
}

/// At `RECORDED_ENDPOINT` (`127.0.0.1:4566`), or at a listener of this test's own.
#[tokio::test(flavor = "multi_thread")]
async fn over_http() {
    if let Ok(address) = env::var("RECORDED_ENDPOINT") {
        let address: SocketAddr = address.parse().expect("an address and a port");
        try_all(Door::Http(address), |_| true).await;
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let aws = aws(folder.path());
    let listener = LocalAws::bind(0).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        aws.serve(listener, async {
            let _ = stopped.await;
        })
        .await
    });
    try_all(Door::Http(address), |_| true).await;
    drop(stop);
    server.await.expect("it ends").expect("an orderly end");
}

/// `RECORDED` is a part of the facts' names or files, to try only those.
async fn try_all(door: Door, is_for: impl Fn(&Fact) -> bool) {
    let only = env::var("RECORDED").unwrap_or_default();
    let common = Arc::new(fact::common());
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let facts = fact::all().into_iter().flat_map(|(area, facts)| {
        facts
            .into_iter()
            .map(move |fact| (area.clone(), fact))
            .collect::<Vec<_>>()
    });
    let facts = facts.filter(|(area, fact)| area.contains(&only) || fact.name.contains(&only));
    for (number, (area, fact)) in facts.enumerate() {
        if !is_for(&fact) {
            continue;
        }
        let (door, common, places) = (door.clone(), common.clone(), places.clone());
        running.spawn(async move {
            let _place = places.acquire().await.expect("it stays open");
            let account = format!("{:012}", 100_000_000_000_u64 + number as u64);
            let outcome = Run::new(&door, &common, account).steps(&fact.steps).await;
            let name = format!("{area}: {} ({} {})", fact.name, fact.source, fact.date);
            outcome.map_err(|why| format!("{name}\n  {why}"))
        });
    }
    let mut wrong = Vec::new();
    let mut tried = 0;
    while let Some(outcome) = running.join_next().await {
        tried += 1;
        wrong.extend(outcome.expect("no panic").err());
    }
    wrong.sort();
    let right = tried - wrong.len();
    let _ = writeln!(io::stdout(), "recorded: {right} of {tried}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 0, "no fact of the name {only}");
}
