//! Lists come in pages: what is ours is found on whichever page it is.

use local_aws::Faults;
use provision_cli::exit::Exit;
use provision_engine::owner::STACK;
use serde_json::Value;
use testkit::sdk::iam::types::Tag;

use crate::world::World;

/// Entries that a page has at most: of API Gateway's lists, of IAM's, and of the list of what carries a tag.
const PAGE: usize = 500;
const PAGE_OF_ROLES: usize = 1000;
const PAGE_OF_TAGGED: usize = 100;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// The id of the stack's key.
async fn key(world: &World) -> String {
    let outputs = world.run(&["outputs", "api_key_id"]).await;
    let printed = outputs.expect(Exit::Done).printed;
    printed.stdout.trim().to_owned()
}

#[tokio::test(start_paused = true)]
async fn what_is_not_on_the_first_page_is_found() {
    let world = World::deployed(Faults::default()).await;
    let gateway = &world.account.apigateway;
    let mut others = Vec::new();
    for number in 0..PAGE * 3 {
        let made = gateway.create_api_key().name(format!("other-{number}"));
        let made = made.send().await.expect("a key");
        others.push(made.id().expect("an id").to_owned());
    }
    // Keys are listed by their ids, which nobody chooses: another one until it is late enough.
    let mut ours = key(&world).await;
    while others.iter().filter(|id| **id < ours).count() < PAGE {
        let delete = gateway.delete_api_key().api_key(&ours).send().await;
        delete.expect("the key is there");
        world.run(&["up", "--yes"]).await.expect(Exit::Done);
        ours = key(&world).await;
    }
    let again = world.run(&["up", "--yes"]).await.expect(Exit::Done);
    assert_eq!(again.writes(), 0, "{}", again.printed.stderr);
    world.run(&["down", "--yes"]).await.expect(Exit::Done);
    assert!(gateway.get_api_key().api_key(&ours).send().await.is_err());
    for id in [&others[0], &others[PAGE * 3 - 1]] {
        let kept = gateway.get_api_key().api_key(id).send().await;
        kept.expect("it is somebody else's");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_declared_any_more_is_found_on_any_page() {
    let world = World::deployed(Faults::default()).await;
    let stack = "serverless-lab";
    let role = |name: &str| {
        let create = world.account.iam.create_role().role_name(name);
        create.assume_role_policy_document(TRUST)
    };
    for number in 0..PAGE_OF_ROLES {
        let made = role(&format!("a-role-{number}")).send().await;
        made.expect("a role of somebody");
    }
    let tag = Tag::builder().key(STACK).value(stack).build();
    let former = role("z-role").tags(tag.expect("a tag")).send().await;
    former.expect("a role of the stack");
    for number in 0..PAGE_OF_TAGGED {
        let create = world.account.logs.create_log_group();
        let create = create.log_group_name(format!("/former/{number}"));
        let former = create.tags(STACK, stack).send().await;
        former.expect("a log group of the stack");
    }
    let planned = world.run(&["plan", "--json"]).await.expect(Exit::Done);
    let plan: Value = serde_json::from_str(&planned.printed.stdout).expect("a plan is JSON");
    assert_eq!(plan["summary"]["delete"], 1 + PAGE_OF_TAGGED);
}
