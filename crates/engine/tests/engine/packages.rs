//! Packages that are built while the plan is carried out.

use std::future::pending;
use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::{Stream, stream};
use provision_engine::asset::Code;
use provision_engine::declaration::Declaration;
use provision_engine::env::Architecture;
use provision_engine::execute::{Built, ExecuteOptions, Report, Status};
use provision_engine::fault;
use tokio::time::sleep;

use crate::lab::{Lab, Planned, declare, failures, package, status};
use crate::toys::{Function, Role};

fn two_functions() -> Declaration {
    declare(|stack| {
        for name in ["fast", "slow"] {
            let code = stack.asset(
                &format!("{name}/code"),
                Code::binary(name),
                Architecture::X86_64,
            );
            stack.add(name, Function::named(name, code));
        }
        stack.add("role", Role::named("role"));
    })
}

/// Builds that end one after another, each some seconds after the one before.
fn builds<'a>(
    outcomes: impl IntoIterator<Item = (u64, Result<Built>), IntoIter: 'a>,
) -> impl Stream<Item = Result<Built>> + 'a {
    stream::unfold(outcomes.into_iter(), async |mut left| {
        let (seconds, outcome) = left.next()?;
        sleep(Duration::from_secs(seconds)).await;
        Some((outcome, left))
    })
}

async fn run(planned: &Planned, packages: impl Stream<Item = Result<Built>>) -> Report {
    let options = ExecuteOptions::default();
    planned.run_with(options, packages, pending()).await
}

fn when(lab: &Lab, call: &str) -> Option<tokio::time::Instant> {
    let calls = lab.account.calls();
    let mut calls = calls.iter();
    calls
        .find(|known| format!("{} {}", known.operation.name, known.on) == call)
        .map(|call| call.began)
}

#[tokio::test(start_paused = true)]
async fn a_step_waits_for_its_own_package_only() {
    let lab = Lab::default();
    let planned = lab.planned_before_build(&two_functions()).await;
    let started = tokio::time::Instant::now();
    let packages = builds([
        (1, Ok(package("fast/code"))),
        (100, Ok(package("slow/code"))),
    ]);
    let report = run(&planned, packages).await;
    assert!(report.is_success(), "{:?}", report.failures);
    let after = |call: &str| (when(&lab, call).unwrap() - started).as_secs();
    assert_eq!(after("CreateRole role"), 0);
    assert_eq!(after("CreateFunction fast"), 1);
    assert_eq!(after("CreateFunction slow"), 101);
}

#[tokio::test(start_paused = true)]
async fn the_hash_of_a_package_is_an_output() {
    let lab = Lab::default();
    let planned = lab.planned_before_build(&two_functions()).await;
    let packages = builds([(0, Ok(package("fast/code"))), (0, Ok(package("slow/code")))]);
    let report = run(&planned, packages).await;
    let sha256 = &package("fast/code").package.sha256;
    let known = report.outputs.lookup("fast/code.sha256").unwrap();
    assert_eq!(known.as_str(), Some(sha256.0.as_str()));
    let fast = lab.account.find("fast").unwrap();
    assert_eq!(fast.fields["code"].as_str(), Some(sha256.0.as_str()));
}

#[tokio::test(start_paused = true)]
async fn a_package_that_cannot_be_built_fails_the_run() {
    let lab = Lab::default();
    let planned = lab.planned_before_build(&two_functions()).await;
    let broken = || -> Result<Built> { bail!("it does not compile") };
    let packages = builds([(1, broken()), (1, Ok(package("fast/code")))]);
    let report = run(&planned, packages).await;
    assert!(!report.is_success());
    assert_eq!(failures(&report), ["it does not compile"]);
    assert_eq!(status(&report, "role"), Status::Done);
    assert_eq!(status(&report, "fast"), Status::NotRun);
    assert_eq!(status(&report, "slow"), Status::NotRun);
}

#[tokio::test(start_paused = true)]
async fn what_needs_no_package_does_not_wait_for_any() {
    let lab = Lab::default();
    lab.up(&two_functions()).await;
    let planned = lab.planned(&two_functions()).await;
    let report = run(&planned, stream::pending()).await;
    assert!(report.is_success());
}

#[tokio::test(start_paused = true)]
async fn another_package_than_the_planned_one_is_refused() {
    let lab = Lab::default();
    let mut planned = lab.planned(&two_functions()).await;
    planned.aws = lab.aws();
    let report = planned.run().await;
    assert_eq!(fault::Code::of(&report.failures[0]), fault::Code::Stale);
}

#[tokio::test(start_paused = true)]
async fn a_package_that_never_comes_fails_the_run() {
    let lab = Lab::default();
    let planned = lab.planned_before_build(&two_functions()).await;
    let report = run(&planned, builds([(1, Ok(package("fast/code")))])).await;
    assert!(!report.is_success());
    assert_eq!(status(&report, "fast"), Status::Done);
    assert_eq!(status(&report, "slow"), Status::NotRun);
    assert_eq!(
        failures(&report),
        ["function `slow` was not started: there is no package of `slow/code`"]
    );
}
