//! What a run leaves behind for whoever looks at it afterwards.

use std::fs;
use std::path::Path;

use local_aws::Faults;
use provision_cli::exit::Exit;
use provision_cli::record::{Entry, Record};
use provision_engine::interrupt::Signal;
use tempfile::TempDir;

use crate::fault::Fault;
use crate::world::{Hands, World};

async fn recorded() -> (World, TempDir) {
    let mut world = World::new(Faults::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    world.runs = Some(folder.path().join("runs"));
    (world, folder)
}

fn record(folder: &Path) -> Record {
    Record::read(&folder.join("runs"), "serverless-lab").expect("a record")
}

#[tokio::test(start_paused = true)]
async fn up_leaves_all_that_happened() {
    let (world, folder) = recorded().await;
    let up = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    let record = record(folder.path());
    assert_eq!(record.exit_code, 0);
    assert_eq!(record.command[..3], ["provision", "up", "--yes"]);
    assert_eq!(record.outputs["api_key"], "****");
    let plan = record.plan.expect("a plan");
    assert_eq!(plan["summary"]["create"], 12);
    assert_eq!(plan["steps"][0]["status"], "done");
    let [package] = &record.packages[..] else {
        panic!("one package: {:?}", record.packages);
    };
    assert_eq!(package.assets, ["package"]);
    assert_eq!(package.binary.as_ref().map(|binary| binary.bytes), Some(80));

    let calls = record.timeline.iter().filter_map(|entry| match entry {
        Entry::Call {
            step, operation, ..
        } => Some((step.as_deref(), operation.as_str())),
        _ => None,
    });
    let calls: Vec<_> = calls.collect();
    let asked = up.calls.iter().filter(|call| call.service != "execute-api");
    assert_eq!(calls.len(), asked.count());
    assert!(calls.contains(&(Some("role"), "CreateRole")));
    assert!(calls.contains(&(None, "GetCallerIdentity")));
    let steps = record.timeline.iter().filter(|entry| {
        matches!(
            entry,
            Entry::Step {
                ms: Some(_),
                failed: false,
                ..
            }
        )
    });
    assert_eq!(steps.count(), 12);
    assert!(record.fields["role"].before.is_null());
    assert!(
        record.fields["stage"].after["deployment"].is_string(),
        "what was known after up is known"
    );
}

#[tokio::test(start_paused = true)]
async fn down_leaves_what_there_was() {
    let (world, folder) = recorded().await;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    world.run(&["down", "--yes"]).await.expect(Exit::Done);
    let record = record(folder.path());
    assert_eq!(record.command[1], "down");
    let table = &record.fields["table"];
    assert_eq!(table.before["name"], "lambda-apigateway");
    assert!(table.after.is_null());
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_leaves_its_error() {
    let (world, folder) = recorded().await;
    Fault::Expired.arm(&world, 3);
    let ended = world.run(&["up", "--yes"]).await;
    assert_ne!(ended.exit, Some(Exit::Done));
    let record = record(folder.path());
    assert_ne!(record.exit_code, 0);
    let error = record.errors.first().expect("an error");
    assert!(ended.printed.stderr.contains(error.as_str()));
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_leaves_a_record_too() {
    let (world, folder) = recorded().await;
    let hands = Hands::new();
    hands.signal(Signal::Interrupt);
    let ended = world.run_by(&hands, &["up", "--yes"]).await;
    ended.expect(Exit::Interrupted(Signal::Interrupt));
    assert_eq!(record(folder.path()).exit_code, 130);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_written_is_a_note() {
    let (mut world, folder) = recorded().await;
    let occupied = folder.path().join("file");
    fs::write(&occupied, "").expect("a file");
    world.runs = Some(occupied);
    let up = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert!(up.printed.stderr.contains("This run is not on record: "));
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_record_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (world, folder) = recorded().await;
    world.run(&["down", "--yes"]).await.expect(Exit::Done);
    let mode = |path: &str| {
        let found = fs::metadata(folder.path().join(path)).expect("it is there");
        found.permissions().mode() & 0o777
    };
    assert_eq!(mode("runs"), 0o700);
    assert_eq!(mode("runs/serverless-lab.json"), 0o600);
}

#[tokio::test(start_paused = true)]
async fn each_environment_has_its_own_and_the_last_run_counts() {
    let (world, folder) = recorded().await;
    for arguments in [
        &["up", "--yes"][..],
        &["up", "--yes", "--env", "dev"],
        &["down", "--yes"],
    ] {
        world.run(arguments).await.expect(Exit::Done);
    }
    let files = fs::read_dir(folder.path().join("runs")).expect("a folder");
    let names: std::collections::BTreeSet<_> = files
        .map(|file| file.expect("a file").file_name())
        .collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["serverless-lab-dev.json", "serverless-lab.json"]
    );
    assert_eq!(record(folder.path()).command[1], "down");
}

#[tokio::test(start_paused = true)]
async fn the_report_is_made_with_the_run_or_afterwards() {
    let (world, folder) = recorded().await;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (with, after) = (path("with.html"), path("after.html"));
    let up = world.run(&["up", "--yes", "--report", &with]).await;
    up.expect(Exit::Done);
    world.run(&["report", &after]).await.expect(Exit::Done);
    let read = |path: &str| fs::read_to_string(path).expect("a page");
    assert_eq!(read(&with), read(&after));
    assert!(read(&with).contains("<strong>lambda-apigateway-role</strong>"));
}

#[tokio::test(start_paused = true)]
async fn without_a_run_there_is_nothing_to_report() {
    let (world, folder) = recorded().await;
    let page = folder.path().join("page.html");
    let report = world.run(&["report", &page.display().to_string()]).await;
    let stderr = report.expect(Exit::Failed).printed.stderr;
    assert!(stderr.contains("no run of `serverless-lab` is on record"));
    assert!(stderr.contains("error[P0061]: ") && stderr.contains("try: `provision up`"));
    assert!(!page.exists());
}

#[tokio::test(start_paused = true)]
async fn a_page_that_could_not_be_written_stops_the_run_before_it_begins() {
    let (world, folder) = recorded().await;
    let page = folder
        .path()
        .join("missing/page.html")
        .display()
        .to_string();
    let up = world.run(&["up", "--yes", "--report", &page]).await;
    let up = up.expect(Exit::Failed);
    assert_eq!(up.calls.len(), 0);
    assert!(up.printed.stderr.contains("cannot be written"));
}
