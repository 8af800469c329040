//! AWS's lag, each kind alone and all together: every run ends well at the first try, and the user sees what it waits for.

use std::time::Duration;

use local_aws::Faults;
use provision_cli::exit::Exit;
use testkit::Census;
use tokio::time::sleep;

use crate::world::{Ended, World, binary};

/// One way in which AWS is behind.
struct Lag {
    name: &'static str,
    faults: Faults,
    /// What some run says while it waits.
    said: &'static [&'static str],
}

const ASSUME: &str = "waiting for Lambda to be able to assume the new role";
const READY: &str = "waiting for the function to be ready";
const ACTIVE: &str = "waiting for the table to become active";
const TABLE_GONE: &str = "waiting for the table to be gone";
const FUNCTION_GONE: &str = "waiting for the function to be gone";
const LIVE: &str = "waiting for the endpoint to answer";

/// One kind of lag, how it comes about, and what is said of it.
type Kind = (&'static str, fn(&mut Faults), &'static [&'static str]);

const KINDS: [Kind; 14] = [
    (
        "role",
        |faults| faults.role_propagation_ms = 40_000,
        &[ASSUME],
    ),
    // A ping needs no right of the role's: nobody waits for it.
    (
        "policy",
        |faults| faults.policy_propagation_ms = 20_000,
        &[],
    ),
    (
        "visibility",
        |faults| faults.visibility_ms = 3_000,
        &[ACTIVE],
    ),
    (
        "table creating",
        |faults| faults.table_creating_ms = 20_000,
        &[ACTIVE],
    ),
    (
        "table deleting",
        |faults| faults.table_deleting_ms = 30_000,
        &[TABLE_GONE],
    ),
    (
        "function pending",
        |faults| faults.function_pending_ms = 8_000,
        &[READY],
    ),
    (
        "function updating",
        |faults| faults.function_updating_ms = 8_000,
        &[READY],
    ),
    (
        "function deleting",
        |faults| faults.function_deleting_ms = 8_000,
        &[FUNCTION_GONE],
    ),
    ("key", |faults| faults.key_propagation_ms = 90_000, &[LIVE]),
    (
        "deployment",
        |faults| faults.deployment_propagation_ms = 20_000,
        &[LIVE],
    ),
    (
        "permission",
        |faults| faults.permission_propagation_ms = 15_000,
        &[LIVE],
    ),
    (
        "ghost log group",
        |faults| faults.ghost_log_group_ms = 10_000,
        &[],
    ),
    // What is declared is found by its name.
    ("tag index", |faults| faults.tag_index_ms = 40_000, &[]),
    (
        "tag index of what is gone",
        |faults| faults.tag_index_deleted_ms = 90_000,
        &[],
    ),
];

/// Each kind alone, and all together.
fn lags() -> Vec<Lag> {
    let mut all = Faults::default();
    let mut lags: Vec<Lag> = KINDS
        .iter()
        .map(|(name, set, said)| {
            set(&mut all);
            let mut faults = Faults::default();
            set(&mut faults);
            Lag { name, faults, said }
        })
        .collect();
    lags.push(Lag {
        name: "all",
        faults: all,
        said: &[ASSUME, READY, ACTIVE, TABLE_GONE, FUNCTION_GONE, LIVE],
    });
    lags
}

/// What an account holds after each kind of run, without any lag.
struct Clean {
    up: Census,
    updated: Census,
}

async fn clean() -> Clean {
    let world = World::deployed(Faults::default()).await;
    let up = world.census().await;
    run(&world, &update()).await.expect(Exit::Done);
    Clean {
        up,
        updated: world.census().await,
    }
}

/// Other code, another throttle.
fn update() -> Vec<String> {
    let mut arguments: Vec<String> = ["up", "--yes", "--rate", "50", "--bootstrap"]
        .map(str::to_owned)
        .into();
    arguments.push(binary(2));
    arguments
}

async fn run(world: &World, arguments: &[String]) -> Ended {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    world.run(&arguments).await
}

/// Why a kind of lag is not taken, if so.
async fn survives(lag: &Lag, clean: &Clean) -> Result<(), String> {
    let world = World::new(lag.faults.clone()).await;
    let up: Vec<String> = ["up", "--yes"].map(str::to_owned).into();
    let down: Vec<String> = ["down", "--yes"].map(str::to_owned).into();
    let mut said = String::new();
    let runs = [
        ("cold", &up, Some(&clean.up)),
        ("no-op", &up, Some(&clean.up)),
        ("update", &update(), Some(&clean.updated)),
        ("down", &down, None),
        ("up after down", &up, Some(&clean.up)),
        ("last down", &down, None),
    ];
    for (name, arguments, wanted) in runs {
        let ended = run(&world, arguments).await;
        said.push_str(&ended.printed.stderr);
        if ended.exit != Some(Exit::Done) {
            return Err(format!(
                "{name} ended with {:?}:\n{}",
                ended.exit, ended.printed.stderr
            ));
        }
        if name == "no-op" && ended.writes() != 0 {
            return Err(format!("the no-op run wrote:\n{}", ended.printed.stderr));
        }
        let found = world.census().await;
        let is_right = match wanted {
            Some(wanted) => found.masked() == wanted.masked(),
            None => found.is_empty(),
        };
        if !is_right {
            return Err(format!(
                "after {name} the account holds {:#}\n{}",
                found.masked(),
                ended.printed.stderr
            ));
        }
    }
    sleep(Duration::from_mins(1)).await;
    let later = world.census().await;
    if !later.is_empty() {
        return Err(format!(
            "a minute after `down` there is {:#}",
            later.masked()
        ));
    }
    match lag.said.iter().find(|line| !said.contains(**line)) {
        Some(line) => Err(format!("nobody was told of {line:?}:\n{said}")),
        None => Ok(()),
    }
}

#[expect(clippy::print_stdout, reason = "the line is what CI shows")]
#[tokio::test(start_paused = true)]
async fn every_lag_is_waited_out() {
    let clean = clean().await;
    let lags = lags();
    let mut failures = Vec::new();
    for lag in &lags {
        if let Err(why) = Box::pin(survives(lag, &clean)).await {
            println!("FAILED lag {}: {why}", lag.name);
            failures.push(lag.name);
        }
    }
    println!(
        "lag: {} kinds, 6 runs each, {} failures",
        lags.len(),
        failures.len()
    );
    assert_eq!(failures, Vec::<&str>::new());
}
