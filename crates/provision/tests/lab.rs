//! The lab's stack, frozen: ids, names, fields, order, digests and rights are those of what is deployed already.
//!
//! A difference here replaces or changes resources in everybody's account, so the file is written by hand only:
//! `UPDATE_EXPECT=1` writes it anew, and whoever does that says why in the changelog.

use std::collections::BTreeMap;
use std::path::Path;

use expect_test::expect_file;
use provision::Env;
use provision::iam::Role;
use provision::lab::{self, lab};
use provision_aws::prices;
use provision_engine::forecast::forecast;
use provision_engine::input::with_placeholders;
use provision_engine::observe::Snapshot;
use provision_engine::operation::Access;
use provision_engine::planner;
use provision_engine::rights;
use provision_engine::stack::Output;
use provision_engine::target::Target;
use serde_json::{Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab.json");

#[test]
fn the_deployed_stack_is_the_declared_one() {
    let found: Value = [None, Some("dev"), Some("prod"), Some("pr-7")]
        .into_iter()
        .map(frozen)
        .collect();
    let text = serde_json::to_string_pretty(&found).expect("it is JSON") + "\n";
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(FILE, &text).expect("the sources can be written");
    }
    let expected = std::fs::read_to_string(Path::new(FILE)).expect("the frozen stack is there");
    assert!(
        text == expected,
        "the lab's stack has changed: `UPDATE_EXPECT=1 cargo test --test lab`, then `git diff`"
    );
}

/// The facts about one environment that a deployment depends on.
fn frozen(env: Option<&str>) -> Value {
    let target = Target {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        endpoint: None,
        partition: "aws".to_owned(),
    };
    let stack = lab(&Env::new(env, "eu-west-1"));
    let stack = stack.expect("the stack").finish().expect("it is sound");
    let kinds = lab::app().kinds(&stack);
    let snapshot = Snapshot {
        target: target.clone(),
        observations: BTreeMap::new(),
        undeclared: Vec::new(),
    };
    let (plan, _) = planner::up(&stack, &snapshot, stack.known_names()).expect("a plan");
    let declared: Vec<Value> = stack
        .resources
        .iter()
        .zip(&plan.steps)
        .map(|(declared, step)| {
            json!({
                "id": declared.id,
                "type": declared.resource.type_name(),
                "name": declared.resource.name(),
                "fields": declared.resource.fields(),
                "after": step.after,
            })
        })
        .collect();
    let outputs: Vec<_> = stack
        .outputs
        .iter()
        .filter_map(|(name, output)| match output {
            Output::Text(value) => Some(json!([name, value.to_value()])),
            Output::Secret(_) => None,
        })
        .collect();
    let check = stack.checks.first().expect("a check");
    let forecast = forecast(&plan);
    json!({
        "stack": stack.name,
        "declared": declared,
        "outputs": outputs,
        "check": [check.method, check.url.to_value(), check.body, check.key, check.proves],
        "deployer": rights::document(&stack, &kinds, &target, Access::Write),
        "reader": rights::document(&stack, &kinds, &target, Access::Read),
        "forecast": [forecast.writes, forecast.time.as_secs_f64()],
        "cost": prices::estimate(&stack, "eu-west-1").per_million_requests_usd,
    })
}

/// The function's rights and who may assume its role are in files, so that whoever reviews a change sees them in it.
#[test]
fn the_policy_files_are_what_is_granted() {
    let stack = lab(&Env::new(None, "eu-west-1"));
    let stack = stack.expect("the stack").finish().expect("it is sound");
    let (_, role) = stack.all::<Role>().next().expect("a role");
    let permissions = &role.policies["lambda-apigateway-policy"];
    for (file, document) in [("permissions", permissions), ("trust", &role.trust)] {
        let document: Value = serde_json::from_str(&document.to_text()).expect("it is JSON");
        let text = serde_json::to_string_pretty(&with_placeholders(&document)).expect("it is JSON");
        let file = format!("{}/../../policies/{file}.json", env!("CARGO_MANIFEST_DIR"));
        expect_file![file].assert_eq(&(text + "\n"));
    }
}
