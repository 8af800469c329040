//! Settings that the lab leaves as AWS has them: declared, kept, changed, taken back, and put right where somebody else set them.

use local_aws::Faults;
use provision::{App, Env, Result, Stack, Throttle, apigateway, lab, lambda};
use provision_cli::exit::Exit;
use serde_json::Value;
use testkit::mutation::{Mutation, Target};

use crate::world::World;

fn with_settings(env: &Env, storage_mb: i32, reserved: i32, rate: f64) -> Result<Stack> {
    let mut stack = lab::lab(env)?;
    stack.edit_all(|_, function: &mut lambda::Function| {
        function.storage_mb = storage_mb;
        function.reserved_concurrency = Some(reserved);
        "JSON".clone_into(&mut function.logging.format);
        function.logging.system_level = Some("WARN".to_owned());
    });
    stack.edit_all(|_, stage: &mut apigateway::Stage| {
        stage.throttle = Some(Throttle::per_second(rate).burst(5));
    });
    Ok(stack)
}

fn settled() -> App {
    lab::app().stack(|env| with_settings(env, 1024, 3, 20.0))
}

fn changed() -> App {
    lab::app().stack(|env| with_settings(env, 2048, 4, 30.0))
}

/// The fields that a plan changes.
fn fields(plan: &str) -> Vec<String> {
    let plan: Value = serde_json::from_str(plan).expect("JSON");
    let steps = plan["steps"].as_array().expect("a plan has steps");
    let changes = steps.iter().filter_map(|step| step["changes"].as_array());
    let fields = changes
        .flatten()
        .filter_map(|change| change["field"].as_str());
    let mut fields: Vec<String> = fields.map(str::to_owned).collect();
    fields.sort();
    fields
}

#[tokio::test(start_paused = true)]
async fn settings_are_made_kept_changed_and_taken_back() {
    let clean = World::deployed(Faults::default()).await.census().await;
    let mut world = World::new(Faults::default()).await;
    world.app = settled;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);

    world.app = changed;
    let plan = world.run(&["plan", "--json"]).await.expect(Exit::Done);
    let expected = ["reserved_concurrency", "storage_mb", "throttle.rate"];
    let told = fields(&plan.printed.stdout);
    let told: Vec<&String> = told
        .iter()
        .filter(|field| !field.starts_with("tags"))
        .collect();
    assert_eq!(told, expected);
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);

    for mutation in [
        Mutation::StopFunction,
        Mutation::ThrottleStage,
        Mutation::ChangeLogGroup,
    ] {
        mutation
            .apply(&world.account, &Target::LAB)
            .await
            .expect("it can be changed");
        world.run(&["drift"]).await.expect(Exit::Differences);
        world.run(&["up", "--yes"]).await.expect(Exit::Done);
        world.run(&["drift"]).await.expect(Exit::Done);
    }

    world.app = lab::app;
    world.run(&["up", "--yes"]).await.expect(Exit::Done);
    clean.assert_same(&world.census().await, "after the settings were taken back");
}
