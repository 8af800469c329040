//! What is generated from the command line's definitions: completions and manual pages.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::CommandFactory;
use local_aws::Faults;
use provision_cli::args::Cli;
use provision_cli::exit::Exit;

use crate::world::World;

/// Names and visible aliases of all commands.
fn commands() -> Vec<String> {
    let cli = Cli::command();
    let names = cli.get_subcommands().flat_map(|command| {
        [command.get_name()]
            .into_iter()
            .chain(command.get_visible_aliases())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    names.collect()
}

#[tokio::test(start_paused = true)]
async fn each_shell_gets_its_script_with_every_command() {
    let world = World::new(Faults::default()).await;
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = world.run(&["completions", shell]).await.expect(Exit::Done);
        assert_eq!(ended.calls.len(), 0, "{shell}");
        for command in commands() {
            assert!(
                ended.printed.stdout.contains(&command),
                "{shell}: {command}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bash_reads_its_script() {
    let world = World::new(Faults::default()).await;
    let script = world.run(&["completions", "bash"]).await.printed.stdout;
    let mut bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .spawn()
        .expect("there is a bash");
    bash.stdin
        .take()
        .expect("it is piped")
        .write_all(script.as_bytes())
        .expect("bash reads");
    assert!(bash.wait().expect("bash ends").success());
}

#[tokio::test(start_paused = true)]
async fn the_manual_has_a_page_for_every_command() {
    let world = World::new(Faults::default()).await;
    let main = world.run(&["man"]).await.expect(Exit::Done).printed.stdout;
    assert!(main.contains("Exit codes:") && main.contains("PROVISION_RUNS_DIR"));
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SUBCOMMANDS"] {
        assert!(
            main.contains(&format!(".SH {section}")),
            "{section}: {main}"
        );
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("manual");
    let out = folder.display().to_string();
    world.run(&["man", "--out", &out]).await.expect(Exit::Done);
    for command in Cli::command().get_subcommands() {
        let page = folder.join(format!("provision-{}.1", command.get_name()));
        let page = fs::read_to_string(&page).expect("a page");
        assert!(page.contains(".SH NAME"), "{page}");
    }
    fs::remove_dir_all(&folder).expect("the folder is ours");
}
