//! What the program itself says: wrong usage, and the local AWS where none runs.

use expect_test::{Expect, expect};
use testkit::Cli;

use super::masked;

/// A shell that has no account.
struct Shell(Cli);

impl Shell {
    fn new() -> Self {
        let nowhere = "http://127.0.0.1:9";
        let cli = Cli::new(env!("CARGO_BIN_EXE_provision"), nowhere, "000000000000");
        let folder = cli.home().join("state").display().to_string();
        Self(cli.env("PROVISION_LOCAL_DIR", &folder))
    }

    async fn prints(&self, arguments: &[&str], code: i32, stdout: Expect, stderr: Expect) {
        let home = self.0.home().display().to_string();
        let run = self.0.run(arguments).await.expect(code);
        let masked = |text: &str| masked(&text.replace(&home, "[home]"));
        stdout.assert_eq(&masked(&run.stdout));
        stderr.assert_eq(&masked(&run.stderr));
    }
}

#[tokio::test]
async fn wrong_usage() {
    let shell = Shell::new();
    shell
        .prints(
            &["upp"],
            64,
            expect![[""]],
            expect![[r#"
            error: unrecognized subcommand 'upp'

              tip: a similar subcommand exists: 'up'

            Usage: provision [OPTIONS] <COMMAND>

            For more information, try '--help'.
        "#]],
        )
        .await;
    shell
        .prints(
            &["up", "--wait", "long"],
            64,
            expect![[""]],
            expect![[r#"
            error: invalid value 'long' for '--wait <WAIT>'
              [possible values: none, ready, live]

            For more information, try '--help'.
        "#]],
        )
        .await;
    shell
        .prints(
            &["up", "--timeout", "soon"],
            64,
            expect![[""]],
            expect![[r#"
                error: invalid value 'soon' for '--timeout <TIME>': expected a time such as 90s, 10m, 1h or 1d

                For more information, try '--help'.
            "#]],
        )
        .await;
    shell
        .prints(
            &["plan", "--local", "--profile", "p"],
            64,
            expect![[""]],
            expect![[r#"
                error: the argument '--local' cannot be used with '--profile <PROFILE>'

                Usage: provision plan --local

                For more information, try '--help'.
            "#]],
        )
        .await;
    shell
        .prints(
            &["logs", "--follow", "--json"],
            64,
            expect![[r#"
                {"schema":1,"errors":[{"code":"P0029","message":"the argument '--follow' cannot be used with '--json'","resource":null,"aws":null,"try":"give it in the form that the error or `--help` names"}]}
            "#]],
            expect![[r#"
                error: the argument '--follow' cannot be used with '--json'

                Usage: provision logs --follow [FUNCTIONS]...

                For more information, try '--help'.
            "#]],
        )
        .await;
    shell
        .prints(
            &["policy", "--trust", "nobody"],
            64,
            expect![[""]],
            expect![[r#"
                error: invalid value 'nobody' for '--trust <OWNER/REPO>': `nobody` is no repository on GitHub: expected OWNER/REPOSITORY

                For more information, try '--help'.
            "#]],
        )
        .await;
}

#[tokio::test]
async fn the_local_aws_that_does_not_run() {
    let shell = Shell::new();
    shell
        .prints(
            &["local", "status"],
            0,
            expect![[r#"
            stopped
            folder     [home]/state
        "#]],
            expect![[""]],
        )
        .await;
    shell
        .prints(
            &["local", "status", "--json"],
            0,
            expect![[r#"
                {"schema":1,"running":false,"url":null,"pid":null,"resources":null,"folder":"[home]/state"}
            "#]],
            expect![[""]],
        )
        .await;
    shell
        .prints(
            &["local", "stop"],
            0,
            expect![[""]],
            expect![[r#"
            It does not run.
        "#]],
        )
        .await;
}

#[tokio::test]
async fn an_endpoint_where_nobody_is() {
    let shell = Shell::new();
    let run = shell.0.run(&["outputs", "-q"]).await.expect(1);
    assert_eq!(run.stdout, "");
    // Which of the reads fails first is chance.
    let at = run.stderr.find("nothing answers").expect("it says so");
    let (reading, rest) = run.stderr.split_at(at);
    assert!(reading.starts_with("error[P0021]: "), "{reading}");
    expect![[r#"
        nothing answers at http://[host]: Connection refused (os error 111)
          try: start what listens there and run it again: with `--local`, the same command does both
    "#]]
    .assert_eq(&masked(rest));
}

#[tokio::test]
async fn a_policy_without_credentials() {
    let shell = Shell(Shell::new().0.without("AWS_REGION"));
    let trust = [
        "policy",
        "--trust",
        "owner/repository",
        "--account",
        "123456789012",
    ];
    shell
        .prints(
            &trust,
            1,
            expect![[""]],
            expect![[r#"
        error[P0006]: no region is set
          try: `--region eu-west-1`
    "#]],
        )
        .await;
}

#[tokio::test]
async fn variables_without_a_value() {
    let shell = Shell::new();
    let names = ["ENV", "BOOTSTRAP", "PROGRESS", "LOCAL_PORT", "RUNS_DIR"];
    let cli = names.iter().fold(shell.0, |cli, name| {
        cli.env(&format!("PROVISION_{name}"), "")
    });
    cli.run(&["graph", "-q"]).await.expect(0);
    let run = cli.run(&["up", "file.plan"]).await.expect(1);
    assert!(run.stderr.contains("error[P0060]"), "{}", run.stderr);
}

#[tokio::test]
async fn a_saved_plan_beside_another_function() {
    let shell = Shell::new();
    shell
        .prints(
            &["up", "file.plan", "--bootstrap", "bootstrap"],
            64,
            expect![[""]],
            expect![[r#"
                error: the argument '[FILE]' cannot be used with '--bootstrap <[BIN=]PATH>'

                Usage: provision up [OPTIONS] [FILE]

                For more information, try '--help'.
            "#]],
        )
        .await;
    let cli = shell.0.env("PROVISION_BOOTSTRAP", "/elsewhere/bootstrap");
    let run = cli.run(&["up", "file.plan"]).await.expect(1);
    assert!(run.stderr.contains("error[P0060]"), "{}", run.stderr);
}

#[tokio::test]
async fn a_profile_that_nobody_has() {
    let shell = Shell::new();
    let folder = shell.0.home().join(".aws");
    std::fs::create_dir(&folder).expect("the home is ours");
    let text = "[profile work]\nregion = eu-west-1\n[default]\n";
    std::fs::write(folder.join("config"), text).expect("the home is ours");
    shell
        .prints(
            &["outputs", "--profile", "wrok"],
            1,
            expect![[""]],
            expect![[r#"
                error[P0008]: there is no profile `wrok`
                  try: one of default, work
            "#]],
        )
        .await;
}
