//! Which function a call names: a name, a partial ARN or a whole one, with or without a qualifier.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::checks::{Checks, is_word};
use super::refusals::{invalid, not_found};
use crate::answer::Refusal;
use crate::call::Call;
use crate::place::Place;

/// What every function is before it is published.
pub(super) const LATEST: &str = "$LATEST";

const PATTERN: &str = "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?\
                       (function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";

static FORM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:([a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9_-]+)(?::(\$LATEST|[a-zA-Z0-9_-]+))?$",
    )
    .expect("the pattern is one")
});

/// A function, and which of its versions or aliases.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) qualifier: Option<String>,
}

impl Named {
    /// As the call's path and `Qualifier` name it.
    pub(super) fn of(call: &Call) -> Result<Self, Refusal> {
        Self::read(
            &call.place,
            call.label("FunctionName"),
            call.parameter("Qualifier"),
            || {
                format!(
                    "User: {} is not authorized to perform: lambda:{} on resource: {} because no resource-based policy \
                     allows the lambda:{} action",
                    call.caller.arn(&call.place),
                    call.operation,
                    call.label("FunctionName"),
                    call.operation
                )
            },
        )
    }

    /// As an integration or an event names it.
    pub(super) fn at(place: &Place, text: &str) -> Result<Self, Refusal> {
        Self::read(place, text, None, || {
            "The function is another account's".to_owned()
        })
    }

    fn read(
        place: &Place,
        text: &str,
        qualifier: Option<&str>,
        denial: impl FnOnce() -> String,
    ) -> Result<Self, Refusal> {
        let qualifier = qualifier.map(ToOwned::to_owned);
        if is_word(text) && text.len() <= 64 {
            let name = text.to_owned();
            return checked(Self { name, qualifier });
        }
        let mut checks = Checks::default();
        let Some(parts) = FORM.captures(text) else {
            checks.pattern(text, "functionName", PATTERN, false);
            checks.length(text, "functionName", 1, 256);
            checks.finish()?;
            return Err(invalid("functionName"));
        };
        let part = |at: usize| parts.get(at).map(|part| part.as_str());
        let name = part(3).unwrap_or_default().to_owned();
        checks.length(&name, "functionName", 1, 64);
        checks.finish()?;
        if part(2).is_some_and(|account| account != place.account) {
            return Err(Refusal::new(403, "AccessDeniedException", denial()));
        }
        if let Some(region) = part(1).filter(|region| *region != place.region) {
            return Err(not_found(format!(
                "Functions from '{region}' are not reachable in this region ('{}')",
                place.region
            )));
        }
        let qualifier = match (part(4), qualifier) {
            (Some(own), Some(other)) if own != other => {
                return Err(invalid(
                    "The derived qualifier from the function name does not match the specified qualifier.",
                ));
            }
            (Some(own), _) => Some(own.to_owned()),
            (None, qualifier) => qualifier,
        };
        checked(Self { name, qualifier })
    }

    /// With the qualifier, if it has one.
    pub(super) fn arn(&self, place: &Place) -> String {
        let arn = arn(place, &self.name);
        match &self.qualifier {
            Some(qualifier) => format!("{arn}:{qualifier}"),
            None => arn,
        }
    }
}

pub(super) fn arn(place: &Place, name: &str) -> String {
    place.arn("lambda", &format!("function:{name}"))
}

fn checked(named: Named) -> Result<Named, Refusal> {
    if let Some(qualifier) = &named.qualifier
        && qualifier != LATEST
    {
        let mut checks = Checks::default();
        checks.length(qualifier, "qualifier", 1, 128);
        checks.pattern(
            qualifier,
            "qualifier",
            "\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
            is_word(qualifier),
        );
        checks.finish()?;
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            account: "000000000000".into(),
            region: "eu-west-1".into(),
        }
    }

    fn read(text: &str) -> Result<(String, Option<String>), String> {
        Named::at(&place(), text)
            .map(|named| (named.name, named.qualifier))
            .map_err(|refusal| refusal.code)
    }

    #[test]
    fn names_and_arns_are_understood() {
        let plain = Ok(("f-1_x".to_owned(), None));
        assert_eq!(read("f-1_x"), plain);
        assert_eq!(read("function:f-1_x"), plain);
        assert_eq!(read("000000000000:function:f-1_x"), plain);
        assert_eq!(
            read("arn:aws:lambda:eu-west-1:000000000000:function:f-1_x"),
            plain
        );
        assert_eq!(
            read("arn:aws:lambda:eu-west-1:000000000000:function:f:$LATEST"),
            Ok(("f".to_owned(), Some("$LATEST".to_owned())))
        );
        assert_eq!(read("f:3"), Ok(("f".to_owned(), Some("3".to_owned()))));
    }

    #[test]
    fn what_is_elsewhere_or_no_name_is_refused() {
        assert_eq!(
            read("arn:aws:lambda:us-east-1:000000000000:function:f"),
            Err("ResourceNotFoundException".to_owned())
        );
        assert_eq!(
            read("arn:aws:lambda:eu-west-1:111111111111:function:f"),
            Err("AccessDeniedException".to_owned())
        );
        for text in ["", "a b", "f/..", &"x".repeat(65), "a:b:c:d", "é"] {
            assert_eq!(read(text), Err("ValidationException".to_owned()), "{text}");
        }
    }
}
