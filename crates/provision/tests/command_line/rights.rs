//! `policy` prints what the commands need and nothing else: by a role with exactly those rights every story ends well, and
//! without any one of them some story ends otherwise.

use std::collections::BTreeSet;

use local_aws::Faults;
use provision_cli::exit::Exit;
use serde_json::{Value, json};

use crate::undeclared;
use crate::world::{Ended, World, binary};
use testkit::mutation::{MANAGED, Mutation, THEIRS, Target};

/// One run, and what it starts from.
#[derive(Clone, Copy, Debug)]
struct Story {
    arguments: &'static [&'static str],
    start: Start,
    exit: Exit,
    /// What it says on standard error.
    says: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Start {
    Empty,
    Deployed,
    /// Deployed, and changed by somebody.
    Drifted(Mutation),
    /// A role of the stack's name is somebody else's.
    RoleTaken,
    /// The role's description is another.
    RoleDescribed,
}

const UP: &[&str] = &["up", "--yes"];

/// What a role for `plan` is given for.
const READS: [Story; 5] = [
    story(&["drift"], Start::Deployed),
    story(&["plan"], Start::Empty),
    story(&["plan"], Start::Deployed),
    story(&["plan"], Start::Drifted(Mutation::ChangeMemory)),
    story(&["outputs"], Start::Deployed),
];

const WRITES: [Story; 40] = [
    story(UP, Start::Empty),
    story(UP, Start::Deployed),
    story(&["up", "--yes", "--rate", "50"], Start::Deployed),
    story(&["up", "--yes", "--bootstrap", "2"], Start::Deployed),
    story(
        &["up", "--yes", "--adopt", "lambda-apigateway-role"],
        Start::RoleTaken,
    ),
    story(UP, Start::RoleDescribed),
    story(UP, Start::Drifted(Mutation::DeleteRole)),
    story(UP, Start::Drifted(Mutation::DeletePolicy)),
    story(UP, Start::Drifted(Mutation::DeleteTable)),
    story(UP, Start::Drifted(Mutation::DeleteLogGroup)),
    story(UP, Start::Drifted(Mutation::DeleteFunction)),
    story(UP, Start::Drifted(Mutation::StopFunction)),
    story(UP, Start::Drifted(Mutation::DeleteStatement)),
    story(UP, Start::Drifted(Mutation::DeleteApi)),
    story(UP, Start::Drifted(Mutation::DeletePath)),
    story(UP, Start::Drifted(Mutation::DeleteMethod)),
    story(UP, Start::Drifted(Mutation::DeleteIntegration)),
    story(UP, Start::Drifted(Mutation::DeleteStage)),
    story(UP, Start::Drifted(Mutation::DeleteKey)),
    story(UP, Start::Drifted(Mutation::DeletePlan)),
    story(UP, Start::Drifted(Mutation::UnlinkKey)),
    story(UP, Start::Drifted(Mutation::UnlinkStage)),
    story(UP, Start::Drifted(Mutation::ChangeTrust)),
    story(UP, Start::Drifted(Mutation::ChangePolicy)),
    story(UP, Start::Drifted(Mutation::ChangeMemory)),
    story(UP, Start::Drifted(Mutation::ChangeRetention)),
    story(UP, Start::Drifted(Mutation::ChangeProtection)),
    story(UP, Start::Drifted(Mutation::ExpireTable)),
    story(UP, Start::Drifted(Mutation::ChangeApi)),
    story(UP, Start::Drifted(Mutation::ChangeMethod)),
    story(UP, Start::Drifted(Mutation::ChangeIntegration)),
    story(UP, Start::Drifted(Mutation::ChangeStage)),
    story(UP, Start::Drifted(Mutation::ChangeKey)),
    story(&["outputs", "--show-secrets", "api_key"], Start::Deployed),
    story(&["invoke", "--direct"], Start::Deployed),
    story(&["logs"], Start::Deployed),
    story(&["key", "rotate"], Start::Deployed),
    // Without `--yes` it must know that no data would be lost.
    story(&["down"], Start::Deployed),
    obstructed(Mutation::ForeignAttached, MANAGED),
    obstructed(Mutation::ForeignInline, THEIRS),
];

const fn story(arguments: &'static [&'static str], start: Start) -> Story {
    Story {
        arguments,
        start,
        exit: Exit::Done,
        says: "",
    }
}

/// `down` of a role that somebody hung something on, which it has to name.
const fn obstructed(by: Mutation, says: &'static str) -> Story {
    Story {
        arguments: &["down"],
        start: Start::Drifted(by),
        exit: Exit::Failed,
        says,
    }
}

/// A trust policy for Lambda, of a role that somebody else made.
const LAMBDA_TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;

impl Story {
    fn is_told_by(self, ended: &Ended) -> bool {
        ended.exit == Some(self.exit) && ended.printed.stderr.contains(self.says)
    }

    async fn run(self, policy: &Value) -> Ended {
        let mut world = match self.start {
            Start::Empty | Start::RoleTaken => World::new(Faults::default()).await,
            _ => Box::pin(World::deployed(Faults::default())).await,
        };
        match self.start {
            Start::Empty | Start::Deployed => {}
            Start::Drifted(mutation) => Box::pin(world.apply(mutation)).await,
            Start::RoleTaken => world.take_name(Target::LAB.role).await,
            Start::RoleDescribed => {
                let update = world.account.iam.update_role().role_name(Target::LAB.role);
                let update = update.description("somebody else's words");
                update.send().await.expect("the role is there");
            }
        }
        // Roles of others are asked for their tags, declared ones are known by name.
        let role = world.account.iam.create_role().role_name("role-of-others");
        let role = role.assume_role_policy_document(LAMBDA_TRUST).send().await;
        role.expect("CreateRole");
        Box::pin(world.act_by(policy)).await;
        let other = binary(2);
        let arguments: Vec<&str> = self
            .arguments
            .iter()
            .map(|argument| if *argument == "2" { &other } else { *argument })
            .collect();
        Box::pin(world.run(&arguments)).await
    }
}

/// What `policy` prints for the account of the engine.
async fn policy(arguments: &[&str]) -> Value {
    let world = World::new(Faults::default()).await;
    let line: Vec<&str> = ["policy", "--json"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let ended = world.run(&line).await.expect(Exit::Done);
    serde_json::from_str(&ended.printed.stdout).expect("JSON")
}

/// One action on the resources of one statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    statement: String,
    action: String,
}

impl Right {
    fn all(policy: &Value) -> Vec<(Self, BTreeSet<String>)> {
        let reasons = policy["reasons"].as_array().expect("a list");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        reasons
            .iter()
            .map(|reason| {
                let operations = reason["operations"].as_array().expect("a list");
                let right = Self {
                    statement: text(&reason["statement"]),
                    action: text(&reason["action"]),
                };
                (right, operations.iter().map(text).collect())
            })
            .collect()
    }

    /// `policy` without it.
    fn taken_from(&self, policy: &Value) -> Value {
        let mut left = policy.clone();
        let statements = left["Statement"].as_array_mut().expect("a list");
        for statement in statements.iter_mut() {
            if statement["Sid"] == *self.statement {
                let actions = statement["Action"].as_array_mut().expect("a list");
                let before = actions.len();
                actions.retain(|action| *action != *self.action);
                assert_eq!(actions.len() + 1, before, "{self:?} is in the policy");
            }
        }
        statements.retain(|statement| statement["Action"] != json!([]));
        left
    }
}

/// Plays `stories` with the whole policy, then without each of its rights those that call what needs it. Returns the
/// rights without which every story still ended as it has to.
async fn without_use(policy: &Value, stories: &[Story]) -> Vec<Right> {
    let document = &policy["policy"];
    let mut called = Vec::new();
    for story in stories {
        let ended = Box::pin(story.run(document)).await;
        assert!(story.is_told_by(&ended), "{story:?}: {ended:#?}");
        let operations: BTreeSet<String> =
            ended.calls.into_iter().map(|call| call.operation).collect();
        called.push((*story, operations));
    }
    let mut without_use = Vec::new();
    'rights: for (right, operations) in Right::all(policy) {
        let left = right.taken_from(document);
        let users = called
            .iter()
            .filter(|(_, called)| !called.is_disjoint(&operations));
        for (story, _) in users {
            if !story.is_told_by(&Box::pin(story.run(&left)).await) {
                continue 'rights;
            }
        }
        without_use.push(right);
    }
    without_use
}

#[tokio::test(start_paused = true)]
async fn a_deployer_has_what_every_command_needs_and_nothing_else() {
    let policy = policy(&[]).await;
    let stories: Vec<Story> = READS.into_iter().chain(WRITES).collect();
    // The lab's log group always expires.
    let elsewhere = Right {
        statement: "LogGroup".to_owned(),
        action: "logs:DeleteRetentionPolicy".to_owned(),
    };
    assert_eq!(Box::pin(without_use(&policy, &stories)).await, [elsewhere]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_has_what_plans_need_and_nothing_else() {
    let policy = policy(&["--for", "plan"]).await;
    assert_eq!(Box::pin(without_use(&policy, &READS)).await, []);
    let refused = story(UP, Start::Empty).run(&policy["policy"]).await;
    let refused = refused.expect(Exit::Failed);
    let mut writes = refused.calls.iter().filter(|call| call.write);
    assert!(
        writes.all(|call| call.status.is_some_and(|status| status >= 400)),
        "{refused:#?}"
    );
}

/// The rights of previews hold for any of them, and for no other stack.
#[tokio::test(start_paused = true)]
async fn a_previewer_deploys_previews_alone() {
    let policy = policy(&["--for", "preview"]).await;
    let mut world = World::new(Faults::default()).await;
    world.act_by(&policy["policy"]).await;
    for env in ["pr-7", "pr-1234"] {
        world
            .run(&["up", "--yes", "--env", env])
            .await
            .expect(Exit::Done);
    }
    world
        .run(&["down", "--yes", "--env", "pr-7"])
        .await
        .expect(Exit::Done);
    for arguments in [&["up", "--yes"][..], &["up", "--yes", "--env", "live"]] {
        world.run(arguments).await.expect(Exit::Failed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_whose_tags_may_not_be_read_is_not_taken_for_somebody_elses() {
    let policy = policy(&[]).await;
    let right = Right {
        statement: "Function".to_owned(),
        action: "lambda:ListTags".to_owned(),
    };
    let left = right.taken_from(&policy["policy"]);
    let ended = story(UP, Start::Deployed)
        .run(&left)
        .await
        .expect(Exit::Failed);
    let said = &ended.printed.stderr;
    assert!(
        said.contains("is not authorized to perform: lambda:ListTags"),
        "{said}"
    );
}

/// The rights are for what is declared. What was taken out has names that they do not have: nobody takes it for nothing.
#[tokio::test(start_paused = true)]
async fn what_was_taken_out_needs_rights_of_its_own() {
    let policy = policy(&[]).await;
    let mut world = undeclared::deployed(Faults::default()).await;
    world.act_by(&policy["policy"]).await;
    for command in ["plan", "up", "down", "drift"] {
        let refused = world.run(&[command]).await.expect(Exit::Failed);
        let said = &refused.printed.stderr;
        assert_eq!(refused.writes(), 0, "{said}");
        assert!(said.contains("error[P0017]: "), "{said}");
        assert!(said.contains("former-"), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_by_its_number_asks_nobody() {
    let world = World::new(Faults::default()).await;
    let trust = [
        "policy",
        "--account",
        "111122223333",
        "--trust",
        "octo/repo",
    ];
    let ended = world.run(&trust).await.expect(Exit::Done);
    assert!(ended.calls.is_empty());
    let document: Value = serde_json::from_str(&ended.printed.stdout).expect("JSON");
    assert_eq!(
        document["Statement"][0]["Principal"]["Federated"],
        "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    );
    let ended = world.run(&["policy", "--account", "111122223333"]).await;
    let ended = ended.expect(Exit::Done);
    assert!(ended.calls.is_empty());
    assert!(
        ended
            .printed
            .stdout
            .contains(":111122223333:table/lambda-apigateway\"")
    );
}
