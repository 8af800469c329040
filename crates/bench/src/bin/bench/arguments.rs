//! The command line.

use std::time::Duration;

/// The checked command line.
pub(crate) struct Arguments {
    pub(crate) provision: String,
    pub(crate) bootstrap: String,
    /// Time added to every call.
    pub(crate) delay: Duration,
    pub(crate) runs: u32,
    /// Prints every call of the best run, too.
    pub(crate) timeline: bool,
}

impl Arguments {
    /// Returns `None` for an invalid command line.
    pub(crate) fn parse() -> Option<Self> {
        let mut arguments = std::env::args().skip(1);
        let mut parsed = Self {
            provision: arguments.next()?,
            bootstrap: arguments.next()?,
            delay: Duration::from_millis(60),
            runs: 5,
            timeline: false,
        };
        while let Some(flag) = arguments.next() {
            let value = arguments.next()?;
            match flag.as_str() {
                "--delay" => parsed.delay = Duration::from_millis(value.parse().ok()?),
                "--runs" => parsed.runs = value.parse().ok().filter(|runs| *runs > 0)?,
                "--timeline" => parsed.timeline = value == "yes",
                _ => return None,
            }
        }
        Some(parsed)
    }
}
