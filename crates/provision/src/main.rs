//! The `provision` program: parse, run, exit.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    provision::run(std::env::args_os()).await.into()
}
