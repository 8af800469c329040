//! Sizes and times that AWS takes only in part: with the macros, what it would refuse does not compile.

use provision_aws::logs::RETENTION_DAYS;

/// A function's memory, in MB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory(pub(crate) i32);

/// A function's time limit, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeout(pub(crate) i32);

/// The time for which log events are kept, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Retention(pub(crate) i32);

impl Memory {
    /// 128 to 10,240 MB.
    ///
    /// # Panics
    ///
    /// For another number; in a `const` it does not compile.
    pub const fn mb(mb: i32) -> Self {
        assert!(
            128 <= mb && mb <= 10_240,
            "a function's memory is 128 to 10240 MB"
        );
        Self(mb)
    }
}

impl Timeout {
    /// 1 to 900 seconds.
    ///
    /// # Panics
    ///
    /// For another number; in a `const` it does not compile.
    pub const fn secs(secs: i32) -> Self {
        assert!(
            1 <= secs && secs <= 900,
            "a function's timeout is 1 to 900 s"
        );
        Self(secs)
    }
}

impl Retention {
    /// A number of days that CloudWatch Logs offers.
    ///
    /// # Panics
    ///
    /// For another number; in a `const` it does not compile.
    pub const fn days(days: i32) -> Self {
        let mut at = 0;
        while at < RETENTION_DAYS.len() {
            if RETENTION_DAYS[at] == days {
                return Self(days);
            }
            at += 1;
        }
        panic!(
            "CloudWatch Logs keeps events for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days"
        )
    }
}

macro_rules! plain {
    ($($unit:ident),+) => {$(
        /// A wrong number is told when the stack is finished, like any other mistake.
        impl From<i32> for $unit {
            fn from(number: i32) -> Self {
                Self(number)
            }
        }
    )+};
}

plain!(Memory, Timeout, Retention);

// A `const` item, and no `const` block: `cargo check` does not look into those.

/// A function's memory: `mb!(256)`. A number that Lambda refuses does not compile.
#[macro_export]
macro_rules! mb {
    ($mb:expr) => {{
        const MEMORY: $crate::Memory = $crate::Memory::mb($mb);
        MEMORY
    }};
}

/// A function's time limit: `secs!(10)`. A number that Lambda refuses does not compile.
#[macro_export]
macro_rules! secs {
    ($secs:expr) => {{
        const TIMEOUT: $crate::Timeout = $crate::Timeout::secs($secs);
        TIMEOUT
    }};
}

/// The time for which log events are kept: `days!(30)`. A number that CloudWatch Logs does not offer does not compile.
#[macro_export]
macro_rules! days {
    ($days:expr) => {{
        const RETENTION: $crate::Retention = $crate::Retention::days($days);
        RETENTION
    }};
}
