//! Errors with a stable code, which `provision explain` explains.

mod code;

use std::borrow::Cow;
use std::fmt;

pub use self::code::Code;

/// An error with a stable code, by itself or as the context of its cause.
#[derive(Clone, Debug)]
pub struct Fault {
    code: Code,
    message: Cow<'static, str>,
    remedy: Option<Cow<'static, str>>,
}

impl Code {
    /// An error with this code. `message` says what happened to which resource.
    pub fn fault(self, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault {
            code: self,
            message: message.into(),
            remedy: None,
        }
    }
}

impl Fault {
    /// Adds a remedy that is more exact than the code's own.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl Fault {
    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The remedy of this very error, if it has one.
    pub fn own_remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
