//! Command lines of both programs. Because of these tests, `cargo test --workspace --no-run` builds the programs too.

use std::process::Command;

fn run(program: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(program).args(arguments).output();
    let output = output.expect("the program can be run");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), stdout)
}

#[test]
fn bench_prints_its_usage_for_an_invalid_command_line() {
    for arguments in [
        &[][..],
        &["a", "b", "--runs", "0"],
        &["a", "b", "--colour", "yes"],
    ] {
        let (code, stdout) = run(env!("CARGO_BIN_EXE_bench"), arguments);
        assert_eq!(code, Some(64), "{arguments:?}");
        assert!(
            stdout.starts_with("usage: bench PROVISION BOOTSTRAP"),
            "{stdout}"
        );
    }
}

#[test]
fn bench_local_prints_its_usage_without_its_programs() {
    let (code, stdout) = run(env!("CARGO_BIN_EXE_bench_local"), &[]);
    assert_eq!(code, Some(64));
    assert_eq!(stdout, "usage: bench_local LOCAL_AWS PROVISION BOOTSTRAP\n");
}
