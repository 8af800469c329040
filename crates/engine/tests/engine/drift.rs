//! Differences that somebody else made, told apart from those that the declaration made.

use provision_engine::declaration::Declaration;
use provision_engine::plan::Plan;
use provision_engine::stack::Stack;
use serde_json::json;

use crate::account::Fault;
use crate::lab::{Lab, declare};
use crate::toys::{Alarm, Api, Part, Role, Table};

/// The steps whose cause is drift.
fn drifted(plan: &Plan) -> Vec<&str> {
    let steps = plan.steps.iter().filter(|step| step.is_drift());
    steps.map(|step| step.id.as_str()).collect()
}

fn sized(size: u32) -> impl Fn(&mut Stack) {
    move |stack| {
        let table = Table::named("orders");
        let orders = stack.add("orders", Table { size, ..table });
        stack.add("alarm", Alarm::on("alarm", orders.name()));
        stack.add("role", Role::named("role"));
    }
}

async fn deployed(declaration: &Declaration) -> Lab {
    let lab = Lab::default();
    lab.up(declaration).await;
    lab
}

#[tokio::test(start_paused = true)]
async fn a_difference_under_todays_declaration_is_drift() {
    let lab = deployed(&declare(sized(1))).await;
    lab.account.set("orders", "size", json!(9));
    assert_eq!(drifted(&lab.plan(&declare(sized(1))).await), ["orders"]);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_under_todays_declaration_is_drift() {
    let lab = deployed(&declare(sized(1))).await;
    lab.account.set("orders", "key", json!("other"));
    let plan = lab.plan(&declare(sized(1))).await;
    assert_eq!(plan.summary().replace, 1);
    assert_eq!(drifted(&plan), ["orders"]);
}

#[tokio::test(start_paused = true)]
async fn a_difference_under_another_declaration_is_none() {
    let lab = deployed(&declare(sized(1))).await;
    let plan = lab.plan(&declare(sized(2))).await;
    assert_eq!(plan.summary().update, 1);
    assert!(drifted(&plan).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_only_follows_a_resource_that_is_created_again_is_no_drift() {
    let declaration = declare(|stack| {
        let api = stack.add("api", Api::named("web"));
        stack.add("alarm", Alarm::on("alarm", api.output::<String>("id")));
    });
    let lab = deployed(&declaration).await;
    lab.account.remove("id1");
    let plan = lab.plan(&declaration).await;
    assert_eq!(plan.summary().update, 1);
    assert_eq!(
        drifted(&plan),
        ["api"],
        "the alarm's update is a consequence"
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_resource_existed_if_something_that_needs_it_exists() {
    let declaration = declare(sized(1));
    let lab = deployed(&declaration).await;
    lab.account.remove("orders");
    lab.account.remove("role");
    assert_eq!(drifted(&lab.plan(&declaration).await), ["orders"]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_resource_existed_if_everything_else_does() {
    let declaration = declare(sized(1));
    let lab = deployed(&declaration).await;
    lab.account.remove("role");
    assert_eq!(drifted(&lab.plan(&declaration).await), ["role"]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_container_existed_with_its_parts_if_everything_else_does() {
    let declaration = declare(|stack| {
        stack.add("role", Role::named("role"));
        let api = stack.add("api", Api::named("web"));
        stack.add("part", Part::of(&api, "/x"));
    });
    let lab = deployed(&declaration).await;
    lab.account.remove("id1");
    assert_eq!(drifted(&lab.plan(&declaration).await), ["api", "part"]);
}

#[tokio::test(start_paused = true)]
async fn two_missing_resources_say_nothing() {
    let declaration = declare(sized(1));
    let lab = deployed(&declaration).await;
    lab.account.remove("alarm");
    lab.account.remove("role");
    assert!(drifted(&lab.plan(&declaration).await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missing_resource_beside_a_changed_one_says_nothing() {
    let lab = deployed(&declare(sized(1))).await;
    lab.account.remove("role");
    assert!(drifted(&lab.plan(&declare(sized(2))).await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cut_off_is_no_drift() {
    let declaration = declare(|stack| {
        let first = stack.add("first", Role::named("first"));
        let second = stack.add("second", Role::named("second").trusting(&first));
        stack.add("third", Role::named("third").trusting(&second));
    });
    let lab = Lab::default();
    let planned = lab.planned(&declaration).await;
    lab.account.fail_call(2, Fault::Refused);
    planned.run().await;
    assert_eq!(lab.account.things().len(), 1);
    assert!(drifted(&lab.plan(&declaration).await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lacking_entry_of_a_list_says_as_little_as_a_missing_resource() {
    let declaration = declare(|stack| {
        let role = Role::named("role").allowing("arn".to_owned().into());
        stack.add("role", role);
        stack.add("other", Role::named("other"));
    });
    let lab = deployed(&declaration).await;
    lab.account.set("role", "policies", json!([]));
    assert_eq!(drifted(&lab.plan(&declaration).await), ["role"]);
    lab.account.remove("other");
    assert!(drifted(&lab.plan(&declaration).await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_others_added_is_drift() {
    let declaration = declare(sized(1));
    let lab = deployed(&declaration).await;
    lab.account.set("role", "policies", json!(["theirs"]));
    lab.account.remove("alarm");
    assert_eq!(drifted(&lab.plan(&declaration).await), ["role"]);
}

#[tokio::test(start_paused = true)]
async fn undoing_drift_brings_the_account_back() {
    let declaration = declare(sized(1));
    let lab = deployed(&declaration).await;
    lab.account.set("orders", "size", json!(9));
    lab.account.remove("role");
    lab.up(&declaration).await;
    assert!(lab.plan(&declaration).await.is_empty());
    assert_eq!(lab.account.find("orders").unwrap().fields["size"], 1);
}
