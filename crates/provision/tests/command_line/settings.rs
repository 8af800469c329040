//! Settings that AWS keeps beside a resource: a table's time to live and point-in-time recovery, and a role's boundary.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use aws_sdk_dynamodb::types::{
    PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, TimeToLiveSpecification,
    TimeToLiveStatus,
};
use local_aws::Faults;
use provision::arn::Arn;
use provision::dynamodb::Table;
use provision::iam::{PolicyDocument, Role};
use provision::{App, Env, Stack, Tags, lab};
use provision_cli::exit::Exit;
use provision_engine::owner::REGION;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::fault::Fault;
use crate::world::{Ended, World};

const TABLE: &str = "sessions";
const ROLE: &str = "worker";
const NARROW: &str = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess";
const WIDE: &str = "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess";

const ALL: [&str; 3] = [
    "ttl=until",
    "recovery=true",
    "boundary=arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess",
];
const OTHERS: [&str; 3] = [
    "ttl=expires",
    "recovery=false",
    "boundary=arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess",
];
const NONE: [&str; 0] = [];

/// The lab's stack with a table and a role whose settings are parameters; these are their values without `--set`.
fn stack(env: &Env, (ttl, recovery, boundary): (&str, bool, &str)) -> Result<Stack> {
    let mut stack = lab::lab(env)?;
    let ttl = stack.parameter("ttl", ttl.to_owned());
    let recovery = stack.parameter("recovery", recovery);
    let boundary = stack.parameter("boundary", boundary.to_owned());
    stack.add(
        TABLE,
        Table {
            ttl: Some(ttl).filter(|attribute| !attribute.is_empty()),
            point_in_time_recovery: recovery,
            ..Table::on_demand(TABLE, "id")
        },
    );
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "Service": "lambda.amazonaws.com" },
        "Action": "sts:AssumeRole",
    }] });
    let boundary = Some(boundary).filter(|arn| !arn.is_empty());
    stack.add(
        ROLE,
        Role {
            name: ROLE.to_owned(),
            description: String::new(),
            max_session_s: 3600,
            trust: PolicyDocument::new(trust),
            policies: BTreeMap::new(),
            boundary: boundary.map(|arn| Arn(arn).into()),
            tags: Tags::default().with(REGION, env.region()),
        },
    );
    Ok(stack)
}

fn app() -> App {
    lab::app().stack(|env| stack(env, ("", false, "")))
}

/// `policy` takes no parameters.
fn whole() -> App {
    lab::app().stack(|env| stack(env, ("until", true, NARROW)))
}

/// A table with a time to live, and nothing else.
fn expiring() -> App {
    lab::app().stack(|env| stack(env, ("until", false, "")))
}

async fn new(faults: Faults) -> World {
    let mut world = World::new(faults).await;
    world.app = app;
    world
}

async fn deployed(faults: Faults, settings: &[&'static str]) -> World {
    let world = new(faults).await;
    run(&world, &["up", "--yes"], settings)
        .await
        .expect(Exit::Done);
    world
}

fn line<'a>(command: &[&'a str], settings: &[&'a str]) -> Vec<&'a str> {
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    command.iter().copied().chain(settings).collect()
}

async fn run(world: &World, command: &[&str], settings: &[&str]) -> Ended {
    world.run(&line(command, settings)).await
}

/// The settings in the account: the attribute of the time to live, recovery, and the boundary.
type Settings<'a> = (Option<&'a str>, bool, Option<&'a str>);

#[track_caller]
fn assert_settings(found: &(Option<String>, bool, Option<String>), expected: Settings<'_>) {
    let (ttl, recovery, boundary) = found;
    assert_eq!((ttl.as_deref(), *recovery, boundary.as_deref()), expected);
}

async fn found(world: &World) -> (Option<String>, bool, Option<String>) {
    let tables = &world.account.dynamodb;
    let ttl = tables.describe_time_to_live().table_name(TABLE).send();
    let ttl = ttl.await.expect("DescribeTimeToLive");
    let ttl = ttl.time_to_live_description.expect("a description");
    let is_on = ttl.time_to_live_status() == Some(&TimeToLiveStatus::Enabled);
    let backups = tables.describe_continuous_backups().table_name(TABLE);
    let backups = backups.send().await.expect("DescribeContinuousBackups");
    let recovery = backups
        .continuous_backups_description()
        .and_then(|backups| backups.point_in_time_recovery_description())
        .and_then(|recovery| recovery.point_in_time_recovery_status());
    let role = world.account.iam.get_role().role_name(ROLE).send().await;
    let role = role.expect("GetRole").role.expect("a role");
    let boundary = role.permissions_boundary;
    (
        ttl.attribute_name.filter(|_| is_on),
        recovery == Some(&PointInTimeRecoveryStatus::Enabled),
        boundary.and_then(|boundary| boundary.permissions_boundary_arn),
    )
}

async fn set_ttl(world: &World, attribute: &str, enabled: bool) {
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name(attribute)
        .enabled(enabled);
    let update = world.account.dynamodb.update_time_to_live();
    let update = update.table_name(TABLE);
    let update = update.time_to_live_specification(ttl.build().expect("whole"));
    update.send().await.expect("UpdateTimeToLive");
}

async fn set_recovery(world: &World, enabled: bool) {
    let recovery = PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(enabled)
        .build()
        .expect("whole");
    let update = world.account.dynamodb.update_continuous_backups();
    let update = update.table_name(TABLE);
    let update = update.point_in_time_recovery_specification(recovery);
    update.send().await.expect("UpdateContinuousBackups");
}

async fn set_boundary(world: &World, arn: &str) {
    let put = world.account.iam.put_role_permissions_boundary();
    let put = put.role_name(ROLE).permissions_boundary(arn);
    put.send().await.expect("PutRolePermissionsBoundary");
}

/// The calls of a run that are about settings, in their order.
fn calls(ended: &Ended) -> Vec<&str> {
    let names = ended.calls.iter().map(|call| call.operation.as_str());
    let about = ["TimeToLive", "ContinuousBackups", "Boundary", "Untag"];
    names
        .filter(|name| about.iter().any(|part| name.contains(part)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn settings_are_made_changed_and_taken_back() {
    let world = deployed(Faults::default(), &ALL).await;
    assert_settings(&found(&world).await, (Some("until"), true, Some(NARROW)));
    let again = run(&world, &["up", "--yes"], &ALL).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0);

    let changed = run(&world, &["up", "--yes"], &OTHERS).await;
    let changed = changed.expect(Exit::Done);
    assert_settings(&found(&world).await, (Some("expires"), false, Some(WIDE)));
    let writes: Vec<&str> = calls(&changed)
        .into_iter()
        .filter(|name| !name.starts_with("Describe"))
        .collect();
    let count = |name: &str| writes.iter().filter(|write| **write == name).count();
    assert_eq!(count("UpdateTimeToLive"), 2, "off and on: {writes:?}");
    assert_eq!(count("UpdateContinuousBackups"), 1);
    assert_eq!(count("PutRolePermissionsBoundary"), 1);
    assert_eq!(writes.len(), 4, "{writes:?}");

    let plan = run(&world, &["plan", "--json"], &NONE).await;
    let plan: Value = serde_json::from_str(&plan.expect(Exit::Done).printed.stdout).expect("JSON");
    let steps = plan["steps"].as_array().expect("a list");
    let drift = steps.iter().filter(|step| step["drift"] == true).count();
    assert_eq!(drift, 0, "the declaration has changed: {plan}");
    run(&world, &["up", "--yes"], &NONE)
        .await
        .expect(Exit::Done);
    assert_settings(&found(&world).await, (None, false, None));
    let again = run(&world, &["up", "--yes"], &NONE).await;
    let again = again.expect(Exit::Done);
    assert_eq!(again.writes(), 0);
    let asked = calls(&again);
    let asked: BTreeSet<&str> = asked.into_iter().collect();
    assert_eq!(
        asked,
        BTreeSet::from(["DescribeTimeToLive"]),
        "the others are not asked for any more"
    );

    run(&world, &["down", "--yes"], &NONE)
        .await
        .expect(Exit::Done);
    assert!(world.census().await.is_empty());
}

/// A stack that never had settings is read and marked as it always was.
#[tokio::test(start_paused = true)]
async fn who_has_no_settings_pays_nothing_for_them() {
    let world = new(Faults::default()).await;
    let made = run(&world, &["up", "--yes"], &NONE).await;
    assert_eq!(calls(&made.expect(Exit::Done)), [""; 0]);
    let census = world.census().await.value().to_string();
    assert!(!census.contains("provision:settings"), "{census}");
    let policy = run(&world, &["policy", "--json"], &NONE).await;
    let policy = policy.expect(Exit::Done).printed.stdout;
    for part in ["UpdateContinuousBackups", "Boundary", "Untag"] {
        assert!(!policy.contains(part), "{part}: {policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changed_is_drift_and_up_repairs_it() {
    let whole: Settings = (Some("until"), true, Some(NARROW));
    for number in 0..5 {
        let world = deployed(Faults::default(), &ALL).await;
        match number {
            0 => set_ttl(&world, "until", false).await,
            1 => {
                set_ttl(&world, "until", false).await;
                set_ttl(&world, "another", true).await;
            }
            2 => set_recovery(&world, false).await,
            3 => set_boundary(&world, WIDE).await,
            _ => {
                let delete = world.account.iam.delete_role_permissions_boundary();
                let delete = delete.role_name(ROLE).send().await;
                delete.expect("DeleteRolePermissionsBoundary");
            }
        }
        let drift = run(&world, &["drift"], &ALL).await;
        drift.expect(Exit::Differences);
        run(&world, &["up", "--yes"], &ALL).await.expect(Exit::Done);
        assert_settings(&found(&world).await, whole);
        run(&world, &["drift"], &ALL).await.expect(Exit::Done);
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_have_set_stays() {
    let world = deployed(Faults::default(), &NONE).await;
    set_recovery(&world, true).await;
    set_boundary(&world, WIDE).await;
    let again = run(&world, &["up", "--yes"], &NONE).await;
    assert_eq!(again.expect(Exit::Done).writes(), 0);
    let theirs: Settings = (None, true, Some(WIDE));
    assert_settings(&found(&world).await, theirs);
    let told = run(&world, &["drift"], &NONE).await.expect(Exit::Done);
    let told = told.printed.stdout;
    for words in [
        "point-in-time recovery in table `sessions`",
        "permissions boundary `",
    ] {
        assert!(told.contains(words), "{told}");
    }
    // Declared, it is ours: from then on it goes with the declaration.
    run(&world, &["up", "--yes"], &ALL).await.expect(Exit::Done);
    assert_settings(&found(&world).await, (Some("until"), true, Some(NARROW)));
    run(&world, &["up", "--yes"], &ALL[..1])
        .await
        .expect(Exit::Done);
    assert_settings(&found(&world).await, (Some("until"), false, None));
}

/// Items vanish by it.
#[tokio::test(start_paused = true)]
async fn a_time_to_live_that_nobody_declared_is_switched_off() {
    let faults = Faults {
        ttl_interval_ms: 3_600_000,
        ..Faults::default()
    };
    let world = deployed(faults, &NONE).await;
    set_ttl(&world, "theirs", true).await;
    let told = run(&world, &["drift"], &NONE).await;
    let told = told.expect(Exit::Differences).printed.stdout;
    assert!(told.contains("ttl"), "{told}");
    let soon = run(&world, &["up", "--yes"], &NONE).await;
    let soon = soon.expect(Exit::Failed).printed.stderr;
    assert!(soon.contains("within the last hour"), "{soon}");
    sleep(Duration::from_hours(1)).await;
    run(&world, &["up", "--yes"], &NONE)
        .await
        .expect(Exit::Done);
    assert_settings(&found(&world).await, (None, false, None));
}

#[tokio::test(start_paused = true)]
async fn the_lag_of_a_new_table_is_waited_out() {
    let faults = Faults {
        table_creating_ms: 8_000,
        backups_enabling_ms: 20_000,
        ttl_changing_ms: 30_000,
        visibility_ms: 3_000,
        ..Faults::default()
    };
    let world = new(faults).await;
    let made = run(&world, &["up", "--yes"], &ALL).await.expect(Exit::Done);
    let said = &made.printed.stderr;
    assert!(
        said.contains("waiting for the table's backups to be ready"),
        "{said}"
    );
    let again = run(&world, &["up", "--yes"], &ALL).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0, "what is being switched on counts as on");
    run(&world, &["up", "--yes"], &NONE)
        .await
        .expect(Exit::Done);
    let again = run(&world, &["up", "--yes"], &NONE).await;
    let again = again.expect(Exit::Done);
    assert_eq!(
        again.writes(),
        0,
        "what is being switched off counts as off"
    );
    sleep(Duration::from_secs(40)).await;
    assert_settings(&found(&world).await, (None, false, None));
}

#[tokio::test(start_paused = true)]
async fn a_second_change_within_the_hour_is_put_off() {
    let hour = Duration::from_hours(1);
    let faults = Faults {
        ttl_interval_ms: 3_600_000,
        ..Faults::default()
    };
    let world = deployed(faults, &ALL).await;
    let other = ["ttl=expires", ALL[1], ALL[2]];
    let refused = async || {
        let ended = run(&world, &["up", "--yes"], &other).await;
        let ended = ended.expect(Exit::Failed);
        let said = &ended.printed.stderr;
        for part in [
            "error[P0025]: ",
            "the time to live of table `sessions` was changed within the last hour",
            "wait until an hour has passed, and run it again",
        ] {
            assert!(said.contains(part), "{said}");
        }
    };
    refused().await;
    assert_settings(&found(&world).await, (Some("until"), true, Some(NARROW)));
    sleep(hour).await;
    refused().await;
    assert_settings(&found(&world).await, (None, true, Some(NARROW)));
    sleep(hour).await;
    let done = run(&world, &["up", "--yes"], &other).await;
    done.expect(Exit::Done);
    assert_settings(&found(&world).await, (Some("expires"), true, Some(NARROW)));
}

/// The rights of the declaration that has them make settings, change them and take them back.
#[tokio::test(start_paused = true)]
async fn the_rights_that_policy_prints_suffice() {
    let mut world = new(Faults::default()).await;
    world.app = whole;
    let policy = world.run(&["policy", "--json"]).await;
    world.app = app;
    let policy: Value =
        serde_json::from_str(&policy.expect(Exit::Done).printed.stdout).expect("JSON");
    world.act_by(&policy["policy"]).await;
    for settings in [&ALL[..], &OTHERS, &NONE] {
        let up = run(&world, &["up", "--yes"], settings).await;
        up.expect(Exit::Done);
        let again = run(&world, &["up", "--yes"], settings).await;
        assert_eq!(again.expect(Exit::Done).writes(), 0);
    }
    assert_settings(&found(&world).await, (None, false, None));
}

/// The tag that names the settings goes with the last of them, whichever that is.
#[tokio::test(start_paused = true)]
async fn the_rights_of_one_setting_take_it_back() {
    let mut world = new(Faults::default()).await;
    world.app = expiring;
    let policy = world.run(&["policy", "--json"]).await;
    world.app = app;
    let policy: Value =
        serde_json::from_str(&policy.expect(Exit::Done).printed.stdout).expect("JSON");
    world.act_by(&policy["policy"]).await;
    for settings in [&ALL[..1], &NONE] {
        let up = run(&world, &["up", "--yes"], settings).await;
        up.expect(Exit::Done);
    }
    assert_settings(&found(&world).await, (None, false, None));
}

#[tokio::test(start_paused = true)]
async fn every_call_about_settings_may_be_disturbed() {
    const CALLS: [(&str, &str, bool); 8] = [
        ("dynamodb", "DescribeTimeToLive", true),
        ("dynamodb", "DescribeContinuousBackups", true),
        ("dynamodb", "UpdateTimeToLive", true),
        ("dynamodb", "UpdateContinuousBackups", true),
        ("dynamodb", "UntagResource", false),
        ("iam", "PutRolePermissionsBoundary", true),
        ("iam", "DeleteRolePermissionsBoundary", false),
        ("iam", "UntagRole", false),
    ];
    const FAULTS: [Fault; 6] = [
        Fault::DropAfter,
        Fault::Status500,
        Fault::Throttled,
        Fault::KillBefore,
        Fault::KillAfter,
        Fault::Interrupt,
    ];
    for (service, operation, is_change) in CALLS {
        for fault in FAULTS {
            let name = format!("{fault:?} at {operation}");
            let world = deployed(Faults::default(), &ALL).await;
            let to: &[&str] = if is_change { &OTHERS } else { &NONE };
            let (hands, seen) = fault.arm_at(&world, service, operation);
            let line = line(&["up", "--yes"], to);
            let ended = world.run_by(&hands, &line).await;
            world.way.forward_all();
            let seen = seen.load(std::sync::atomic::Ordering::Relaxed);
            assert!(seen > 0, "{name} never happened");
            if fault.is_absorbed() {
                let said = &ended.printed.stderr;
                assert_eq!(ended.exit, Some(Exit::Done), "{name}: {said}");
            }
            run(&world, &["up", "--yes"], to).await.expect(Exit::Done);
            let expected: Settings = if is_change {
                (Some("expires"), false, Some(WIDE))
            } else {
                (None, false, None)
            };
            let (ttl, recovery, boundary) = found(&world).await;
            let found = (ttl.as_deref(), recovery, boundary.as_deref());
            assert_eq!(found, expected, "{name}");
            let again = run(&world, &["up", "--yes"], to).await;
            assert_eq!(again.expect(Exit::Done).writes(), 0, "{name}");
        }
    }
}
