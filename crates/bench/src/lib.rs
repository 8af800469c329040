//! Benchmarks of the tool and of the local AWS, as two programs that print their measurements.
//!
//! - `bench` measures `up`, a second `up` and `down` through a proxy that adds a fixed time to every call, and compares
//!   the time with the least it can take: the calls that depend on each other, one after the other.
//! - `bench_local` measures the local AWS against its goals: starts, invocations, the throttle and durability.
//!
//! `just bench` and `just bench-local` build and run them. This library is the part they share:
//!
//! ```
//! bench::print("| measured | goal | result | |\n");
//! ```

use std::io::Write as _;

/// Prints `text` to stdout at once; a closed pipe is not an error.
pub fn print(text: &str) {
    let mut out = std::io::stdout();
    // The reader of a closed pipe needs no more output.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
