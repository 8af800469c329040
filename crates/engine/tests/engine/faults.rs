//! Calls that fail: what is repeated, what is looked after, and that two resources are never made of one.

use std::time::Duration;

use provision_engine::declaration::Declaration;
use provision_engine::execute::Status;
use provision_engine::fault::Code;
use provision_engine::input::digest;
use provision_engine::owner::Tags;
use provision_engine::resource::Resource;
use provision_engine::stack::Stack;
use tokio::time::Instant;

use crate::account::{Fault, Thing};
use crate::lab::{Lab, declare, failures, status};
use crate::toys::{Alarm, Api, Part, Release, Role, Stage, Table};

fn api() -> Declaration {
    declare(|stack| {
        stack.add("api", Api::named("web"));
    })
}

fn table(size: u32) -> Declaration {
    declare(|stack| {
        let table = Table::named("orders");
        stack.add("orders", Table { size, ..table });
    })
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out() {
    let lab = Lab::default();
    for _ in 0..3 {
        lab.account.fail("CreateTable", Fault::Throttled);
    }
    lab.up(&table(1)).await;
    assert_eq!(lab.account.writes(), ["CreateTable orders"; 4]);
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out_only_as_long_as_the_operation_says() {
    let lab = Lab::default();
    for _ in 0..1000 {
        lab.account.fail("CreateTable", Fault::Throttled);
    }
    let started = Instant::now();
    let report = lab.try_up(&table(1)).await;
    assert_eq!(Code::of(&report.failures[0]), Code::Throttled);
    assert!(started.elapsed() <= Duration::from_secs(121));
    assert!(started.elapsed() >= Duration::from_secs(110));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_repeated() {
    let lab = Lab::default();
    lab.account.fail("CreateTable", Fault::Refused);
    let report = lab.try_up(&table(1)).await;
    assert_eq!(lab.account.writes(), ["CreateTable orders"]);
    assert_eq!(
        failures(&report),
        ["creating table `orders`: CreateTable: Denied"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_unclear_is_sent_again() {
    let lab = Lab::default();
    for _ in 0..5 {
        lab.account.fail("ListTables", Fault::UnclearBefore);
    }
    lab.plan(&table(1)).await;
    let calls = lab.account.calls();
    let lists = calls
        .iter()
        .filter(|call| call.operation.name == "ListTables");
    assert_eq!(lists.count(), 6);
}

#[tokio::test(start_paused = true)]
async fn an_unclear_create_that_was_done_is_found_and_kept() {
    let lab = Lab::default();
    lab.account.fail("CreateApi", Fault::UnclearAfter);
    lab.up(&api()).await;
    assert_eq!(lab.account.writes(), ["CreateApi web"]);
    assert!(lab.plan(&api()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unclear_create_is_found_although_lists_lag_behind() {
    let lab = Lab::default();
    lab.account.lag(Duration::from_secs(5));
    lab.account.fail("CreateApi", Fault::UnclearAfter);
    lab.up(&api()).await;
    assert_eq!(lab.account.writes(), ["CreateApi web"]);
    assert_eq!(lab.account.things().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unclear_create_is_repeated_only_after_several_looks() {
    let lab = Lab::default();
    lab.account.fail("CreateApi", Fault::UnclearBefore);
    let planned = lab.planned(&api()).await;
    let started = Instant::now();
    assert!(planned.run().await.is_success());
    assert!(started.elapsed() >= Duration::from_millis(7500));
    let calls = lab.account.calls();
    let names: Vec<&str> = calls.iter().map(|call| call.operation.name).collect();
    let mut expected = vec!["CreateApi"];
    expected.extend(["ListApis"; 4]);
    expected.push("CreateApi");
    assert!(names.ends_with(&expected), "{names:?}");
    assert_eq!(lab.account.things().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_stays_unclear_fails_after_some_tries() {
    let lab = Lab::default();
    for _ in 0..10 {
        lab.account.fail("CreateApi", Fault::UnclearBefore);
    }
    let report = lab.try_up(&api()).await;
    assert_eq!(Code::of(&report.failures[0]), Code::Unclear);
    assert_eq!(lab.account.writes(), ["CreateApi web"; 4]);
    assert_eq!(status(&report, "api"), Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn what_exists_already_and_is_ours_is_brought_to_the_declaration() {
    let lab = Lab::default();
    let planned = lab.planned(&table(5)).await;
    lab.up(&table(1)).await;
    assert!(planned.run().await.is_success());
    assert_eq!(
        lab.account.writes()[1..],
        ["CreateTable orders", "UpdateTable orders"]
    );
    assert_eq!(lab.account.find("orders").unwrap().fields["size"], 5);
}

#[tokio::test(start_paused = true)]
async fn what_exists_already_and_is_somebody_elses_is_refused() {
    let lab = Lab::default();
    let planned = lab.planned(&table(1)).await;
    let tags = Tags::of("theirs", "orders");
    let theirs = Table {
        tags,
        ..Table::named("orders")
    };
    let fields = serde_json::to_value(theirs).unwrap();
    let theirs = Thing::new(Table::KIND.type_name, "orders", fields);
    lab.account.put(theirs.clone());
    let report = planned.run().await;
    assert_eq!(Code::of(&report.failures[0]), Code::MadeMeanwhile);
    assert_eq!(lab.account.things(), [theirs]);
}

#[tokio::test(start_paused = true)]
async fn what_exists_already_may_be_missing_from_lists_for_some_time() {
    let lab = Lab::default();
    lab.account.lag(Duration::from_secs(20));
    let planned = lab.planned(&table(5)).await;
    lab.up(&table(1)).await;
    assert!(planned.run().await.is_success());
    assert_eq!(lab.account.find("orders").unwrap().fields["size"], 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_to_exist_and_is_never_shown_fails() {
    let lab = Lab::default();
    for _ in 0..100 {
        lab.account.fail("CreateTable", Fault::Exists);
    }
    let started = Instant::now();
    let report = lab.try_up(&table(1)).await;
    assert_eq!(
        failures(&report),
        ["creating table `orders`: CreateTable: Exists"]
    );
    assert!(started.elapsed() < Duration::from_secs(70));
}

#[tokio::test(start_paused = true)]
async fn an_unclear_update_is_sent_again() {
    for fault in [Fault::UnclearBefore, Fault::UnclearAfter] {
        let lab = Lab::default();
        lab.up(&table(1)).await;
        lab.account.fail("UpdateTable", fault);
        lab.up(&table(5)).await;
        assert_eq!(lab.account.find("orders").unwrap().fields["size"], 5);
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_stays_unclear_is_looked_after() {
    let lab = Lab::default();
    lab.up(&table(1)).await;
    let before = lab.account.writes().len();
    // One send and its resends.
    for _ in 0..5 {
        lab.account.fail("UpdateTable", Fault::UnclearBefore);
    }
    lab.account.fail("UpdateTable", Fault::UnclearAfter);
    lab.up(&table(5)).await;
    let writes = lab.account.writes();
    assert_eq!(writes[before..], ["UpdateTable orders"; 6], "it was done");
    assert!(lab.plan(&table(5)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_update_of_what_was_deleted_meanwhile_fails() {
    let lab = Lab::default();
    lab.up(&table(1)).await;
    let planned = lab.planned(&table(5)).await;
    lab.account.remove("orders");
    let report = planned.run().await;
    assert_eq!(
        failures(&report),
        ["updating table `orders`: UpdateTable: NotFound"]
    );
    lab.up(&table(5)).await;
}

#[tokio::test(start_paused = true)]
async fn an_unclear_replacement_does_not_take_the_old_resource_for_the_new_one() {
    let lab = Lab::default();
    let released = |note: &str| {
        let note = note.to_owned();
        declare(|stack| {
            let api = stack.add("api", Api::named("web"));
            let part = Part::of(&api, "/x");
            let part = stack.add("part", Part { note, ..part });
            let release = Release::of(&api, digest([Part::shape(&part)]));
            let release = stack.add("release", release);
            stack.add("stage", Stage::of(&api, &release));
        })
    };
    lab.up(&released("a")).await;
    lab.account.fail("CreateRelease", Fault::UnclearBefore);
    lab.up(&released("b")).await;
    assert!(lab.plan(&released("b")).await.is_empty());
    assert_eq!(lab.account.of_kind(Release::KIND.type_name).len(), 1);
}

fn everything(stack: &mut Stack) {
    let orders = stack.add("orders", Table::named("orders"));
    let first = stack.add("first", Role::named("first"));
    stack.add("second", Role::named("second").trusting(&first));
    stack.add("alarm", Alarm::on("alarm", orders.name()));
    let api = stack.add("api", Api::named("web"));
    let part = stack.add("part", Part::of(&api, "/x"));
    let release = Release::of(&api, digest([Part::shape(&part)]));
    let release = stack.add("release", release);
    stack.add("stage", Stage::of(&api, &release));
}

#[tokio::test(start_paused = true)]
async fn whichever_call_fails_the_next_run_converges_and_nothing_is_made_twice() {
    let declaration = declare(everything);
    let lab = Lab::default();
    let planned = lab.planned(&declaration).await;
    let reads = lab.account.calls().len();
    assert!(planned.run().await.is_success());
    let calls = lab.account.calls().len() - reads;
    let things = lab.account.things().len();
    let faults = [
        Fault::Refused,
        Fault::Throttled,
        Fault::UnclearBefore,
        Fault::UnclearAfter,
    ];
    for fault in faults {
        for n in 1..=calls {
            let lab = Lab::default();
            let planned = lab.planned(&declaration).await;
            lab.account.fail_call(n, fault);
            let report = planned.run().await;
            let is_success = report.is_success();
            assert_eq!(is_success, fault != Fault::Refused, "{fault:?} at {n}");
            lab.up(&declaration).await;
            assert_eq!(lab.account.things().len(), things, "{fault:?} at {n}");
            assert!(lab.plan(&declaration).await.is_empty(), "{fault:?} at {n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unclear_create_does_not_take_another_resource_of_that_name() {
    let lab = Lab::default();
    let twins = declare(|stack| {
        stack.add("one", Api::named("web"));
        stack.add("two", Api::named("web"));
    });
    lab.account.fail("CreateApi", Fault::UnclearBefore);
    lab.up(&twins).await;
    assert_eq!(lab.account.things().len(), 2);
    assert!(lab.plan(&twins).await.is_empty());
}
