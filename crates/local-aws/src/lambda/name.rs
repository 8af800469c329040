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

/// Characters of a function's own name.
const LONGEST_NAME: usize = 64;

/// Constraints of AWS's model on a `FunctionName`; they differ between operations.
struct Form {
    pattern: &'static str,
    longest: usize,
    is_qualified: bool,
}

/// Shape `NamespacedFunctionName`; a dot passes, and no function has one.
const NAMESPACED: Form = Form {
    pattern: r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
    longest: 256,
    is_qualified: true,
};

/// Shape `FunctionName`.
const PLAIN: Form = Form {
    pattern: r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
    longest: 140,
    is_qualified: true,
};

/// Shape `UnqualifiedFunctionName`.
const UNQUALIFIED: Form = Form {
    pattern: r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)",
    longest: 140,
    is_qualified: false,
};

static PARTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?(?:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9_.-]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?$",
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
        let form = match call.operation {
            "CreateAlias"
            | "DeleteAlias"
            | "DeleteFunctionConcurrency"
            | "DeleteProvisionedConcurrencyConfig"
            | "GetAlias"
            | "GetFunctionConcurrency"
            | "GetProvisionedConcurrencyConfig"
            | "ListAliases"
            | "ListProvisionedConcurrencyConfigs"
            | "PublishVersion"
            | "PutFunctionConcurrency"
            | "PutProvisionedConcurrencyConfig"
            | "UpdateAlias"
            | "UpdateFunctionCode"
            | "UpdateFunctionConfiguration" => &PLAIN,
            "GetFunctionRecursionConfig" | "PutFunctionRecursionConfig" => &UNQUALIFIED,
            _ => &NAMESPACED,
        };
        Self::read(
            form,
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
        Self::read(&NAMESPACED, place, text, None, elsewhere)
    }

    /// The name of a function to be created, which is no longer than AWS allows.
    pub(super) fn to_create(place: &Place, text: &str) -> Result<Self, Refusal> {
        let named = Self::read(&PLAIN, place, text, None, elsewhere)?;
        if named.name.len() > LONGEST_NAME {
            // Not a `ValidationException` (localstack, `test_function_arns`).
            return Err(invalid(format!(
                "1 validation error detected: Value '{}' at 'functionName' failed to satisfy constraint: Member must have \
                 length less than or equal to {LONGEST_NAME}",
                named.name
            )));
        }
        Ok(named)
    }

    fn read(
        form: &Form,
        place: &Place,
        text: &str,
        qualifier: Option<&str>,
        denial: impl FnOnce() -> String,
    ) -> Result<Self, Refusal> {
        let qualifier = qualifier.map(ToOwned::to_owned);
        if is_word(text) && text.len() <= form.longest {
            let name = text.to_owned();
            check_qualifier(qualifier.as_deref(), Checks::default())?;
            return Ok(Self { name, qualifier });
        }
        let mut checks = Checks::default();
        let parts = PARTS.captures(text).filter(|parts| {
            let has = |at: usize, what: char| {
                parts
                    .get(at)
                    .is_some_and(|part| part.as_str().contains(what))
            };
            let is_plain = !has(3, '.') && !has(4, '.');
            (form.pattern == NAMESPACED.pattern || is_plain)
                && (form.is_qualified || parts.get(4).is_none())
        });
        checks.pattern(text, "functionName", form.pattern, parts.is_some());
        checks.length(text, "functionName", 1, form.longest);
        check_qualifier(qualifier.as_deref(), checks)?;
        let part = |at: usize| {
            let parts = parts.as_ref()?;
            Some(parts.get(at)?.as_str())
        };
        let name = part(3).unwrap_or_default().to_owned();
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
        Ok(Self { name, qualifier })
    }

    /// With the qualifier, if it has one.
    pub(super) fn arn(&self, place: &Place) -> String {
        let arn = arn(place, &self.name);
        match &self.qualifier {
            Some(qualifier) => format!("{arn}:{qualifier}"),
            None => arn,
        }
    }

    /// The qualifier, `$LATEST` unless another is named.
    pub(super) fn version(&self) -> &str {
        self.qualifier.as_deref().unwrap_or(LATEST)
    }

    /// With a qualifier in any case.
    pub(super) fn qualified_arn(&self, place: &Place) -> String {
        format!("{}:{}", arn(place, &self.name), self.version())
    }

    /// The same function without a qualifier.
    pub(super) fn latest(&self) -> Self {
        Self {
            name: self.name.clone(),
            qualifier: None,
        }
    }
}

fn elsewhere() -> String {
    "The function is another account's".to_owned()
}

pub(super) fn arn(place: &Place, name: &str) -> String {
    place.arn("lambda", &format!("function:{name}"))
}

/// True for what can be an alias: no number, and nothing of `$LATEST`.
pub(super) fn is_alias(qualifier: &str) -> bool {
    is_word(qualifier) && !is_number(qualifier)
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_qualifier(qualifier: Option<&str>, mut checks: Checks) -> Result<(), Refusal> {
    if let Some(qualifier) =
        qualifier.filter(|name| *name != LATEST && *name != "$LATEST.PUBLISHED")
    {
        checks.length(qualifier, "qualifier", 1, 128);
        let fits = is_word(&qualifier.replace('$', "_"));
        checks.pattern(
            qualifier,
            "qualifier",
            r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
            fits,
        );
    }
    checks.finish()
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
        // An ARN that ends early names a function called `function`.
        assert_eq!(
            read("arn:aws:lambda:eu-west-1:000000000000:function"),
            Ok(("function".to_owned(), None))
        );
        // Too long for a function: there is none of this name.
        assert_eq!(read(&"x".repeat(65)), Ok(("x".repeat(65), None)));
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
        for text in [
            "",
            "a b",
            "f/..",
            "*",
            "a:b:c:d",
            "é",
            "f:$LATES",
            "arn:aws:ec2:eu-west-1:1:x",
        ] {
            assert_eq!(read(text), Err("ValidationException".to_owned()), "{text}");
        }
    }

    #[test]
    fn a_new_function_has_a_short_name() {
        let code = |text: &str| {
            Named::to_create(&place(), text)
                .map(|named| named.name)
                .map_err(|refusal| refusal.code)
        };
        assert_eq!(code("f"), Ok("f".to_owned()));
        let invalid = Err("InvalidParameterValueException".to_owned());
        assert_eq!(code(&"x".repeat(65)), invalid);
        let wrong = Err("ValidationException".to_owned());
        assert_eq!(code("a.b"), wrong);
        assert_eq!(code(&"x".repeat(141)), wrong);
    }
}
