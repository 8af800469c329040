//! Every call of `up`, of an update and of `down`, and every fault at it: the run ends honestly, and one plain run more
//! ends where an undisturbed one would have. What an answer's loss makes unclear is tried once more in an account whose
//! reads and changes lag behind. The lab's stack has all of this, the shop's a sample.

use std::num::NonZero;
use std::sync::atomic::Ordering;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use local_aws::Faults;
use provision_cli::exit::Exit;
use provision_engine::interrupt::Signal;
use testkit::Census;
use testkit::mutation::Mutation;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use crate::application::{Application, LAB, SHOP};
use crate::fault::Fault;
use crate::undeclared;
use crate::world::World;

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

    async fn world(self, of: &'static Application, pace: Pace) -> World {
        let faults = pace.faults();
        let world = match self {
            Self::Cold => World::of(of, faults).await,
            Self::Shrink => undeclared::deployed_of(of, faults).await,
            Self::Update | Self::Repair | Self::Down => World::deployed_of(of, faults).await,
        };
        let mutations: &[Mutation] = match self {
            Self::Update => of.drift,
            Self::Repair => &[Mutation::DeleteApi],
            Self::Cold | Self::Down | Self::Shrink => &[],
        };
        sleep(LATER).await;
        for mutation in mutations {
            world.apply(*mutation).await;
        }
        sleep(LATER).await;
        world
    }

    fn arguments(self, of: &Application) -> Vec<String> {
        let text: &[&str] = match self {
            Self::Cold | Self::Repair | Self::Shrink | Self::Update => &["up", "--yes"],
            Self::Down => &["down", "--yes"],
        };
        let mut arguments: Vec<String> = text.iter().map(|text| (*text).to_owned()).collect();
        if self == Self::Update {
            arguments.extend(of.changed.iter().map(|text| (*text).to_owned()));
            arguments.extend(of.given(2));
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

/// What an undisturbed run comes to: how many calls, and what the account holds then.
struct Undisturbed {
    scenario: Scenario,
    pace: Pace,
    calls: usize,
    census: Census,
}

async fn undisturbed(of: &'static Application, scenario: Scenario, pace: Pace) -> Undisturbed {
    let world = scenario.world(of, pace).await;
    world.way.take_calls();
    let arguments = scenario.arguments(of);
    let ended = run(&world, &arguments).await.expect(Exit::Done);
    sleep(LATER).await;
    let census = world.census().await;
    let wanted = match scenario {
        Scenario::Down => &[],
        _ => of.census,
    };
    let counts = census.counts();
    let counts: Vec<_> = counts.iter().map(|(kind, n)| (kind.as_str(), *n)).collect();
    assert_eq!(counts, wanted, "{} of {}", scenario.name(), of.name);
    Undisturbed {
        scenario,
        pace,
        calls: ended.calls.len(),
        census,
    }
}

async fn run(world: &World, arguments: &[String]) -> crate::world::Ended {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    world.run(&arguments).await
}

/// Why a case fails, if it does.
async fn case(
    of: &'static Application,
    undisturbed: &Undisturbed,
    fault: Fault,
    at: usize,
) -> Result<(), String> {
    let Undisturbed { scenario, pace, .. } = *undisturbed;
    let world = scenario.world(of, pace).await;
    world.way.take_calls();
    let arguments = scenario.arguments(of);
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
    /// Each of this many in turn. A prime that does not divide the number of faults, so that each call and each fault gets
    /// its turn.
    Every(usize),
    One(String),
}

impl Chosen {
    /// Reads `PROVISION_FAULTS`; `None` if that is one case of another application.
    fn from_environment(matrix: &Matrix) -> Option<Self> {
        match std::env::var("PROVISION_FAULTS") {
            Err(_) => Some(Self::Every(matrix.sample)),
            Ok(text) if text.is_empty() => Some(Self::Every(matrix.sample)),
            Ok(text) if text == "all" => Some(Self::Every(matrix.all)),
            Ok(text) if text == "half" => Some(Self::Every(2 * matrix.all)),
            Ok(text) => {
                // The lab's have no prefix, which every name begins with.
                let mut last_first = MATRICES.iter().rev();
                let meant = last_first.find(|meant| text.starts_with(meant.prefix));
                let is_meant = meant.is_some_and(|meant| meant.prefix == matrix.prefix);
                is_meant.then_some(Self::One(text))
            }
        }
    }

    fn has(&self, name: &str, number: usize) -> bool {
        match self {
            Self::Every(stride) => number.is_multiple_of(*stride),
            Self::One(one) => one == name,
        }
    }
}

/// The cases of one application.
struct Matrix {
    of: &'static Application,
    /// The prefix of its cases' names.
    prefix: &'static str,
    /// One case of how many is run without being asked for.
    sample: usize,
    /// One case of how many is run with `PROVISION_FAULTS=all`. With `half`, which CI runs, one of twice as many: the number of
    /// faults is odd, so each call gets every second fault, and the next call the others.
    all: usize,
}

static MATRICES: [Matrix; 2] = [
    Matrix {
        of: &LAB,
        prefix: "",
        sample: 17,
        all: 1,
    },
    // Twice the calls, each run of which takes twice the time.
    Matrix {
        of: &SHOP,
        prefix: "shop/",
        sample: 503,
        all: 53,
    },
];

#[test]
fn every_call_survives_every_fault() {
    survives(&MATRICES[0]);
}

#[test]
fn calls_of_a_larger_stack_survive_faults() {
    survives(&MATRICES[1]);
}

/// Does the work of each of the workers in a thread of its own, whose time runs ahead.
fn each<T: Send>(workers: usize, work: impl AsyncFn(usize) -> T + Sync) -> Vec<T> {
    let work = &work;
    thread::scope(|scope| {
        let started: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || {
                    let mut runtime = Builder::new_current_thread();
                    let runtime = runtime.enable_all().start_paused(true).build();
                    runtime.expect("a runtime").block_on(work(worker))
                })
            })
            .collect();
        let ended = started.into_iter().map(ScopedJoinHandle::join);
        ended.map(|done| done.expect("a worker ends")).collect()
    })
}

#[expect(clippy::print_stdout, reason = "the matrix's line is what CI shows")]
fn survives(matrix: &'static Matrix) {
    let Some(chosen) = &Chosen::from_environment(matrix) else {
        return;
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let runs: Vec<(Pace, Scenario)> = Pace::ALL
        .into_iter()
        .flat_map(|pace| Scenario::ALL.map(|scenario| (pace, scenario)))
        .collect();
    let alone = each(workers, async |worker| {
        let mut alone = Vec::new();
        for &(pace, scenario) in runs.iter().skip(worker).step_by(workers) {
            alone.push(undisturbed(matrix.of, scenario, pace).await);
        }
        alone
    });
    let mut alone: Vec<_> = alone.into_iter().flatten().collect();
    // As they are numbered, however many workers there are.
    alone.sort_by_key(|run| {
        runs.iter()
            .position(|other| *other == (run.pace, run.scenario))
    });
    let shares = each(workers, async |worker| {
        share(matrix, &alone, chosen, worker, workers).await
    });
    let cases: usize = shares.iter().map(|share| share.cases).sum();
    let Share { number, calls, .. } = shares[0];
    let failures: Vec<String> = shares
        .into_iter()
        .flat_map(|share| share.failures)
        .collect();
    println!(
        "fault matrix ({}): {cases} cases of {number}, at {calls} calls, of {} faults, {} failures",
        matrix.of.name,
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
async fn share(
    matrix: &Matrix,
    alone: &[Undisturbed],
    chosen: &Chosen,
    worker: usize,
    workers: usize,
) -> Share {
    let mut failures = Vec::new();
    let (mut cases, mut chosen_so_far, mut number, mut calls) = (0, 0, 0, 0);
    for undisturbed in alone {
        let Undisturbed { scenario, pace, .. } = *undisturbed;
        calls += undisturbed.calls;
        for at in 0..undisturbed.calls {
            for fault in Fault::ALL.into_iter().filter(|fault| pace.has(*fault)) {
                let name = format!(
                    "{}{}{}/{fault:?}/{at}",
                    matrix.prefix,
                    pace.prefix(),
                    scenario.name()
                );
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
                let case = Box::pin(case(matrix.of, undisturbed, fault, at));
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
