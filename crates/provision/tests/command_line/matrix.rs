//! Every call of `up`, of an update and of `down`, and every fault at it: the run ends honestly, and one plain run more
//! ends where an undisturbed one would have. What an answer's loss makes unclear is tried once more in an account whose
//! reads and changes lag behind.

use std::num::NonZero;
use std::sync::atomic::Ordering;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use local_aws::Faults;
use provision_cli::exit::Exit;
use provision_engine::interrupt::Signal;
use testkit::Census;
use testkit::sdk::apigateway::types::{Op, PatchOperation};

use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use crate::fault::Fault;
use crate::mutation::Mutation;
use crate::undeclared;
use crate::world::{World, binary};

/// A run to disturb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    /// `up` in an empty account.
    Cold,
    /// `up` after code, configuration, policy, throttle and the API's shape have come to differ.
    Update,
    /// `up` after the API was deleted.
    Repair,
    /// `down` of a whole stack.
    Down,
    /// `up` after resources were taken out of the declaration.
    Shrink,
}

impl Scenario {
    const ALL: [Self; 5] = [
        Self::Cold,
        Self::Update,
        Self::Repair,
        Self::Down,
        Self::Shrink,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Update => "update",
            Self::Repair => "repair",
            Self::Down => "down",
            Self::Shrink => "shrink",
        }
    }

    async fn world(self, pace: Pace) -> World {
        match self {
            Self::Cold => World::new(pace.faults()).await,
            Self::Update => {
                let world = World::deployed(pace.faults()).await;
                sleep(LATER).await;
                drift(&world).await;
                sleep(LATER).await;
                world
            }
            Self::Repair => {
                let world = World::deployed(pace.faults()).await;
                sleep(LATER).await;
                Mutation::DeleteApi.apply(&world.account).await;
                world
            }
            Self::Down => {
                let world = World::deployed(pace.faults()).await;
                sleep(LATER).await;
                world
            }
            Self::Shrink => {
                let world = undeclared::deployed(pace.faults()).await;
                sleep(LATER).await;
                world
            }
        }
    }

    fn arguments(self) -> Vec<String> {
        let text: &[&str] = match self {
            Self::Cold | Self::Repair | Self::Shrink => &["up", "--yes"],
            Self::Update => &["up", "--yes", "--rate", "50", "--bootstrap"],
            Self::Down => &["down", "--yes"],
        };
        let mut arguments: Vec<String> = text.iter().map(|text| (*text).to_owned()).collect();
        if self == Self::Update {
            arguments.push(binary(2));
        }
        arguments
    }
}

/// Long enough for everything to be seen by everybody.
const LATER: Duration = Duration::from_secs(30);

/// How fast the account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Prompt,
    /// Reads do not see what was just made, and everything takes its time.
    Lagging,
}

impl Pace {
    const ALL: [Self; 2] = [Self::Prompt, Self::Lagging];

    fn faults(self) -> Faults {
        match self {
            Self::Prompt => Faults::default(),
            Self::Lagging => Faults {
                visibility_ms: 3_000,
                role_propagation_ms: 5_000,
                table_creating_ms: 4_000,
                table_deleting_ms: 4_000,
                function_pending_ms: 3_000,
                function_updating_ms: 3_000,
                function_deleting_ms: 6_000,
                tag_index_ms: 5_000,
                tag_index_deleted_ms: 20_000,
                ..Faults::default()
            },
        }
    }

    /// Those faults for which the pace makes a difference.
    fn has(self, fault: Fault) -> bool {
        match self {
            Self::Prompt => true,
            Self::Lagging => matches!(
                fault,
                Fault::DropBefore | Fault::DropAfter | Fault::Status500 | Fault::KillAfter
            ),
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Prompt => "",
            Self::Lagging => "lagging-",
        }
    }
}

/// Somebody changes what the stack declares: the function's memory, the role's policy, the method's key; and what is
/// served counts as of another shape.
async fn drift(world: &World) {
    let account = &world.account;
    account
        .lambda
        .update_function_configuration()
        .function_name("LambdaFunctionOverHttps")
        .memory_size(512)
        .send()
        .await
        .expect("the function is there");
    account
        .iam
        .put_role_policy()
        .role_name("lambda-apigateway-role")
        .policy_name("lambda-apigateway-policy")
        .policy_document(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}]}"#,
        )
        .send()
        .await
        .expect("the role is there");
    let apis = account
        .apigateway
        .get_rest_apis()
        .send()
        .await
        .expect("a list");
    let api = apis.items()[0].id().expect("an id").to_owned();
    let resources = account
        .apigateway
        .get_resources()
        .rest_api_id(&api)
        .send()
        .await
        .expect("a list");
    let path = resources
        .items()
        .iter()
        .find(|resource| resource.path() == Some("/DynamoDBManager"))
        .and_then(|resource| resource.id())
        .expect("the path is there");
    account
        .apigateway
        .update_method()
        .rest_api_id(&api)
        .resource_id(path)
        .http_method("POST")
        .patch_operations(
            PatchOperation::builder()
                .op(Op::Replace)
                .path("/apiKeyRequired")
                .value("false")
                .build(),
        )
        .send()
        .await
        .expect("the method is there");
    let deployments = account
        .apigateway
        .get_deployments()
        .rest_api_id(&api)
        .send()
        .await
        .expect("a list");
    let other = format!("provision {}", "0".repeat(64));
    account
        .apigateway
        .update_deployment()
        .rest_api_id(&api)
        .deployment_id(deployments.items()[0].id().expect("an id"))
        .patch_operations(
            PatchOperation::builder()
                .op(Op::Replace)
                .path("/description")
                .value(other)
                .build(),
        )
        .send()
        .await
        .expect("the deployment is there");
}

/// What an undisturbed run comes to: how many calls, and what the account holds then.
struct Undisturbed {
    calls: usize,
    census: Census,
}

async fn undisturbed(scenario: Scenario, pace: Pace) -> Undisturbed {
    let world = scenario.world(pace).await;
    world.way.take_calls();
    let ended = run(&world, &scenario.arguments()).await.expect(Exit::Done);
    sleep(LATER).await;
    Undisturbed {
        calls: ended.calls.len(),
        census: world.census().await,
    }
}

async fn run(world: &World, arguments: &[String]) -> crate::world::Ended {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    world.run(&arguments).await
}

/// Why a case fails, if it does.
async fn case(
    scenario: Scenario,
    pace: Pace,
    fault: Fault,
    at: usize,
    undisturbed: &Undisturbed,
) -> Result<(), String> {
    let world = scenario.world(pace).await;
    world.way.take_calls();
    let arguments = scenario.arguments();
    let (hands, seen) = fault.arm(&world, at);
    let line: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let disturbed = world.run_by(&hands, &line).await;
    world.way.forward_all();
    if seen.load(Ordering::Relaxed) <= at {
        // Which calls there are may differ by what came first; the case is about one that did not happen.
        return Ok(());
    }
    let said = &disturbed.printed.stderr;
    let is_honest = match (fault, disturbed.exit) {
        (Fault::KillBefore | Fault::KillAfter, exit) => exit.is_none(),
        (Fault::Interrupt, Some(exit)) => {
            matches!(exit, Exit::Done | Exit::Interrupted(Signal::Interrupt))
        }
        (Fault::Terminate, Some(exit)) => {
            matches!(exit, Exit::Done | Exit::Interrupted(Signal::Terminate))
        }
        (fault, Some(exit)) if fault.is_absorbed() => exit == Exit::Done,
        (_, exit) => exit.is_some(),
    };
    if !is_honest {
        return Err(format!("ended with {:?}:\n{said}", disturbed.exit));
    }
    if disturbed.exit == Some(Exit::Done) {
        same(&world, undisturbed, "it said that all is done").await?;
    }
    // Whoever runs it again has read first what the last run said.
    sleep(LATER).await;
    let again = run(&world, &arguments).await;
    if again.exit != Some(Exit::Done) {
        return Err(format!(
            "the next run ended with {:?}:\n{}\nafter\n{said}",
            again.exit, again.printed.stderr
        ));
    }
    same(&world, undisturbed, "after the next run").await?;
    if scenario != Scenario::Down {
        let down = world.run(&["down", "--yes"]).await;
        if down.exit != Some(Exit::Done) {
            return Err(format!(
                "`down` ended with {:?}:\n{}",
                down.exit, down.printed.stderr
            ));
        }
    }
    sleep(LATER).await;
    let left = world.census().await;
    if !left.is_empty() {
        return Err(format!("`down` left {:?}", left.counts()));
    }
    Ok(())
}

async fn same(world: &World, undisturbed: &Undisturbed, when: &str) -> Result<(), String> {
    sleep(LATER).await;
    let census = world.census().await;
    let (found, wanted) = (census.masked(), undisturbed.census.masked());
    if found == wanted {
        return Ok(());
    }
    Err(format!(
        "{when}, the account holds\n{found:#}\ninstead of\n{wanted:#}"
    ))
}

/// Which cases to run.
enum Chosen {
    Sample,
    All,
    One(String),
}

impl Chosen {
    fn from_environment() -> Self {
        match std::env::var("PROVISION_FAULTS") {
            Err(_) => Self::Sample,
            Ok(text) if text.is_empty() => Self::Sample,
            Ok(text) if text == "all" => Self::All,
            Ok(text) => Self::One(text),
        }
    }

    fn has(&self, name: &str, number: usize) -> bool {
        match self {
            // Coprime with the number of faults, so that each call and each fault gets its turn.
            Self::Sample => number.is_multiple_of(17),
            Self::All => true,
            Self::One(one) => one == name,
        }
    }
}

#[expect(clippy::print_stdout, reason = "the matrix's line is what CI shows")]
#[test]
fn every_call_survives_every_fault() {
    let chosen = &Chosen::from_environment();
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let shares: Vec<Share> = thread::scope(|scope| {
        let started: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || {
                    let mut runtime = Builder::new_current_thread();
                    let runtime = runtime.enable_all().start_paused(true).build();
                    runtime
                        .expect("a runtime")
                        .block_on(share(chosen, worker, workers))
                })
            })
            .collect();
        let ended = started.into_iter().map(ScopedJoinHandle::join);
        ended.map(|share| share.expect("a worker ends")).collect()
    });
    let cases: usize = shares.iter().map(|share| share.cases).sum();
    let Share { number, calls, .. } = shares[0];
    let failures: Vec<String> = shares
        .into_iter()
        .flat_map(|share| share.failures)
        .collect();
    println!(
        "fault matrix: {cases} cases of {number}, at {calls} calls, of {} faults, {} failures",
        Fault::ALL.len(),
        failures.len()
    );
    assert!(cases > 0, "no case has this name");
    assert_eq!(failures, Vec::<String>::new());
}

/// The cases of one worker.
struct Share {
    /// The number of cases that were run.
    cases: usize,
    /// The number of cases of all workers, chosen or not.
    number: usize,
    /// The number of calls of all scenarios.
    calls: usize,
    failures: Vec<String>,
}

/// Runs every case whose turn it is of `worker` among `workers`.
#[expect(clippy::print_stdout, reason = "a failure is shown when it happens")]
async fn share(chosen: &Chosen, worker: usize, workers: usize) -> Share {
    let mut failures = Vec::new();
    let (mut cases, mut chosen_so_far, mut number, mut calls) = (0, 0, 0, 0);
    for (pace, scenario) in Pace::ALL
        .into_iter()
        .flat_map(|pace| Scenario::ALL.map(|scenario| (pace, scenario)))
    {
        let undisturbed = undisturbed(scenario, pace).await;
        calls += undisturbed.calls;
        for at in 0..undisturbed.calls {
            for fault in Fault::ALL.into_iter().filter(|fault| pace.has(*fault)) {
                let name = format!("{}{}/{fault:?}/{at}", pace.prefix(), scenario.name());
                number += 1;
                if !chosen.has(&name, number) {
                    continue;
                }
                chosen_so_far += 1;
                if chosen_so_far % workers != worker {
                    continue;
                }
                cases += 1;
                let limit = Duration::from_hours(2);
                let case = Box::pin(case(scenario, pace, fault, at, &undisturbed));
                let outcome = timeout(limit, case)
                    .await
                    .unwrap_or_else(|_| Err("it hangs".to_owned()));
                if let Err(why) = outcome {
                    println!(
                        "FAILED {name}: {why}\n  again: PROVISION_FAULTS={name} cargo test --workspace --test command_line"
                    );
                    failures.push(name);
                }
            }
        }
    }
    Share {
        cases,
        number,
        calls,
        failures,
    }
}
