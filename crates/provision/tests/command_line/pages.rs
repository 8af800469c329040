//! Lists come in pages of at most 500: what is ours is found on whichever page it is.

use local_aws::Faults;
use provision_cli::exit::Exit;

use crate::world::World;

const PAGE: usize = 500;

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
