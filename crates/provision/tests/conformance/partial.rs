//! Every subset of the stack as a start.

use testkit::mutation::Mutation;

use crate::world::World;

/// What of the stack can be missing by itself.
const WHOLE: [Mutation; 7] = [
    Mutation::DeleteRole,
    Mutation::DeleteTable,
    Mutation::DeleteLogGroup,
    Mutation::DeleteFunction,
    Mutation::DeleteApi,
    Mutation::DeleteKey,
    Mutation::DeletePlan,
];

const INNER: [Mutation; 6] = [
    Mutation::DeleteMethod,
    Mutation::DeleteIntegration,
    Mutation::DeleteStatement,
    Mutation::DeleteStage,
    Mutation::UnlinkStage,
    Mutation::UnlinkKey,
];

/// Takes every one out in turn; an integration is gone already if its method is.
async fn delete(world: &World, parts: &[Mutation]) {
    for &part in parts {
        let is_gone =
            part == Mutation::DeleteIntegration && parts.contains(&Mutation::DeleteMethod);
        if !is_gone {
            world.apply(part).await;
        }
    }
}

/// Those of the parts whose bit is set.
fn chosen(parts: &[Mutation], subset: usize) -> Vec<Mutation> {
    let numbered = parts.iter().enumerate();
    let chosen = numbered.filter(|(bit, _)| subset >> bit & 1 == 1);
    chosen.map(|(_, part)| *part).collect()
}

/// Takes every `stride`th subset of `parts`, from `first`; `up` makes the same world of each, in one run.
async fn converges(parts: &[Mutation], first: usize, stride: usize) {
    let world = World::empty().await;
    world.up_ready().await;
    let clean = world.census().await;
    for subset in (first..1 << parts.len()).step_by(stride) {
        let missing = chosen(parts, subset);
        delete(&world, &missing).await;
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
async fn comes_down(parts: &[Mutation], first: usize, stride: usize) {
    let world = World::empty().await;
    for subset in (first..1 << parts.len()).step_by(stride) {
        world.up_ready().await;
        delete(&world, &chosen(parts, subset)).await;
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
