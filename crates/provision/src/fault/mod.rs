//! Errors as one family: each has a stable code, and `docs/troubleshooting.md` says what it means and what helps.

pub mod catalogue;
mod code;
mod told;

use std::borrow::Cow;
use std::fmt;

pub use self::code::Code;
pub use self::told::{Concern, Told};

/// An error of ours, by itself or as the context of what lies behind it.
#[derive(Clone, Debug)]
pub struct Fault {
    code: Code,
    message: Cow<'static, str>,
    remedy: Option<Cow<'static, str>>,
}

impl Code {
    /// An error of this kind; `message` says what happened, and to what.
    pub fn fault(self, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault {
            code: self,
            message: message.into(),
            remedy: None,
        }
    }
}

impl Fault {
    /// What to try, where it can be told better than for the code in general.
    pub fn remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
