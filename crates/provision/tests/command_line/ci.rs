//! `ci init` writes once, tells what differs, and this project uses what it writes.

use std::fs;
use std::path::Path;

use local_aws::Faults;
use provision_cli::exit::Exit;
use serde_json::Value;

use crate::world::{Ended, World};

const WORKFLOW: &str = ".github/workflows/provision.yml";

async fn init(world: &World, folder: &Path, more: &[&str]) -> Ended {
    let folder = folder.to_str().expect("a path in UTF-8");
    let line = ["ci", "init", "--repo", "octo-org/repo", "--dir", folder];
    let line: Vec<&str> = line.iter().chain(more).copied().collect();
    world.run(&line).await
}

#[tokio::test(start_paused = true)]
async fn the_files_are_written_once() {
    let world = World::new(Faults::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let said = init(&world, folder.path(), &[]).await.expect(Exit::Done);
    assert_eq!(
        said.printed.stdout,
        "+ .github/workflows/provision.yml  written\n\
         + .github/provision/deploy-permissions.json  written\n\
         + .github/provision/deploy-trust.json  written\n\
         + .github/provision/plan-permissions.json  written\n\
         + .github/provision/plan-trust.json  written\n\
         + .github/provision/preview-permissions.json  written\n\
         + .github/provision/preview-trust.json  written\n"
    );
    let again = init(&world, folder.path(), &[]).await.expect(Exit::Done);
    let stdout = again.printed.stdout;
    assert!(
        stdout.lines().all(|line| line.starts_with("= ")),
        "{stdout}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changed_is_left_unless_forced() {
    let world = World::new(Faults::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    init(&world, folder.path(), &[]).await.expect(Exit::Done);
    let path = folder.path().join(WORKFLOW);
    let written = fs::read_to_string(&path).expect("written");
    let changed = written.replace("name: provision", "name: ours");
    fs::write(&path, &changed).expect("ours");

    let said = init(&world, folder.path(), &[]).await.expect(Exit::Failed);
    let stdout = &said.printed.stdout;
    assert!(
        stdout.contains("    line 2: name: ours → name: provision\n"),
        "{stdout}"
    );
    assert!(
        said.printed.stderr.contains("--force"),
        "{}",
        said.printed.stderr
    );
    assert_eq!(fs::read_to_string(&path).expect("there"), changed);

    let said = init(&world, folder.path(), &["--force", "--json"]).await;
    let said: Value = serde_json::from_str(&said.expect(Exit::Done).printed.stdout).expect("JSON");
    assert_eq!(said["schema"], 1);
    assert_eq!(said["files"][0]["outcome"], "replaced");
    assert_eq!(fs::read_to_string(&path).expect("there"), written);
}

#[tokio::test(start_paused = true)]
async fn this_project_uses_what_it_writes() {
    let world = World::new(Faults::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    init(&world, folder.path(), &[]).await.expect(Exit::Done);
    let own = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(WORKFLOW);
    assert_eq!(
        fs::read_to_string(folder.path().join(WORKFLOW)).expect("written"),
        fs::read_to_string(own).expect("committed")
    );
}

/// The roles' policies are those that `policy` prints.
#[tokio::test(start_paused = true)]
async fn the_roles_have_the_rights_that_policy_prints() {
    let world = World::new(Faults::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    init(&world, folder.path(), &[]).await.expect(Exit::Done);
    let read = |name: &str| {
        let path = folder.path().join(".github/provision").join(name);
        fs::read_to_string(path).expect("written")
    };
    for (file, arguments) in [
        ("deploy-permissions.json", &["policy"][..]),
        ("plan-permissions.json", &["policy", "--for", "plan"]),
        ("preview-permissions.json", &["policy", "--for", "preview"]),
        ("deploy-trust.json", &["policy", "--trust", "octo-org/repo"]),
        (
            "preview-trust.json",
            &["policy", "--for", "preview", "--trust", "octo-org/repo"],
        ),
    ] {
        let printed = world.run(arguments).await.expect(Exit::Done).printed.stdout;
        assert_eq!(read(file), printed, "{file}");
    }
}
