//! The stable codes. A number is never used for another meaning.

use std::fmt;
use std::io;

use anyhow::Error;
use serde::{Serialize, Serializer};

use super::Fault;
use crate::error::AwsError;
use crate::interrupt::Interrupted;

macro_rules! codes {
    ($($name:ident = $number:literal,)*) => {
        /// The kind of an error. The troubleshooting page explains each one by its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Code { $(#[doc = concat!("P", stringify!($number))] $name = $number,)* }

        impl Code {
            /// All codes, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

codes! {
    EnvName = 1,
    Throttle = 2,
    RequestNotJson = 3,
    UnknownOutput = 4,
    UnknownCode = 5,
    NoRegion = 6,
    Endpoint = 7,
    NoCredentials = 8,
    Limit = 9,
    PolicyFile = 10,
    BuildFailed = 11,
    CannotLink = 12,
    Unfit = 13,
    NotExecutable = 14,
    TooLarge = 15,
    NoSources = 16,
    AccessDenied = 17,
    Credentials = 18,
    Expired = 19,
    Signature = 20,
    Unreachable = 21,
    Unclear = 22,
    Throttled = 23,
    Quota = 24,
    Refused = 25,
    Malformed = 26,
    Incomplete = 27,
    Interrupted = 28,
    Argument = 29,
    Foreign = 30,
    MadeMeanwhile = 31,
    NotDeployed = 32,
    WouldLoseData = 33,
    Stale = 34,
    WaitedTooLong = 35,
    NotLive = 36,
    TimedOut = 37,
    ForeignPolicies = 38,
    ForeignStages = 39,
    KeyElsewhere = 40,
    DeletionProtection = 41,
    FunctionBroken = 42,
    NoPlanFile = 43,
    PlanElsewhere = 44,
    PlanMoved = 45,
    NoSuchStep = 46,
    NeededStep = 47,
    SeveralKeys = 48,
    Declined = 49,
    NoLocalAws = 50,
    LocalDidNotStart = 51,
    LocalRunsAlready = 52,
    LocalDidNotEnd = 53,
    NotDeclared = 54,
    Ambiguous = 55,
    Obstructed = 56,
    File = 60,
    NoRecord = 61,
    NoRepository = 70,
    FilesDiffer = 71,
    Unexpected = 99,
}

impl Code {
    /// Returns the code of `error`: the outermost that it was given, else the one of AWS's answer or the system's error.
    pub fn of(error: &Error) -> Self {
        if let Some(fault) = error.downcast_ref::<Fault>() {
            return fault.code;
        }
        if error.downcast_ref::<Interrupted>().is_some() {
            return Self::Interrupted;
        }
        let known = error.chain().find_map(|cause| {
            let aws = cause.downcast_ref::<AwsError>().map(AwsError::class);
            aws.or_else(|| cause.downcast_ref::<io::Error>().map(|_| Self::File))
        });
        known.unwrap_or(Self::Unexpected)
    }
}

impl Code {
    /// Returns true if the error is about the command line alone, so that the exit code is 64.
    pub fn is_usage(self) -> bool {
        matches!(
            self,
            Self::EnvName
                | Self::Throttle
                | Self::RequestNotJson
                | Self::UnknownCode
                | Self::Argument
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{:04}", *self as u16)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn the_outermost_of_ours_decides() {
        let inner: anyhow::Result<()> = Err(Code::Unfit.fault("32 bits").into());
        let error = inner
            .with_context(|| Code::BuildFailed.fault("building"))
            .context("creating function `f`")
            .expect_err("it stays an error");
        assert_eq!(Code::of(&error), Code::BuildFailed);
        assert_eq!(
            format!("{error:#}"),
            "creating function `f`: building: 32 bits"
        );
    }

    #[test]
    fn the_systems_errors_are_known_by_their_type() {
        let error = Error::from(io::Error::other("disk full")).context("writing");
        assert_eq!(Code::of(&error), Code::File);
        assert_eq!(Code::of(&anyhow::anyhow!("disk full")), Code::Unexpected);
    }
}
