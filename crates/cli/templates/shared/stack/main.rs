//! The program that deploys the stack: `cargo run -- up --local`.

use std::process::ExitCode;

fn main() -> ExitCode {
    @crate@::app().run()
}
