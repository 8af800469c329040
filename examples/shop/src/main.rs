//! The program that deploys the shop: `cargo run -p shop -- up --local`.

use std::process::ExitCode;

fn main() -> ExitCode {
    shop::app().run()
}
