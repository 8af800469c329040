//! Every subset of the stack as a start.

use testkit::sdk::lambda::error::ProvideErrorMetadata;

use crate::names::{RESOURCE, STAGE};
use crate::world::World;

/// What of the stack can be missing by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Role,
    Table,
    LogGroup,
    Function,
    Api,
    Key,
    Plan,
    Method,
    Integration,
    Permission,
    Stage,
    PlanStage,
    PlanKey,
}

const WHOLE: [Part; 7] = [
    Part::Role,
    Part::Table,
    Part::LogGroup,
    Part::Function,
    Part::Api,
    Part::Key,
    Part::Plan,
];

const INNER: [Part; 6] = [
    Part::Method,
    Part::Integration,
    Part::Permission,
    Part::Stage,
    Part::PlanStage,
    Part::PlanKey,
];

async fn delete(world: &World, part: Part) {
    let gateway = &world.account.apigateway;
    match part {
        Part::Role => world.delete_role().await,
        Part::Table => world.delete_table().await,
        Part::LogGroup => world.delete_log_group().await,
        Part::Function => world.delete_function().await,
        Part::Api => world.delete_api().await,
        Part::Key => world.delete_key().await,
        Part::Plan => world.delete_plan().await,
        Part::Method => {
            let delete = gateway
                .delete_method()
                .rest_api_id(world.rest_api_id().await);
            let delete = delete.resource_id(world.resource_id(&format!("/{RESOURCE}")).await);
            delete
                .http_method("POST")
                .send()
                .await
                .expect("DeleteMethod");
        }
        // A method that lost its integration, unless the method went as well.
        Part::Integration => {
            let delete = gateway
                .delete_integration()
                .rest_api_id(world.rest_api_id().await);
            let delete = delete.resource_id(world.resource_id(&format!("/{RESOURCE}")).await);
            let deleted = delete.http_method("POST").send().await;
            let is_absent = deleted
                .as_ref()
                .is_err_and(|error| error.code() == Some("NotFoundException"));
            if !is_absent {
                deleted.expect("DeleteIntegration");
            }
        }
        Part::Permission => {
            for statement in world.statements().await {
                world
                    .remove_permission(crate::world::text(&statement, "Sid"))
                    .await;
            }
        }
        Part::Stage => {
            let delete = gateway
                .delete_stage()
                .rest_api_id(world.rest_api_id().await);
            delete.stage_name(STAGE).send().await.expect("DeleteStage");
        }
        Part::PlanStage => world.unlink_stages().await,
        Part::PlanKey => {
            let delete = gateway.delete_usage_plan_key();
            delete
                .usage_plan_id(world.usage_plan().await.id.expect("a plan has an id"))
                .key_id(world.api_key().await.id.expect("a key has an id"))
                .send()
                .await
                .expect("DeleteUsagePlanKey");
        }
    }
}

/// Takes every `stride`th subset of `parts`, from `first`; `up` makes the same world of each, in one run.
async fn converges(parts: &[Part], first: usize, stride: usize) {
    let world = World::empty().await;
    world.up_ready().await;
    let clean = world.census().await;
    for subset in (first..1 << parts.len()).step_by(stride) {
        let missing: Vec<Part> = parts
            .iter()
            .enumerate()
            .filter(|(bit, _)| subset >> bit & 1 == 1)
            .map(|(_, part)| *part)
            .collect();
        for part in &missing {
            delete(&world, *part).await;
        }
        world.proxy.take_calls();
        world.up_ready().await;
        let writes = world.writes();
        assert_eq!(
            writes.is_empty(),
            missing.is_empty(),
            "without {missing:?}: {writes:?}"
        );
        clean.assert_same(&world.census().await, &format!("without {missing:?}"));
    }
    world.proxy.take_calls();
    world.up().await;
    assert_eq!(world.writes(), Vec::<String>::new());
    world.down().await;
    assert!(world.census().await.is_empty());
}

/// The same subset taken down: what is gone already is done.
async fn comes_down(parts: &[Part], first: usize, stride: usize) {
    let world = World::empty().await;
    for subset in (first..1 << parts.len()).step_by(stride) {
        world.up_ready().await;
        for (bit, part) in parts.iter().enumerate() {
            if subset >> bit & 1 == 1 {
                delete(&world, *part).await;
            }
        }
        world.down().await;
        let census = world.census().await;
        assert!(census.is_empty(), "subset {subset:b}: {:#}", census.value());
    }
}

macro_rules! subsets {
    ($($name:ident: $check:ident($parts:expr, $first:expr, $stride:expr);)*) => {
        $(
            #[tokio::test]
            #[ignore = "needs the emulator: just conformance"]
            async fn $name() {
                $check(&$parts, $first, $stride).await;
            }
        )*
    };
}

subsets! {
    up_from_every_subset_1_of_4: converges(WHOLE, 0, 4);
    up_from_every_subset_2_of_4: converges(WHOLE, 1, 4);
    up_from_every_subset_3_of_4: converges(WHOLE, 2, 4);
    up_from_every_subset_4_of_4: converges(WHOLE, 3, 4);
    up_from_every_inner_subset_1_of_2: converges(INNER, 0, 2);
    up_from_every_inner_subset_2_of_2: converges(INNER, 1, 2);
    down_from_subsets: comes_down(WHOLE, 1, 9);
    down_from_inner_subsets: comes_down(INNER, 1, 9);
}
