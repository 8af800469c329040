//! A run that is interrupted: nothing new starts, and calls in flight get some time to end.

use std::time::Duration;

use futures_util::stream;
use provision_engine::aws::GRACE;
use provision_engine::declaration::Declaration;
use provision_engine::execute::{ExecuteOptions, Status};
use provision_engine::fault::Code;
use tokio::time::{Instant, sleep};

use crate::account::{CALL, Fault};
use crate::lab::{Lab, Planned, declare, status};
use crate::toys::Role;

fn chain() -> Declaration {
    declare(|stack| {
        let first = stack.add("first", Role::named("first"));
        stack.add("second", Role::named("second").trusting(&first));
    })
}

async fn interrupted_in(planned: &Planned, time: Duration) -> provision_engine::execute::Report {
    let options = ExecuteOptions::default();
    planned
        .run_with(options, stream::empty(), sleep(time))
        .await
}

#[tokio::test(start_paused = true)]
async fn a_call_in_flight_ends_and_no_further_step_starts() {
    let lab = Lab::default();
    let planned = lab.planned(&chain()).await;
    let report = interrupted_in(&planned, CALL / 2).await;
    assert!(report.interrupted);
    assert!(!report.is_success());
    assert_eq!(status(&report, "first"), Status::Done);
    assert_eq!(status(&report, "second"), Status::NotRun);
    assert_eq!(lab.account.things().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_left_after_some_seconds() {
    let lab = Lab::default();
    let planned = lab.planned(&chain()).await;
    lab.account.fail("CreateRole", Fault::Hang);
    let started = Instant::now();
    let report = interrupted_in(&planned, CALL / 2).await;
    assert_eq!(started.elapsed(), GRACE + CALL / 2);
    assert_eq!(status(&report, "first"), Status::Failed);
    assert_eq!(status(&report, "second"), Status::NotRun);
}

#[tokio::test(start_paused = true)]
async fn a_wait_between_two_calls_ends_at_once() {
    let lab = Lab::default();
    let planned = lab.planned(&chain()).await;
    lab.account.fail("CreateRole", Fault::UnclearBefore);
    let started = Instant::now();
    let report = interrupted_in(&planned, Duration::from_secs(2)).await;
    assert!(started.elapsed() < Duration::from_secs(2) + 2 * CALL);
    assert_eq!(status(&report, "first"), Status::Failed);
    assert_eq!(Code::of(&report.failures[0]), Code::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_stopped_by_others_starts_nothing() {
    let lab = Lab::default();
    let planned = lab.planned(&chain()).await;
    planned.aws.stop();
    let report = planned.run().await;
    assert_eq!(status(&report, "first"), Status::NotRun);
    assert!(report.failures.is_empty());
    assert!(!report.is_success());
    assert!(lab.account.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_next_run_goes_on() {
    let lab = Lab::default();
    let planned = lab.planned(&chain()).await;
    interrupted_in(&planned, CALL / 2).await;
    lab.up(&chain()).await;
    assert_eq!(
        lab.account.writes(),
        ["CreateRole first", "CreateRole second"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_that_has_sent_nothing_when_the_run_ends_has_not_run() {
    let lab = Lab::default();
    let planned = lab.planned(&chain()).await;
    let report = interrupted_in(&planned, Duration::ZERO).await;
    assert_eq!(status(&report, "first"), Status::NotRun);
    assert!(report.failures.is_empty());
    assert!(lab.account.writes().is_empty());
}
