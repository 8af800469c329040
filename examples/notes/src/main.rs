//! The program that deploys the notes: `cargo run -p notes -- up --local`.

use std::process::ExitCode;

fn main() -> ExitCode {
    notes::app().run()
}
