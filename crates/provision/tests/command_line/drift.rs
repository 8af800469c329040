//! A change made outside of the tool is told apart from a change of the declaration, and `up` repairs both.

use local_aws::Faults;
use provision::aws::properties::{REPORTED, Treatment};
use provision_cli::exit::Exit;
use serde_json::Value;

use crate::fault::Fault;
use crate::world::{World, binary};
use testkit::mutation::{Difference, Effect, Mutation};

/// What of the plan differs by somebody else's doing, and what by the declaration's: types of resources.
async fn plan(world: &World, arguments: &[&str]) -> (Vec<String>, Vec<String>) {
    let line = [&["plan", "--json"], arguments].concat();
    let ended = world.run(&line).await.expect(Exit::Done);
    let plan: Value = serde_json::from_str(&ended.printed.stdout).expect("a plan is JSON");
    let steps = plan["steps"].as_array().expect("a plan has steps");
    let differing = steps.iter().filter(|step| step["action"] != "keep");
    let (drift, change): (Vec<&Value>, Vec<&Value>) =
        differing.partition(|step| step["drift"] == true);
    let types = |steps: Vec<&Value>| {
        let name = |step: &Value| step["type"].as_str().unwrap_or_default().to_owned();
        steps.into_iter().map(name).collect()
    };
    (types(drift), types(change))
}

#[expect(clippy::print_stdout, reason = "the catalogue's line is what CI shows")]
#[tokio::test(start_paused = true)]
async fn what_somebody_did_is_drift_and_up_repairs_it() {
    let mut unnamed = Vec::new();
    let (mut changes, mut repaired) = (0, 0);
    for &mutation in Mutation::ALL {
        let effect = mutation.effect();
        let world = World::deployed(Faults::default()).await;
        world.run(&["drift"]).await.expect(Exit::Done);
        world.apply(mutation).await;
        let is_drift = matches!(effect, Effect::Drift(_));
        let is_widened = matches!(effect, Effect::Added(addition) if addition.widens);
        let exit = if is_drift || is_widened {
            Exit::Differences
        } else {
            Exit::Done
        };
        let ended = world.run(&["drift"]).await;
        assert_eq!(
            ended.exit,
            Some(exit),
            "{mutation:?}: {}{}",
            ended.printed.stdout,
            ended.printed.stderr
        );
        assert_eq!(ended.writes(), 0, "{mutation:?}");
        assert_eq!(
            ended.printed.stdout.contains("  ! AWS::"),
            is_drift,
            "{}",
            ended.printed.stdout
        );
        let (drift, change) = plan(&world, &[]).await;
        assert_eq!(!drift.is_empty(), is_drift, "{mutation:?}");
        let (command, wanted) = match effect {
            Effect::Drift(wanted) => ("drift", wanted),
            Effect::Change(wanted) => ("plan", wanted),
            Effect::Added(addition) => {
                assert_eq!(change, Vec::<String>::new(), "{mutation:?}");
                let before = world.census().await;
                for command in ["drift", "plan"] {
                    let told = world.run(&[command, "--json"]).await.printed.stdout;
                    let told = serde_json::from_str(&told).expect("JSON");
                    assert!(addition.is_in(&told), "{addition:?} is not in {told:#}");
                }
                world.run(&["up", "--yes"]).await.expect(Exit::Done);
                before.assert_same(&world.census().await, "what others have added stays");
                (changes, repaired) = (changes + 1, repaired + 1);
                continue;
            }
            Effect::Nothing => {
                assert_eq!(change, Vec::<String>::new(), "{mutation:?}");
                world.run(&["up", "--yes"]).await.expect(Exit::Done);
                world.run(&["drift"]).await.expect(Exit::Done);
                continue;
            }
        };
        let told = world.run(&[command, "--json"]).await.printed.stdout;
        let told = serde_json::from_str(&told).expect("JSON");
        if !wanted.is_in(&told) {
            unnamed.push(format!("{mutation:?} is not {wanted:?}: {told:#}"));
        }
        changes += 1;
        // It ends with the endpoint's answer.
        world.run(&["up", "--yes"]).await.expect(Exit::Done);
        world.run(&["drift"]).await.expect(Exit::Done);
        assert_eq!(plan(&world, &[]).await, (Vec::new(), Vec::new()));
        repaired += 1;
    }
    println!(
        "out-of-band: {changes} changes, {} seen, {repaired} repaired or named, {} silent",
        changes - unnamed.len(),
        unnamed.len()
    );
    assert_eq!(unnamed, Vec::<String>::new());
}

/// Properties that no hand can change of something that stays the same thing: it is another one then, or not there. By their names
/// the stack's resources are found.
const FOR_LIFE: &[(&str, &str)] = &[
    ("AWS::ApiGateway::Resource", "parent"),
    ("AWS::ApiGateway::Resource", "part"),
    ("AWS::ApiGateway::Resource", "full"),
    ("AWS::ApiGateway::Method", "http_method"),
    ("AWS::ApiGateway::Method", "operation"),
    ("AWS::ApiGateway::Stage", "name"),
    ("AWS::ApiGateway::RestApi", "name"),
    ("AWS::IAM::Role", "name"),
    ("AWS::DynamoDB::Table", "name"),
    ("AWS::DynamoDB::Table", "key"),
    ("AWS::ApiGateway::Deployment", "shape"),
    ("AWS::Lambda::Function", "name"),
    ("AWS::Lambda::Function", "state"),
    ("AWS::Logs::LogGroup", "name"),
];

/// Properties that can be changed neither on the local AWS nor on the other emulator.
const NOWHERE: &[(&str, &str)] = &[
    ("AWS::ApiGateway::RestApi", "unusual.vpcEndpointIds"),
    ("AWS::ApiGateway::Method", "unusual.connectionType"),
    (
        "AWS::ApiGateway::Method",
        "unusual.insecureSkipVerification",
    ),
    ("AWS::ApiGateway::Method", "unusual.responseTransferMode"),
    ("AWS::ApiGateway::Method", "unusual.cacheKeyParameters"),
    ("AWS::ApiGateway::Method", "unusual.requestValidatorId"),
    ("AWS::ApiGateway::Stage", "unusual.canarySettings"),
    ("AWS::Lambda::Function", "vpc"),
    // A queue or topic that neither has.
    ("AWS::Lambda::Function", "dead_letter"),
    ("AWS::Lambda::Function", "layers"),
    ("AWS::Lambda::Function", "file_systems"),
    ("AWS::Lambda::Function", "snap_start"),
];

#[test]
fn every_property_of_every_kind_is_changed_by_hand() {
    let mut without = Vec::new();
    for table in REPORTED {
        for property in table.properties {
            let field = match property.treatment {
                Treatment::Declared(field) => field.to_owned(),
                Treatment::Usual(name) => format!("unusual.{name}"),
                Treatment::Added | Treatment::Fact | Treatment::Ignored(_) => continue,
            };
            // Those of others stay.
            if field == "tags" {
                continue;
            }
            let row = (table.kind, field.as_str());
            let is_changed = Mutation::ALL
                .iter()
                .any(|mutation| match mutation.effect() {
                    Effect::Drift(Difference {
                        kind,
                        field: Some(changed),
                    }) => {
                        let changed = changed.trim_start_matches("integration.");
                        let is_part = |of: &str, part: &str| {
                            let rest = part.strip_prefix(of);
                            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                        };
                        kind == table.kind && (is_part(&field, changed) || is_part(changed, &field))
                    }
                    _ => false,
                });
            if !is_changed && !FOR_LIFE.contains(&row) && !NOWHERE.contains(&row) {
                without.push(format!("{}: {field}", table.kind));
            }
        }
    }
    without.dedup();
    assert_eq!(without, Vec::<String>::new(), "nobody has changed these");
}

#[tokio::test(start_paused = true)]
async fn what_the_declaration_changed_is_no_drift() {
    let world = World::deployed(Faults::default()).await;
    let other_code = binary(2);
    for (arguments, kind) in [
        (["--bootstrap", &other_code], "AWS::Lambda::Function"),
        (["--rate", "50"], "AWS::ApiGateway::UsagePlan"),
    ] {
        let (drift, change) = plan(&world, &arguments).await;
        assert_eq!(drift, Vec::<String>::new(), "{arguments:?}");
        assert_eq!(change, [kind], "{arguments:?}");
    }
    world
        .run(&["up", "--yes", "--rate", "50"])
        .await
        .expect(Exit::Done);
    let ended = world.run(&["drift"]).await.expect(Exit::Done);
    assert!(
        ended.printed.stderr.contains("1 more differ"),
        "{}",
        ended.printed.stderr
    );
    world
        .run(&["drift", "--rate", "50"])
        .await
        .expect(Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn nothing_deployed_is_no_drift() {
    let world = World::new(Faults::default()).await;
    let ended = world.run(&["drift", "--json"]).await.expect(Exit::Done);
    let document: Value = serde_json::from_str(&ended.printed.stdout).expect("JSON");
    assert_eq!(document["summary"]["drift"], 0);
    assert_eq!(document["summary"]["not_deployed"], 12);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_was_never_deployed_is_no_drift() {
    let world = World::new(Faults::default()).await;
    let table = ["up", "--only", "table"];
    world.run(&table).await.expect(Exit::Done);
    let ended = world.run(&["drift"]).await.expect(Exit::Done);
    let said = &ended.printed.stderr;
    assert!(said.contains("11 declared resources are not"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_told_as_in_a_plan() {
    let world = World::new(Faults::default()).await;
    let create = world.account.logs.create_log_group();
    let create = create.log_group_name("/aws/lambda/LambdaFunctionOverHttps");
    create.send().await.expect("a group of somebody");
    let ended = world.run(&["drift"]).await.expect(Exit::Failed);
    let said = &ended.printed.stderr;
    assert!(said.contains("error[P0030]: "), "{said}");
}

/// What an `up` that was killed has done and not done is nobody else's doing.
#[tokio::test(start_paused = true)]
async fn a_change_that_was_cut_off_is_no_drift() {
    let code = binary(2);
    let options = ["--rate", "50", "--bootstrap", &code];
    let line = [&["up", "--yes"], &options[..]].concat();
    let world = World::deployed(Faults::default()).await;
    let calls = world.run(&line).await.expect(Exit::Done).calls;
    for at in 0..calls.len() {
        for fault in [Fault::KillBefore, Fault::KillAfter] {
            let world = World::deployed(Faults::default()).await;
            let (hands, _) = fault.arm(&world, at);
            world.run_by(&hands, &line).await;
            world.way.forward_all();
            let (drift, _) = plan(&world, &options).await;
            assert_eq!(drift, Vec::<String>::new(), "{fault:?} at call {at}");
        }
    }
}

/// A first `up` that was killed left nothing to drift; only if all but one thing was made, nobody can tell.
#[tokio::test(start_paused = true)]
async fn what_was_never_made_is_no_drift() {
    let world = World::new(Faults::default()).await;
    let calls = world.run(&["up", "--yes"]).await.expect(Exit::Done).calls;
    for at in 0..calls.len() {
        let world = World::new(Faults::default()).await;
        let (hands, _) = Fault::KillBefore.arm(&world, at);
        world.run_by(&hands, &["up", "--yes"]).await;
        world.way.forward_all();
        let (drift, change) = plan(&world, &[]).await;
        let is_nearly_whole = change.is_empty() && drift.len() <= 2;
        assert!(
            drift.is_empty() || is_nearly_whole,
            "killed at call {at}: {drift:?} beside {change:?}"
        );
    }
}
