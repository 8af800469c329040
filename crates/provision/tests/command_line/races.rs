//! Two runs at once, without a lock: thousands of interleavings of their calls.

use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use local_aws::Faults;
use provision_cli::exit::Exit;
use testkit::{Census, Decision};
use tokio::time::Instant;

use crate::application::{Application, LAB, SHOP};
use crate::world::{Hands, World};

/// What runs beside `up`, and what the run after both is.
const PAIRS: [(&[&str], &[&str]); 3] = [
    (&["up", "--yes"], &["up", "--yes"]),
    (&["down", "--yes"], &["up", "--yes"]),
    (&["down", "--yes"], &["down", "--yes"]),
];

/// Reads `PROVISION_RACES`; 40 without it.
fn rounds() -> u64 {
    let default = 40;
    match std::env::var("PROVISION_RACES") {
        Ok(text) => text.parse().unwrap_or(default),
        Err(_) => default,
    }
}

/// The seeds to run: the one that `PROVISION_RACE` names as `APPLICATION/SEED`, or the first of `rounds`.
fn seeds(of: &Application, rounds: u64) -> Range<u64> {
    match std::env::var("PROVISION_RACE") {
        Ok(named) => {
            let (name, seed) = named.split_once('/').unwrap_or((LAB.name, &named));
            assert!(
                [LAB.name, SHOP.name].contains(&name),
                "no application {name}"
            );
            let seed = seed.parse().expect("a seed is a number");
            if name == of.name {
                seed..seed + 1
            } else {
                0..0
            }
        }
        Err(_) => 0..rounds,
    }
}

/// Each call takes its own time, so that every seed is another order.
fn shuffle(world: &World, seed: u64) {
    let chance = Mutex::new(fastrand::Rng::with_seed(seed));
    world.way.decide(move |_| {
        let mut chance = chance.lock().expect("no holder panics");
        Decision::Delay(Duration::from_millis(chance.u64(0..120)))
    });
}

async fn race(of: &'static Application, seed: u64, clean: &Census) -> Result<(), String> {
    let (beside, after) = PAIRS[usize::try_from(seed % 3).unwrap_or_default()];
    let world = if beside[0] == "down" && seed.is_multiple_of(2) {
        World::deployed_of(of, Faults::default()).await
    } else {
        World::of(of, Faults::default()).await
    };
    shuffle(&world, seed);
    let (one, other) = (Hands::new(), Hands::new());
    // The second starts at any moment of the first.
    let late = Duration::from_millis(fastrand::Rng::with_seed(seed).u64(0..1500));
    let begun = Instant::now();
    let (one, other) = tokio::join!(world.run_by(&one, &["up", "--yes"]), async {
        tokio::time::sleep(late).await;
        world.run_by(&other, beside).await
    });
    let took = begun.elapsed();
    world.way.forward_all();
    for ended in [&one, &other] {
        if !matches!(ended.exit, Some(Exit::Done | Exit::Partly | Exit::Failed)) {
            return Err(format!(
                "one ended with {:?}: {}",
                ended.exit, ended.printed.stderr
            ));
        }
    }
    let is_up_up = beside[0] == "up";
    let says_why = |ended: &crate::world::Ended| {
        ended.exit == Some(Exit::Done) || ended.printed.stderr.contains("deploying")
    };
    if is_up_up && !(says_why(&one) && says_why(&other)) {
        return Err(format!(
            "neither success nor a word of the other run:\n{}\n---\n{}",
            one.printed.stderr, other.printed.stderr
        ));
    }
    // Two that both succeed leave one of everything by themselves; only `down` beside `up` may need a run more.
    if is_up_up && took > Duration::from_secs(30) {
        return Err(format!(
            "the two took {took:?}:\n{}\n---\n{}",
            one.printed.stderr, other.printed.stderr
        ));
    }
    if is_up_up && one.exit == Some(Exit::Done) && other.exit == Some(Exit::Done) {
        let census = world.census().await;
        if census.masked() != clean.masked() {
            return Err(format!(
                "both succeeded, and the account holds {:#}\n{}\n---\n{}",
                census.masked(),
                one.printed.stderr,
                other.printed.stderr
            ));
        }
    }
    let last = world.run(after).await;
    if last.exit != Some(Exit::Done) {
        return Err(format!(
            "the run after both ended with {:?}: {}",
            last.exit, last.printed.stderr
        ));
    }
    let census = world.census().await;
    let is_right = if after[0] == "up" {
        census.masked() == clean.masked()
    } else {
        census.is_empty()
    };
    if is_right {
        Ok(())
    } else {
        Err(format!(
            "in the end the account holds {:#}",
            census.masked()
        ))
    }
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_need_no_lock() {
    need_no_lock(&LAB, rounds()).await;
}

#[tokio::test(start_paused = true)]
async fn two_runs_of_a_larger_stack_need_no_lock() {
    need_no_lock(&SHOP, rounds().div_ceil(10).min(50)).await;
}

#[expect(clippy::print_stdout, reason = "the line is what CI shows")]
async fn need_no_lock(of: &'static Application, rounds: u64) {
    let clean = World::deployed_of(of, Faults::default()).await;
    let clean = clean.census().await;
    let seeds = seeds(of, rounds);
    let mut violations = Vec::new();
    let tried = seeds.clone().count();
    for seed in seeds {
        if let Err(why) = Box::pin(race(of, seed, &clean)).await {
            let name = format!("{}/{seed}", of.name);
            println!(
                "FAILED {name}: {why}\n  again: PROVISION_RACE={name} cargo test --workspace --test command_line races"
            );
            violations.push(name);
        }
    }
    println!(
        "races ({}): {tried} interleavings, {} violations",
        of.name,
        violations.len()
    );
    assert_eq!(violations, Vec::<String>::new());
}
