//! Bad input: one clear message, before anything is changed, and never a panic.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use testkit::{Cli, ClosedPort, Run};

use crate::world::World;

/// Ends with `code`, says something of `about`, and has asked nothing that writes.
#[track_caller]
fn clear(world: &World, run: &Run, code: i32, about: &[&str]) {
    assert_eq!(
        run.code,
        Some(code),
        "`{}`: {}\n{}",
        run.arguments,
        run.stdout,
        run.stderr
    );
    assert_eq!(world.writes(), Vec::<String>::new(), "`{}`", run.arguments);
    let said = run.stderr.to_lowercase();
    for words in about {
        let named = words
            .split('|')
            .any(|word| said.contains(&word.to_lowercase()));
        assert!(
            named,
            "`{}` says nothing of {words}: {}",
            run.arguments, run.stderr
        );
    }
    for dump in [
        "panicked at",
        "RUST_BACKTRACE",
        "DispatchFailure",
        "ConnectorError",
        "SdkError",
        "Unhandled(",
    ] {
        assert!(!run.stderr.contains(dump), "a debug dump: {}", run.stderr);
    }
}

fn executable(path: &str) {
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).expect("the file is ours");
}

fn elsewhere(endpoint: &str) -> Cli {
    Cli::new(env!("CARGO_BIN_EXE_provision"), endpoint, "123456789012")
        .env(
            "PROVISION_BOOTSTRAP",
            &crate::world::bootstrap().display().to_string(),
        )
        .limit(Duration::from_mins(1))
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn no_credentials() {
    let world = World::empty().await;
    for command in [
        ["up", "--yes"],
        ["plan", "--json"],
        ["down", "--yes"],
        ["outputs", "--json"],
    ] {
        let cli = elsewhere(&world.proxy.url())
            .without("AWS_ACCESS_KEY_ID")
            .without("AWS_SECRET_ACCESS_KEY");
        clear(&world, &cli.run(&command).await, 1, &["credentials"]);
    }
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn no_region() {
    let world = World::empty().await;
    let cli = elsewhere(&world.proxy.url()).without("AWS_REGION");
    clear(
        &world,
        &cli.run(&["up", "--yes"]).await,
        1,
        &["region", "AWS_REGION|--region"],
    );
    let given = cli.run(&["plan", "--region", "eu-west-1"]).await;
    assert_eq!(given.code, Some(0), "{}", given.stderr);
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_endpoint_is_down() {
    let world = World::empty().await;
    let closed = ClosedPort::reserve();
    let run = elsewhere(&format!("http://{}", closed.address()))
        .run(&["up", "--yes"])
        .await;
    clear(&world, &run, 1, &[&closed.address()]);
    assert!(run.elapsed < Duration::from_secs(30), "{:?}", run.elapsed);
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn an_unknown_profile() {
    let world = World::empty().await;
    let cli = elsewhere(&world.proxy.url())
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    clear(
        &world,
        &cli.run(&["plan", "--profile", "nobody"]).await,
        1,
        &["nobody"],
    );
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn wrong_usage() {
    let world = World::empty().await;
    for arguments in [
        &["upp"][..],
        &["up", "--no-such-flag"],
        &["up", "--rate", "many"],
        &["up", "--wait", "long"],
    ] {
        clear(&world, &world.cli.run(arguments).await, 64, &[]);
    }
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn names_and_limits_that_aws_would_refuse() {
    let world = World::empty().await;
    let long = "x".repeat(80);
    for arguments in [
        &["up", "--yes", "--env", "no spaces"][..],
        &["up", "--yes", "--env", &long],
    ] {
        let run = world.cli.run(arguments).await;
        assert!(
            matches!(run.code, Some(1 | 64)),
            "{:?}: {}",
            run.code,
            run.stderr
        );
        clear(&world, &run, run.code.unwrap_or_default(), &["env|name"]);
    }
    for arguments in [
        &["up", "--yes", "--rate", "-1"][..],
        &["up", "--yes", "--burst", "-1"],
    ] {
        let run = world.cli.run(arguments).await;
        assert!(
            matches!(run.code, Some(1 | 64)),
            "{:?}: {}",
            run.code,
            run.stderr
        );
        clear(&world, &run, run.code.unwrap_or_default(), &[]);
    }
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_binary_that_cannot_run_there() {
    let world = World::empty().await;
    let missing = world.cli.home().join("no-such-file").display().to_string();
    clear(
        &world,
        &world
            .cli
            .run(&["up", "--yes", "--bootstrap", &missing])
            .await,
        1,
        &["no-such-file"],
    );

    let script = world.cli.home().join("script").display().to_string();
    std::fs::write(&script, "#!/bin/sh\n").expect("the home can be written");
    executable(&script);
    clear(
        &world,
        &world
            .cli
            .run(&["up", "--yes", "--bootstrap", &script])
            .await,
        1,
        &["ELF|not a Linux program"],
    );

    let mut elf = std::fs::read(crate::world::bootstrap()).expect("the handler is built");
    // The machine of an ELF file; 0x28 is 32-bit ARM, which Lambda has never had.
    elf[18..20].copy_from_slice(&[0x28, 0]);
    let foreign = world.cli.home().join("foreign").display().to_string();
    std::fs::write(&foreign, elf).expect("the home can be written");
    executable(&foreign);
    let run = world
        .cli
        .run(&["up", "--yes", "--bootstrap", &foreign])
        .await;
    clear(&world, &run, 1, &["arm|machine|architecture"]);

    let other = if cfg!(target_arch = "aarch64") {
        "x86_64"
    } else {
        "arm64"
    };
    let run = world.cli.run(&["up", "--yes", "--arch", other]).await;
    clear(&world, &run, 1, &[other]);
    assert!(world.census().await.is_empty());
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn outputs_of_what_is_not_deployed() {
    let world = World::empty().await;
    clear(
        &world,
        &world.cli.run(&["outputs"]).await,
        1,
        &["not deployed|up"],
    );
}
