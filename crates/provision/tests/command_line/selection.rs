//! `--only`, `--skip` and `--parallelism`.

use std::time::Duration;

use local_aws::Faults;
use provision_cli::exit::Exit;
use serde_json::Value;
use testkit::Decision;

use crate::world::World;
use testkit::mutation::Mutation;

#[tokio::test(start_paused = true)]
async fn only_what_is_selected_is_done() {
    let world = World::deployed(Faults::default()).await;
    world.apply(Mutation::ChangeMemory).await;
    world.apply(Mutation::ChangeRetention).await;
    let ended = world.run(&["up", "--only", "logs"]).await;
    let ended = ended.expect(Exit::Done);
    let writes: Vec<&str> = ended
        .calls
        .iter()
        .filter(|call| call.write)
        .map(|call| call.operation.as_str())
        .collect();
    assert_eq!(writes, ["PutRetentionPolicy"]);
    let said = &ended.printed.stderr;
    assert!(said.contains("leaves as it is:\n  function `"), "{said}");
    let rest = world.run(&["up", "--skip", "LambdaFunctionOverHttps"]);
    assert_eq!(rest.await.expect(Exit::Done).writes(), 0);
    let plain = world.run(&["up"]).await.expect(Exit::Done);
    assert!(plain.writes() > 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_left_out_has_no_outputs() {
    let world = World::new(Faults::default()).await;
    let up = world.run(&["up", "--only", "table"]).await;
    let printed = up.expect(Exit::Done).printed;
    let all = world.run(&["outputs"]).await.expect(Exit::Done).printed;
    for stdout in [&printed.stdout, &all.stdout] {
        assert!(
            stdout.contains("table_name     lambda-apigateway\n"),
            "{stdout}"
        );
        assert!(
            stdout.contains("function_name  (not deployed)\n"),
            "{stdout}"
        );
    }
    assert!(!printed.stderr.contains("Try it"), "{}", printed.stderr);
    let json = world.run(&["outputs", "--json"]).await.expect(Exit::Done);
    let document: Value = serde_json::from_str(&json.printed.stdout).expect("one document");
    assert_eq!(document["role_arn"], Value::Null);
    assert_eq!(document["table_name"], "lambda-apigateway");
    let one = world.run(&["outputs", "role_arn"]).await;
    let one = one.expect(Exit::Failed).printed;
    assert_eq!(one.stdout, "");
    assert!(one.stderr.contains("error[P0032]"), "{}", one.stderr);
}

#[tokio::test(start_paused = true)]
async fn several_names_may_stand_in_one_place() {
    let world = World::new(Faults::default()).await;
    let ended = world.run(&["up", "--only", "table,logs"]).await;
    assert_eq!(ended.expect(Exit::Done).writes(), 3);
}

#[tokio::test(start_paused = true)]
async fn nobody_can_be_taken_over_who_is_not_meant() {
    let world = World::new(Faults::default()).await;
    for command in ["up", "plan"] {
        let refused = world.run(&[command, "--adopt", "nosuch"]).await;
        let said = refused.expect(Exit::Failed).printed.stderr;
        assert!(said.contains("error[P0046]"), "{said}");
        assert!(said.contains("lambda-apigateway-role"), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_needed_cannot_be_left_out() {
    let world = World::new(Faults::default()).await;
    let refused = world.run(&["up", "--only", "stage"]).await;
    let refused = refused.expect(Exit::Failed);
    assert!(refused.printed.stderr.contains("P0047"));
    assert_eq!(refused.writes(), 0);
    let unknown = world.run(&["up", "--skip", "stagé"]).await;
    let said = unknown.expect(Exit::Failed).printed.stderr;
    assert!(said.contains("P0046") && said.contains("table"), "{said}");
    let world = World::deployed(Faults::default()).await;
    for arguments in [["--only", "role"], ["--skip", "stage"]] {
        let line = [&["down", "--yes"][..], &arguments].concat();
        let refused = world.run(&line).await.expect(Exit::Failed);
        assert!(refused.printed.stderr.contains("P0047"), "{arguments:?}");
        assert_eq!(refused.writes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_stack_can_go_and_come_back() {
    let world = World::deployed(Faults::default()).await;
    let down = world.run(&["down", "--yes", "--skip", "table"]).await;
    down.expect(Exit::Done);
    let census = world.census().await;
    assert_eq!(census.value()["tables"].as_array().map(Vec::len), Some(1));
    assert_eq!(census.value()["roles"].as_array().map(Vec::len), Some(0));
    world.run(&["up"]).await.expect(Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_asked_for_run_at_once() {
    for (most, arguments) in [(1, &["--parallelism", "1"][..]), (12, &[])] {
        let world = World::new(Faults::default()).await;
        world
            .way
            .decide(|_| Decision::Delay(Duration::from_millis(60)));
        let line = [&["up", "--yes"][..], arguments].concat();
        let ended = world.run(&line).await.expect(Exit::Done);
        let writes: Vec<_> = ended.calls.iter().filter(|call| call.write).collect();
        let beside = |call: &testkit::Call| {
            let during = |other: &&&testkit::Call| {
                other.started <= call.started && other.ended > call.started
            };
            writes.iter().filter(during).count()
        };
        let peak = writes.iter().map(|call| beside(call)).max();
        let peak = peak.expect("there were writes");
        assert!(peak <= most && (most == 1 || peak > 1), "{peak} at once");
    }
}
