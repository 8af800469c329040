//! What others put into resources of ours goes along with them only when that was named and agreed to.

use local_aws::Faults;
use provision_cli::exit::Exit;

use crate::undeclared;
use crate::world::World;
use testkit::mutation::{MANAGED, Mutation, Target, clear_the_way};
use testkit::sdk::iam::types::Role;

#[tokio::test(start_paused = true)]
async fn what_others_put_into_ours_is_named_before_it_goes_along() {
    for (mutation, named) in [
        (Mutation::ForeignMethod, "method `GET /"),
        (
            Mutation::ForeignStatement,
            "statement `apigateway-theirs-2`",
        ),
        (Mutation::ForeignKeyInPlan, "API key `"),
    ] {
        let world = World::deployed(Faults::default()).await;
        world.apply(mutation).await;
        refuses(&world, named).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stage_of_others_in_our_api_is_named() {
    let world = World::deployed(Faults::default()).await;
    let gateway = &world.account.apigateway;
    let apis = gateway.get_rest_apis().send().await.expect("a list");
    let api = apis.items()[0].id().expect("an id");
    let deployments = gateway.get_deployments().rest_api_id(api).send().await;
    let deployments = deployments.expect("a list");
    let deployment = deployments.items()[0].id().expect("an id");
    let create = gateway.create_stage().rest_api_id(api).stage_name("theirs");
    let made = create.deployment_id(deployment).send().await;
    made.expect("a stage");
    refuses(&world, "stage `theirs` in REST API").await;
}

/// AWS would refuse in the middle: it is told before the first call, whatever was agreed to, and with the way out.
#[tokio::test(start_paused = true)]
async fn what_blocks_a_deletion_is_named_before_the_first_call() {
    for (mutation, named, way) in [
        (
            Mutation::ForeignAttached,
            MANAGED,
            "aws iam detach-role-policy --role-name",
        ),
        (
            Mutation::ForeignInline,
            "inline policy `theirs`",
            "aws iam delete-role-policy --role-name",
        ),
        (
            Mutation::ProtectLogGroup,
            "protection from deletion",
            "aws logs put-log-group-deletion-protection",
        ),
        (
            Mutation::ForeignStageInPlan,
            "stage `theirs`",
            "out of the plan",
        ),
    ] {
        let world = World::deployed(Faults::default()).await;
        world.apply(mutation).await;
        let before = world.census().await;
        for arguments in [&["down"][..], &["down", "--yes"]] {
            let refused = world.run(arguments).await.expect(Exit::Failed);
            let said = &refused.printed.stderr;
            assert!(said.contains("P0056"), "{said}");
            assert!(said.contains(named) && said.contains(way), "{said}");
            assert_eq!(refused.writes(), 0, "{mutation:?}");
        }
        assert_eq!(world.census().await.value(), before.value());
        clear_the_way(&world.account, &Target::LAB).await;
        world.run(&["down", "--yes"]).await.expect(Exit::Done);
    }
}

/// The same where a resource goes because it is no longer declared.
#[tokio::test(start_paused = true)]
async fn what_blocks_the_deletion_of_the_undeclared_is_named_before_the_first_call() {
    let world = undeclared::deployed(Faults::default()).await;
    let iam = &world.account.iam;
    let roles = iam.list_roles().send().await.expect("a list").roles;
    let mut roles = roles.iter().map(Role::role_name);
    let former = roles.find(|name| name.contains("former"));
    let former = former.expect("a role that is no longer declared");
    let attach = iam.attach_role_policy().role_name(former);
    attach.policy_arn(MANAGED).send().await.expect("attached");
    let refused = world.run(&["up", "--yes"]).await.expect(Exit::Failed);
    let said = &refused.printed.stderr;
    assert!(said.contains("P0056") && said.contains(MANAGED), "{said}");
    assert_eq!(refused.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stack_without_foreign_parts_goes_unasked() {
    let world = World::deployed(Faults::default()).await;
    world.run(&["down"]).await.expect(Exit::Done);
}

async fn refuses(world: &World, named: &str) {
    let before = world.census().await;
    let refused = world.run(&["down"]).await.expect(Exit::Failed);
    assert_eq!(refused.writes(), 0);
    let said = &refused.printed.stderr;
    assert!(said.contains(named) && said.contains("--yes"), "{said}");
    assert_eq!(world.census().await.value(), before.value());
    world.run(&["down", "--yes"]).await.expect(Exit::Done);
}
