//! Environments: separate copies in one account, each with values of its own.

use local_aws::Faults;
use provision_cli::exit::Exit;
use serde_json::Value;

use crate::world::World;

fn named<'a>(census: &'a Value, kind: &str, name: &str) -> &'a Value {
    census[kind]
        .as_array()
        .and_then(|things| things.iter().find(|thing| thing["name"] == name))
        .expect("it is there")
}

#[tokio::test(start_paused = true)]
async fn each_has_values_of_its_own_and_goes_alone() {
    let world = World::deployed(Faults::default()).await;
    let lab = world.census().await;
    for env in ["prod", "pr-7"] {
        let up = world.run(&["up", "--yes", "--env", env]).await;
        up.expect(Exit::Done);
    }
    let census = world.census().await;
    let value = census.value();
    for (env, memory, retention, rate) in [("prod", 512, 90, 100.0), ("pr-7", 256, 1, 10.0)] {
        let function = format!("LambdaFunctionOverHttps-{env}");
        let logs = format!("/aws/lambda/{function}");
        let plan = format!("Lambda-dynamoDB-usageplan-{env}");
        assert_eq!(named(value, "functions", &function)["memory"], memory);
        assert_eq!(named(value, "log_groups", &logs)["retention"], retention);
        let plan = named(value, "usage_plans", &plan);
        assert_eq!(plan["rate"].as_f64(), Some(rate), "{plan}");
    }
    world
        .run(&["down", "--env", "pr-7"])
        .await
        .expect(Exit::Done);
    // What is protected is not touched, nor anything beside it.
    let refused = world.run(&["down", "--yes", "--env", "prod"]).await;
    let refused = refused.expect(Exit::Failed);
    assert!(refused.printed.stderr.contains("P0041"));
    assert_eq!(refused.writes(), 0);
    let kept = world.run(&["down", "--yes", "--env", "prod", "--keep-data"]);
    kept.await.expect(Exit::Done);
    let left = world.census().await;
    assert_eq!(left.value()["tables"].as_array().map(Vec::len), Some(2));
    for kind in ["roles", "functions", "rest_apis", "api_keys", "usage_plans"] {
        assert_eq!(left.value()[kind], lab.value()[kind], "{kind}");
    }
}
