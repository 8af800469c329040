//! Checks of this machine and the account. Nothing is changed, built or started.

pub(crate) mod account;
mod clock;
pub(crate) mod machine;
mod rights;

use serde::Serialize;

use crate::diagnostics::Diagnostic;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Ok,
    /// It will do, and might not for long.
    Warn,
    /// Something will not work.
    Fail,
    /// It cannot be told, which may be all right.
    Unknown,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) status: Status,
    pub(crate) detail: String,
    pub(crate) remedy: Option<String>,
}

impl Check {
    pub(crate) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, detail.into())
    }

    pub(crate) fn warn(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Warn, detail.into())
    }

    pub(crate) fn fail(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Fail, detail.into())
    }

    pub(crate) fn unknown(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Unknown, detail.into())
    }

    /// An error with what it says to try.
    pub(crate) fn error(name: &'static str, error: &anyhow::Error) -> Self {
        let diagnostic = Diagnostic::of(error);
        Self {
            remedy: diagnostic.remedy,
            ..Self::fail(name, diagnostic.message)
        }
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    fn new(name: &'static str, status: Status, detail: String) -> Self {
        Self {
            name,
            status,
            detail,
            remedy: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;
    use crate::diagnostics::catalogue;
    use provision_engine::fault::Code;

    #[test]
    fn an_errors_advice_is_the_remedy() {
        let fault = Code::NoRegion.fault("no region is set");
        let error = fault.remedy("`--region eu-west-1`").into();
        assert_eq!(
            Check::error("region", &error),
            Check::fail("region", "no region is set").remedy("`--region eu-west-1`")
        );
        let of_its_kind = catalogue::first_remedy(Code::Unexpected).expect("a remedy");
        assert_eq!(
            Check::error("x", &anyhow!("no")),
            Check::fail("x", "no").remedy(of_its_kind)
        );
    }
}
