//! No secret leaves by accident: the API key's value and the tool's secret access key, looked for in everything that any
//! command prints at any verbosity, in success and in failure, and in the record and the report that it leaves.

use std::fs;
use std::path::Path;
use std::time::Duration;

use local_aws::Faults;
use provision_cli::exit::Exit;
use provision_cli::github::GitHub;
use tokio::time::timeout;

use crate::fault::Fault;
use crate::world::World;

const COMMANDS: [&[&str]; 12] = [
    &["plan"],
    &["up", "--yes"],
    &["outputs"],
    &["outputs", "api_key"],
    &["invoke"],
    &["invoke", "--direct"],
    &["key", "rotate"],
    &["drift"],
    &["policy"],
    &["logs"],
    &["explain"],
    &["down", "--yes"],
];

const STYLES: [&[&str]; 10] = [
    &[],
    &["-q"],
    &["-v"],
    &["-vv"],
    &["-vvv"],
    &["--json"],
    &["--json", "-q"],
    &["--json", "-v"],
    &["--json", "-vv"],
    &["--json", "-vvv"],
];

/// The command at the disturbed call, in one style.
#[derive(Clone, Copy, Debug)]
struct Case {
    command: &'static [&'static str],
    style: &'static [&'static str],
    fault: Option<(Fault, usize)>,
    is_deployed: bool,
    /// True if GitHub's runner reads what is printed.
    in_workflow: bool,
}

/// What must not be printed: the values of all keys there are. The tool's own secret access key belongs to them.
async fn secrets(world: &World) -> Vec<String> {
    let keys = world
        .account
        .apigateway
        .get_api_keys()
        .include_values(true)
        .send()
        .await
        .expect("a list");
    let values = keys.items().iter().filter_map(|key| key.value());
    values
        .map(str::to_owned)
        .chain([World::SECRET_ACCESS_KEY.to_owned()])
        .collect()
}

/// Why a run that printed `text` has told too much.
fn tells<'a>(text: &str, secrets: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let told = secrets.into_iter().find(|secret| text.contains(*secret))?;
    Some(format!("{told} is in:\n{text}"))
}

/// The record that a run left, and the page made of it.
async fn left(world: &World, runs: &Path) -> String {
    let record = fs::read_to_string(runs.join("serverless-lab.json"));
    let page = runs.join("report.html");
    let report = world.run(&["report", &page.display().to_string()]).await;
    report.expect(Exit::Done);
    let page = fs::read_to_string(page);
    record.expect("a record") + &page.expect("a page")
}

async fn case(case: Case) -> Result<usize, String> {
    let mut world = if case.is_deployed {
        World::deployed(Faults::default()).await
    } else {
        World::new(Faults::default()).await
    };
    world.github = case.in_workflow.then(GitHub::default);
    let runs = tempfile::tempdir().expect("a folder");
    world.runs = Some(runs.path().to_owned());
    let mut hidden = secrets(&world).await;
    let arguments: Vec<&str> = case.command.iter().chain(case.style).copied().collect();
    let ended = match case.fault {
        None => world.run(&arguments).await,
        Some((fault, at)) => {
            let (hands, _) = fault.arm(&world, at);
            let ended = world.run_by(&hands, &arguments).await;
            world.way.forward_all();
            ended
        }
    };
    hidden.extend(secrets(&world).await);
    // The runner is told what it has to hide, and by nothing else.
    let said = ended.printed.stderr.lines();
    let said: Vec<&str> = said
        .filter(|line| !(case.in_workflow && line.starts_with("::add-mask::")))
        .collect();
    // Only these leave one, and not if they are killed.
    let leaves = ["up", "down"].contains(&case.command[0]) && ended.exit.is_some();
    let left = if leaves {
        left(&world, runs.path()).await
    } else {
        String::new()
    };
    let printed = format!("{}{}{left}", ended.printed.stdout, said.join("\n"));
    match tells(&printed, &hidden) {
        Some(why) => Err(why),
        None => Ok(ended.calls.len()),
    }
}

async fn within(limit: Duration, one: Case, failures: &mut Vec<String>) -> usize {
    let outcome = timeout(limit, Box::pin(case(one))).await;
    match outcome.unwrap_or_else(|_| Err("it hangs".to_owned())) {
        Ok(calls) => calls,
        Err(why) => {
            failures.push(format!("{one:?}: {why}"));
            0
        }
    }
}

#[expect(clippy::print_stdout, reason = "the line is what CI shows")]
#[tokio::test(start_paused = true)]
async fn nothing_tells_a_secret() {
    let limit = Duration::from_hours(2);
    let mut failures = Vec::new();
    let (mut outputs, mut number) = (0, 0);
    for command in COMMANDS {
        let mut calls = 0;
        for style in STYLES {
            let whole = Case {
                command,
                style,
                fault: None,
                is_deployed: command[0] != "up",
                in_workflow: outputs % 2 == 1,
            };
            calls = calls.max(within(limit, whole, &mut failures).await);
            outputs += 1;
        }
        // Styles take turns, so that each meets each fault.
        for fault in Fault::ALL {
            for at in (0..calls).step_by(9) {
                let disturbed = Case {
                    command,
                    style: STYLES[number % STYLES.len()],
                    fault: Some((fault, at)),
                    is_deployed: command[0] != "up",
                    in_workflow: number / STYLES.len() % 2 == 1,
                };
                within(limit, disturbed, &mut failures).await;
                number += 1;
            }
        }
    }
    outputs += number;
    println!(
        "secrets: {outputs} outputs read, {} tell one",
        failures.len()
    );
    assert_eq!(failures, Vec::<String>::new());
}

/// The test above can fail: whoever asks for the value gets it, and the search finds it.
#[tokio::test(start_paused = true)]
async fn who_asks_is_told() {
    let world = World::deployed(Faults::default()).await;
    let hidden = secrets(&world).await;
    for arguments in [
        &["outputs", "--show-secrets"][..],
        &["outputs", "--show-secrets", "--json"],
        &["outputs", "--show-secrets", "api_key"],
    ] {
        let shown = world.run(arguments).await.expect(Exit::Done);
        assert!(tells(&shown.printed.stdout, &hidden).is_some());
        assert_eq!(tells(&shown.printed.stderr, &hidden), None);
    }
}
