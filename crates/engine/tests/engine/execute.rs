//! Carrying out a plan: what waits for what, what runs at the same time, and what is reported.

use std::future::pending;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::stream;
use provision_engine::asset::Code;
use provision_engine::declaration::Declaration;
use provision_engine::env::Architecture;
use provision_engine::execute::{ExecuteOptions, Status};
use provision_engine::input::digest;
use provision_engine::resource::Resource;
use provision_engine::stack::Stack;
use tokio::time::Instant;

use crate::account::{CALL, Fault};
use crate::lab::{Lab, declare, failures, status};
use crate::toys::{Alarm, Api, Function, Part, Release, Role, Stage, Table};

fn chain() -> Declaration {
    declare(|stack| {
        let first = stack.add("first", Role::named("first"));
        let second = stack.add("second", Role::named("second").trusting(&first));
        stack.add("third", Role::named("third").trusting(&second));
    })
}

/// Roles that need nothing of each other.
fn independent(count: usize) -> Declaration {
    declare(|stack| {
        for n in 0..count {
            let name = format!("r{n}");
            stack.add(&name, Role::named(&name));
        }
    })
}

#[tokio::test(start_paused = true)]
async fn each_step_starts_when_those_it_waits_for_are_done() {
    let lab = Lab::default();
    lab.up(&chain()).await;
    assert_eq!(
        lab.account.writes(),
        ["CreateRole first", "CreateRole second", "CreateRole third"]
    );
    assert_eq!(lab.account.most_at_once(), 1);
    lab.down(&chain()).await;
    assert_eq!(
        lab.account.writes()[3..],
        ["DeleteRole third", "DeleteRole second", "DeleteRole first"]
    );
}

#[tokio::test(start_paused = true)]
async fn everything_else_runs_at_the_same_time() {
    let lab = Lab::default();
    let planned = lab.planned(&independent(10)).await;
    let started = Instant::now();
    assert!(planned.run().await.is_success());
    assert_eq!(lab.account.most_at_once(), 10);
    assert!(started.elapsed() < 2 * CALL);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_steps_at_one_time_can_be_limited() {
    let lab = Lab::default();
    let planned = lab.planned(&independent(10)).await;
    let options = ExecuteOptions {
        max_parallel: NonZeroUsize::new(3),
        ..ExecuteOptions::default()
    };
    let report = planned.run_with(options, stream::empty(), pending()).await;
    assert!(report.is_success());
    assert_eq!(lab.account.most_at_once(), 3);
    assert_eq!(lab.account.things().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn changes_in_one_lane_are_made_one_after_another_and_other_lanes_go_on() {
    let lab = Lab::default();
    let two_apis = declare(|stack| {
        for api in ["a", "b"] {
            let handle = stack.add(api, Api::named(api));
            for path in ["/x", "/y", "/z"] {
                stack.add(&format!("{api}{path}"), Part::of(&handle, path));
            }
        }
    });
    lab.up(&two_apis).await;
    let calls = lab.account.calls();
    let calls = calls
        .iter()
        .filter(|call| call.operation.name == "CreatePart");
    let of = |id: &str| {
        let mut calls: Vec<_> = calls
            .clone()
            .filter(|call| call.on.starts_with(id))
            .collect();
        calls.sort_by_key(|call| call.began);
        calls
    };
    for id in ["id1", "id2"] {
        let of_one = of(id);
        assert_eq!(of_one.len(), 3);
        let mut pairs = of_one.windows(2);
        assert!(pairs.all(|pair| pair[0].ended <= Some(pair[1].began)));
    }
    assert_eq!(of("id1")[0].began, of("id2")[0].began);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_nothing_new_starts_and_what_runs_may_end() {
    let lab = Lab::default();
    let forked = declare(|stack| {
        let bad = stack.add("bad", Table::named("bad"));
        stack.add("after-bad", Alarm::on("after-bad", bad.name()));
        let code = stack.asset("code", Code::binary("web"), Architecture::Arm64);
        let web = stack.add("web", Function::named("web", code));
        stack.add("after-web", Alarm::on("after-web", web.name()));
    });
    lab.account.fail("CreateTable", Fault::Refused);
    let report = lab.try_up(&forked).await;
    assert!(!report.is_success());
    assert_eq!(
        failures(&report),
        ["creating table `bad`: CreateTable: Denied"]
    );
    assert_eq!(status(&report, "bad"), Status::Failed);
    assert_eq!(status(&report, "after-bad"), Status::NotRun);
    assert_eq!(status(&report, "web"), Status::Done);
    assert_eq!(status(&report, "after-web"), Status::NotRun);
    assert!(lab.account.find("web").unwrap().is_active(), "it settled");
}

#[tokio::test(start_paused = true)]
async fn the_next_run_goes_on_where_a_failure_ended_one() {
    let lab = Lab::default();
    lab.account.fail("CreateRole", Fault::Refused);
    assert!(!lab.try_up(&chain()).await.is_success());
    lab.up(&chain()).await;
    assert_eq!(lab.account.things().len(), 3);
    assert!(lab.plan(&chain()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn others_refer_to_a_resource_while_it_settles() {
    let lab = Lab::default();
    let declaration = declare(|stack| {
        let code = stack.asset("code", Code::binary("web"), Architecture::Arm64);
        let web = stack.add("web", Function::named("web", code));
        stack.add("alarm", Alarm::on("alarm", web.name()));
    });
    let planned = lab.planned(&declaration).await;
    let started = Instant::now();
    let report = planned.run().await;
    assert!(report.is_success());
    let alarm = report.steps["alarm"].1;
    assert!(alarm < 2 * CALL);
    assert!(report.steps["web"].1 >= Duration::from_secs(2));
    assert!(started.elapsed() >= Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn steps_that_the_caller_checks_need_not_settle() {
    let lab = Lab::default();
    let declaration = declare(|stack| {
        let code = stack.asset("code", Code::binary("web"), Architecture::Arm64);
        stack.add("web", Function::named("web", code));
    });
    let planned = lab.planned(&declaration).await;
    let started = Instant::now();
    let unsettled = ["web".to_owned()];
    let options = ExecuteOptions {
        unsettled: &unsettled,
        ..ExecuteOptions::default()
    };
    let report = planned.run_with(options, stream::empty(), pending()).await;
    assert_eq!(status(&report, "web"), Status::Done);
    assert!(started.elapsed() < Duration::from_secs(1));

    let kept = lab.planned(&declaration).await;
    assert!(kept.plan.is_empty());
    let report = kept.run_with(options, stream::empty(), pending()).await;
    assert!(report.is_success());
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(kept.run().await.is_success());
    assert!(
        started.elapsed() >= Duration::from_secs(2),
        "it settles now"
    );
}

#[tokio::test(start_paused = true)]
async fn a_replacement_deletes_first_where_names_are_fixed() {
    let lab = Lab::default();
    let orders = |key: &str| {
        let key = key.to_owned();
        declare(|stack| {
            let table = Table::named("orders");
            stack.add("orders", Table { key, ..table });
        })
    };
    lab.up(&orders("id")).await;
    lab.up(&orders("customer")).await;
    assert_eq!(
        lab.account.writes()[1..],
        ["DeleteTable orders", "CreateTable orders"]
    );
}

fn released(stack: &mut Stack, note: &str) {
    let api = stack.add("api", Api::named("web"));
    let part = Part::of(&api, "/x");
    let note = note.to_owned();
    let part = stack.add("part", Part { note, ..part });
    let release = Release::of(&api, digest([Part::shape(&part)]));
    let release = stack.add("release", release);
    stack.add("stage", Stage::of(&api, &release));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_creates_first_where_the_kind_says_so() {
    let lab = Lab::default();
    lab.up(&declare(|stack| released(stack, "a"))).await;
    let before = lab.account.writes().len();
    let other = declare(|stack| released(stack, "b"));
    lab.up(&other).await;
    assert_eq!(
        lab.account.writes()[before..],
        [
            "UpdatePart id1/x",
            // Without an id of its own yet.
            "CreateRelease ",
            "UpdateStage id1.stage",
            "DropRelease id2",
        ]
    );
    assert_eq!(lab.account.of_kind(Release::KIND.type_name).len(), 1);
    assert!(lab.plan(&other).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn outputs_are_known_after_the_run() {
    let lab = Lab::default();
    let declaration = declare(|stack| {
        let api = stack.add("api", Api::named("web"));
        stack.add("part", Part::of(&api, "/x"));
    });
    let report = lab.up(&declaration).await;
    let known = |path: &str| report.outputs.lookup(path).and_then(|value| value.as_str());
    assert_eq!(known("api.id"), Some("id1"));
    assert_eq!(known("part.shape"), Some("/x "));
    assert_eq!(known("api.name"), Some("web"));
}

#[tokio::test(start_paused = true)]
async fn a_second_run_of_a_finished_plan_changes_nothing() {
    let lab = Lab::default();
    let planned = lab.planned(&chain()).await;
    assert!(planned.run().await.is_success());
    let made = lab.account.things();
    assert!(planned.run().await.is_success(), "what exists is kept");
    assert_eq!(lab.account.things().len(), made.len());
    let fields = |things: Vec<crate::account::Thing>| {
        let things = things.into_iter();
        things.map(|thing| thing.fields).collect::<Vec<_>>()
    };
    assert_eq!(fields(lab.account.things()), fields(made));
}

#[tokio::test(start_paused = true)]
async fn deleting_what_is_gone_succeeds() {
    let lab = Lab::default();
    lab.up(&chain()).await;
    let planned = lab.planned_down(&chain()).await;
    lab.account.remove("second");
    assert!(planned.run().await.is_success());
    assert!(lab.account.things().is_empty());
}

#[tokio::test(start_paused = true)]
async fn steps_that_wait_for_one_another_fail_the_run() {
    let lab = Lab::default();
    let mut planned = lab.planned(&chain()).await;
    planned.plan.steps[0].after = vec!["third".to_owned()];
    let report = planned.run().await;
    assert!(!report.is_success());
    assert_eq!(
        failures(&report),
        ["steps wait for one another: `first`, `second`, `third`"]
    );
    assert!(lab.account.writes().is_empty());
}
