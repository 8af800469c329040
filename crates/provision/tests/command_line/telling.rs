//! How much is told: `-q`, `-v`, `-vv`, and plain lines where nothing is redrawn.

use local_aws::Faults;
use provision_cli::exit::Exit;

use crate::fault::Fault;
use crate::world::World;
use testkit::mutation::{Mutation, Target};

#[tokio::test(start_paused = true)]
async fn details_name_attempts_requests_and_pauses() {
    let world = World::new(Faults::default()).await;
    let (hands, _) = Fault::Throttled.arm(&world, 0);
    let ended = world.run_by(&hands, &["plan", "-vv"]).await;
    let ended = ended.expect(Exit::Done);
    let said = &ended.printed.stderr;
    let throttled = said
        .lines()
        .find(|line| line.contains(" TooManyRequestsException "))
        .expect(said);
    let operation = throttled.split_whitespace().next().expect("it is named");
    assert!(throttled.contains(" · attempt 1"), "{throttled}");
    assert!(throttled.contains(" · again in 2."), "{throttled}");
    let second = said
        .lines()
        .find(|line| line.contains(&format!("{operation} ok")))
        .expect(said);
    assert!(second.contains(" · attempt 2 · request "), "{second}");

    let calls = world.run(&["plan", "-v"]).await.printed.stderr;
    assert!(calls.contains(" ok "), "{calls}");
    assert!(!calls.contains("attempt"), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn a_detailed_plan_has_the_fields_of_what_is_made() {
    let world = World::new(Faults::default()).await;
    let plan = world.run(&["plan", "-v"]).await.expect(Exit::Done);
    let shown = plan.printed.stdout;
    for line in [
        "memory_mb: 256",
        "throttle.burst: 20",
        "keys: (known after up)",
        "tags.provision:stack: serverless-lab",
    ] {
        assert!(
            shown.contains(&format!("\n      {line}\n")),
            "no {line}: {shown}"
        );
    }
    assert!(!shown.contains("provision:declaration"), "{shown}");
    let brief = world.run(&["plan"]).await.expect(Exit::Done).printed.stdout;
    assert!(!brief.contains("memory_mb"), "{brief}");
}

/// But for what is to be copied in one piece.
#[tokio::test(start_paused = true)]
async fn nothing_is_wider_than_a_terminal() {
    let world = World::deployed(Faults::default()).await;
    world.apply(Mutation::ChangeRetention).await;
    let role = "lambda-apigateway-role";
    let put = world.account.iam.put_role_policy().role_name(role);
    let broad = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Table","Effect":"Allow","Action":"dynamodb:*","Resource":"*"}]}"#;
    let put = put
        .policy_name(Target::LAB.policy)
        .policy_document(broad)
        .send()
        .await;
    put.expect("the role is there");
    for line in [
        &["drift"][..],
        &["plan"],
        &["up", "--only", "logs"],
        &["down", "--only", "plan", "--yes"],
    ] {
        let printed = world.run(line).await.printed;
        let all = format!("{}{}", printed.stdout, printed.stderr);
        let is_to_copy = |line: &str| {
            ["arn:", "http://", "`provision "]
                .iter()
                .any(|part| line.contains(part))
        };
        let wide = all
            .lines()
            .find(|line| line.chars().count() > 80 && !is_to_copy(line));
        assert_eq!(wide, None, "{all}");
    }
}

#[tokio::test(start_paused = true)]
async fn plain_progress_is_one_line_a_step() {
    let world = World::new(Faults::default()).await;
    let ended = world.run(&["up", "--progress", "plain"]).await;
    let said = ended.expect(Exit::Done).printed.stderr;
    assert!(!said.contains(['\r', '\u{1b}']), "{said}");
    let ends = said
        .lines()
        .filter(|line| line.starts_with("  + AWS::IAM::Role") && line.ends_with(" s"));
    assert_eq!(ends.count(), 1, "{said}");
}

#[tokio::test(start_paused = true)]
async fn quiet_leaves_results_and_errors() {
    let world = World::new(Faults::default()).await;
    let up = world.run(&["up", "-q"]).await.expect(Exit::Done);
    assert_eq!(up.printed.stderr, "");
    assert!(up.printed.stdout.contains("invoke_url"));
    let failed = world.run(&["outputs", "nothing", "-q"]).await;
    let failed = failed.expect(Exit::Failed).printed.stderr;
    assert!(failed.starts_with("error[P0004]: "), "{failed}");
}
