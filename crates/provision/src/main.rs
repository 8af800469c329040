//! The `provision` program: the lab's stack.

use std::process::ExitCode;

fn main() -> ExitCode {
    provision::lab::app().run()
}
