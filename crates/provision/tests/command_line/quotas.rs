//! AWS's rates: a run that is alone in its account is never told to slow down, and loses hardly any time by that.

use std::future::pending;
use std::time::Duration;

use futures_util::stream;
use local_aws::Faults;
use provision::apigateway::{Deployment, Integration, Method, RestApi, Stage};
use provision::arn::Arn;
use provision::aws::Unusual;
use provision::handles::{DeploymentHandle, MethodHandle, RestApiHandle};
use provision::{Env, Stack, Tags, digest};
use provision_cli::exit::Exit;
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::events::Events;
use provision_engine::execute::{ExecuteOptions, execute};
use provision_engine::look::Look;
use provision_engine::observe::Snapshot;
use provision_engine::plan::Plan;
use provision_engine::planner;
use testkit::{Account, Call};
use tokio::time::Instant;

use crate::world::World;

/// A function that nobody looks for.
const INTEGRATION: &str = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/\
    arn:aws:lambda:eu-west-1:123456789012:function:f/invocations";
const LATENCY: Duration = Duration::from_millis(60);

fn rates() -> Faults {
    Faults {
        rates: true,
        latency_ms: 60,
        ..Faults::default()
    }
}

fn refused(calls: &[Call]) -> usize {
    calls.iter().filter(|call| call.status == Some(429)).count()
}

/// `count` APIs of one method each: what the rates of single operations hold up most.
fn apis(count: u32) -> Declaration {
    let mut stack = Stack::new("many", &Env::new(None, Account::REGION));
    for number in 0..count {
        let api = stack.add(
            &format!("api-{number}"),
            RestApi {
                binary_media_types: Vec::new(),
                compression_from: None,
                unusual: Unusual::default(),
                name: format!("many-{number}"),
                description: String::new(),
                endpoint: "REGIONAL".into(),
                disable_execute_api: false,
                tags: Tags::default(),
            },
        );
        let method = stack.add(
            &format!("method-{number}"),
            Method {
                unusual: Unusual::default(),
                api: api.api_id(),
                path: api.root(),
                full_path: "/".into(),
                http_method: "GET".into(),
                key_required: false,
                authorization: "NONE".into(),
                operation: String::new(),
                integration: Some(Integration::lambda_proxy(
                    Arn(INTEGRATION.to_owned()).into(),
                )),
            },
        );
        let deployment = stack.add(
            &format!("deployment-{number}"),
            Deployment {
                api: api.api_id(),
                shape: digest([method.shape()]),
            },
        );
        stack.add_dependency(&deployment, &method);
        stack.add(
            &format!("stage-{number}"),
            Stage {
                unusual: Unusual::default(),
                api: api.api_id(),
                name: "live".into(),
                deployment: deployment.deployment_id(),
                description: String::new(),
                variables: std::collections::BTreeMap::new(),
                tracing: false,
                throttle: None,
                superseded: Vec::new(),
                tags: Tags::default(),
            },
        );
    }
    stack.finish().expect("it is sound")
}

async fn carried_out(
    world: &World,
    stack: &Declaration,
    plan: impl AsyncFn(&Aws) -> Plan,
) -> (Duration, Vec<Call>) {
    let aws = world.connect(Events::default());
    let plan = plan(&aws).await;
    world.way.take_calls();
    let started = Instant::now();
    let report = execute(
        &plan,
        &aws,
        stack.known_names(),
        ExecuteOptions::default(),
        stream::empty(),
        pending(),
    )
    .await;
    assert!(report.is_success(), "{:?}", report.failures);
    (started.elapsed(), world.way.take_calls())
}

async fn read(stack: &Declaration, aws: &Aws) -> Snapshot {
    let kinds = stack.kinds(provision_aws::kinds());
    let look = Look::new(aws.clone());
    let snapshot = Snapshot::read(stack, &kinds, &look, |_| {});
    snapshot.await.expect("a look")
}

async fn many_up(world: &World, stack: &Declaration) -> (Duration, Vec<Call>) {
    carried_out(world, stack, async |aws| {
        let snapshot = read(stack, aws).await;
        let (plan, _) = planner::up(stack, &snapshot, stack.known_names()).expect("a plan");
        plan
    })
    .await
}

async fn many_down(world: &World, stack: &Declaration) -> (Duration, Vec<Call>) {
    carried_out(world, stack, async |aws| {
        planner::down(stack, &read(stack, aws).await).expect("a plan")
    })
    .await
}

/// How many APIs a stack has that is held up by the rates.
const COUNT: u32 = 7;

#[expect(clippy::print_stdout, reason = "the line is what CI shows")]
#[tokio::test(start_paused = true)]
async fn a_run_alone_is_never_told_to_slow_down() {
    let mut world = World::new(rates()).await;
    world.keeps_pace = true;
    let mut calls = Vec::new();
    for (arguments, writes) in [
        (&["up", "--yes"][..], 16),
        (&["up", "--yes"], 0),
        // The throttle, and the note of which declaration it is from.
        (&["up", "--yes", "--rate", "50"], 2),
        (&["down", "--yes"], 8),
    ] {
        let ended = world.run(arguments).await.expect(Exit::Done);
        assert_eq!(ended.writes(), writes, "{arguments:?}");
        calls.extend(ended.calls);
    }

    // The last API is made 6 x 3 s after the first, the last deployed 6 x 5 s after the first, and the last deleted
    // 6 x 30 s after the first. Nobody can be quicker than that and the calls before and after.
    // Time passes for the account as well: what the lab's runs have spent is free again.
    tokio::time::sleep(Duration::from_mins(1)).await;
    let stack = apis(COUNT);
    let (up, of_up) = many_up(&world, &stack).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let (down, of_down) = many_down(&world, &stack).await;
    // CreateRestApi, PutMethod, PutIntegration, then the deployments, then the last one's CreateStage.
    let best_up = LATENCY * 3 + Duration::from_secs(5) * (COUNT - 1) + LATENCY * 2;
    let best_down = Duration::from_secs(30) * (COUNT - 1) + LATENCY;
    calls.extend(of_up);
    calls.extend(of_down);
    let over =
        |took: Duration, best: Duration| 100.0 * (took.as_secs_f64() / best.as_secs_f64() - 1.0);
    println!(
        "quotas: {} calls, {} answers of 429; {COUNT} APIs up in {:.2} s ({:+.1} % of the best schedule, {:.2} s), down \
         in {:.2} s ({:+.1} % of {:.2} s)",
        calls.len(),
        refused(&calls),
        up.as_secs_f64(),
        over(up, best_up),
        best_up.as_secs_f64(),
        down.as_secs_f64(),
        over(down, best_down),
        best_down.as_secs_f64()
    );
    assert_eq!(refused(&calls), 0);
    assert!(up <= best_up.mul_f64(1.1), "{up:?} against {best_up:?}");
    assert!(
        down <= best_down.mul_f64(1.1),
        "{down:?} against {best_down:?}"
    );
}

/// The test above can fail: without our own pace there are refusals.
#[tokio::test(start_paused = true)]
async fn without_a_pace_aws_refuses() {
    let world = World::new(rates()).await;
    let stack = apis(3);
    let (_, calls) = many_up(&world, &stack).await;
    assert!(refused(&calls) > 0);
}
