//! `doctor`: every check that fails is said, with its remedy, and the others go on.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use local_aws::Faults;
use provision_cli::exit::Exit;
use serde_json::Value;
use testkit::{Answer, Decision};

use crate::world::{World, binary};
use testkit::mutation::Target;

/// The checks by name: status, detail and remedy.
struct Checks(Value);

impl Checks {
    async fn of(world: &World, exit: Exit) -> Self {
        let line = ["doctor", "--json", "--bootstrap", &binary(1)];
        let ended = world.run(&line).await.expect(exit);
        let document: Value = serde_json::from_str(&ended.printed.stdout).expect("JSON");
        assert_eq!(document["schema"], 1);
        Self(document)
    }

    fn named(&self, name: &str) -> &Value {
        let checks = self.0["checks"].as_array().expect("a list");
        let mut named = checks.iter().filter(|check| check["name"] == name);
        named
            .next()
            .unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }

    #[track_caller]
    fn assert(&self, name: &str, status: &str, detail: &str) {
        let check = self.named(name);
        assert_eq!(check["status"], status, "{check}");
        let said = check["detail"].as_str().expect("a text");
        assert!(said.contains(detail), "{check}");
        assert_eq!(
            check["remedy"].is_string(),
            status == "fail" || status == "warn",
            "{check}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_account_is_ready() {
    let world = World::new(Faults::default()).await;
    let checks = Checks::of(&world, Exit::Done).await;
    checks.assert("function", "ok", "runs on Lambda");
    checks.assert("region", "ok", "eu-west-1");
    checks.assert("identity", "ok", ":root");
    checks.assert("rights", "ok", "everything");
    checks.assert("names", "ok", "not deployed");
    checks.assert("quotas", "ok", "0 of 600 REST APIs");
}

#[tokio::test(start_paused = true)]
async fn a_deployed_stack_is_told() {
    let world = World::deployed(Faults::default()).await;
    let checks = Checks::of(&world, Exit::Done).await;
    checks.assert("names", "ok", "is deployed, 12 of 12 resources");
}

#[tokio::test(start_paused = true)]
async fn names_that_others_have_are_told() {
    let world = World::new(Faults::default()).await;
    world.take_name(Target::LAB.role).await;
    world.take_name(Target::LAB.table).await;
    let checks = Checks::of(&world, Exit::Failed).await;
    checks.assert("names", "fail", "AWS::IAM::Role `lambda-apigateway-role`");
    checks.assert("names", "fail", "AWS::DynamoDB::Table `lambda-apigateway`");
    checks.assert("quotas", "ok", "");
}

/// A role with the policy that is printed has the rights; one without a right of it is told which.
#[tokio::test(start_paused = true)]
async fn rights_are_simulated_where_that_is_allowed() {
    let mut policy = policy().await;
    let simulate = serde_json::json!({
        "Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*",
    });
    let statements = policy["Statement"].as_array_mut().expect("a list");
    statements.push(simulate);
    let mut world = World::new(Faults::default()).await;
    world.act_by(&policy).await;
    let checks = Checks::of(&world, Exit::Done).await;
    checks.assert("rights", "ok", "all that `up` and `down` need");

    let statements = policy["Statement"].as_array_mut().expect("a list");
    statements.retain(|statement| statement["Sid"] != "PassedRole");
    let mut world = World::new(Faults::default()).await;
    world.act_by(&policy).await;
    let checks = Checks::of(&world, Exit::Failed).await;
    checks.assert("rights", "fail", "missing: iam:PassRole");
}

#[tokio::test(start_paused = true)]
async fn rights_that_may_not_be_asked_for_are_unknown() {
    let mut world = World::new(Faults::default()).await;
    world.act_by(&policy().await).await;
    let checks = Checks::of(&world, Exit::Done).await;
    assert_eq!(checks.named("rights")["status"], "unknown");
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_the_rest_is_unknown() {
    let world = World::new(Faults::default()).await;
    world.way.decide(|_| Decision::Refuse);
    let checks = Checks::of(&world, Exit::Failed).await;
    checks.assert("function", "ok", "");
    checks.assert("identity", "fail", "GetCallerIdentity");
    checks.assert("names", "unknown", "not asked");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_is_told_with_the_refusal() {
    let world = World::new(Faults::default()).await;
    world.way.decide(|_| {
        let later = SystemTime::now() + Duration::from_mins(7);
        let date = DateTime::from(later).fmt(Format::HttpDate).expect("a date");
        let answer = Answer::query_error(403, "SignatureDoesNotMatch", "Signature not yet current");
        let answer = answer.with_header("date", &date);
        Decision::Answer(answer)
    });
    let checks = Checks::of(&world, Exit::Failed).await;
    checks.assert("identity", "fail", "SignatureDoesNotMatch");
    checks.assert("clock", "fail", "s from AWS's");
}

#[tokio::test(start_paused = true)]
async fn a_binary_that_would_not_run_is_told() {
    let world = World::new(Faults::default()).await;
    let line = ["doctor", "--arch", "arm64", "--bootstrap", &binary(1)];
    let ended = world.run(&line).await.expect(Exit::Failed);
    let stdout = ended.printed.stdout;
    assert!(stdout.starts_with("FAIL  function "), "{stdout}");
    assert!(stdout.contains("\n      try: `--arch x86_64`"), "{stdout}");
}

async fn policy() -> Value {
    let world = World::new(Faults::default()).await;
    let printed = world.run(&["policy"]).await.expect(Exit::Done).printed;
    serde_json::from_str(&printed.stdout).expect("JSON")
}
