//! API Gateway's refusals, and the checks of members against the model's value sets.

use crate::answer::Refusal;
use crate::call::Call;

pub(super) fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "BadRequestException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "NotFoundException", message)
}

pub(super) fn conflict(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "ConflictException", message)
}

/// What AWS has and the local AWS has not, by its name.
pub(super) fn unsupported(what: &str) -> Refusal {
    Refusal::new(
        501,
        "NotImplementedException",
        format!("The local AWS does not support {what}"),
    )
}

/// A member that the model requires.
pub(super) fn null_member(at: &str) -> Refusal {
    Refusal::new(
        400,
        "ValidationException",
        format!(
            "1 validation error detected: Value null at '{at}' failed to satisfy constraint: Member must not be null"
        ),
    )
}

/// A body that is not of the operation's form; `why` is what serde says of it (the Java classes as recorded by localstack,
/// `test_put_integration_request_parameter_bool_type` and `test_integration_response_invalid_responsetemplates`).
pub(crate) fn malformed(why: &str) -> Refusal {
    let serialization = |message: &str| Refusal::new(400, "SerializationException", message);
    if !why.contains("expected a string") {
        return bad_request("Invalid request input");
    }
    let found = why.strip_prefix("invalid type: ").unwrap_or_default();
    if found.starts_with("boolean") {
        serialization("class java.lang.Boolean can not be converted to an String")
    } else if found.starts_with("integer") || found.starts_with("floating point") {
        serialization(
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
        )
    } else if found.starts_with("sequence") {
        serialization("Start of list found where not expected")
    } else if found.starts_with("map") {
        serialization("Start of structure or map found where not expected.")
    } else {
        bad_request("Invalid request input")
    }
}

/// The account is part of the text (recorded by localstack, `test_apigateway_api`).
pub(super) fn no_api(call: &Call) -> Refusal {
    not_found(format!(
        "Invalid API identifier specified {}:{}",
        call.place.account,
        call.label("restapi_id")
    ))
}

pub(super) fn no_resource() -> Refusal {
    not_found("Invalid Resource identifier specified")
}

pub(super) fn no_method() -> Refusal {
    not_found("Invalid Method identifier specified")
}

pub(super) fn no_integration() -> Refusal {
    not_found("Invalid Integration identifier specified")
}

pub(super) fn no_status() -> Refusal {
    not_found("Invalid Response status code specified")
}

pub(super) fn no_stage() -> Refusal {
    not_found("Invalid stage identifier specified")
}

pub(super) fn no_deployment() -> Refusal {
    not_found("Invalid Deployment identifier specified")
}

/// Violations of the model's constraints: AWS finds them before it looks at anything else, and tells all at once.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<String>);

impl Violations {
    pub(super) fn one_of(&mut self, value: &str, at: &str, set: &[&str]) {
        if !set.contains(&value) {
            self.0.push(format!(
                "Value '{value}' at '{at}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
                set.join(", ")
            ));
        }
    }

    pub(super) fn missing(&mut self, at: &str) {
        self.0.push(format!(
            "Value null at '{at}' failed to satisfy constraint: Member must not be null"
        ));
    }

    pub(super) fn each_of(&mut self, values: &[String], at: &str, set: &[&str]) {
        if values.iter().any(|value| !set.contains(&value.as_str())) {
            self.0.push(format!(
                "Value '[{}]' at '{at}' failed to satisfy constraint: Member must satisfy constraint: \
                 [Member must satisfy enum value set: [{}]]",
                values.join(", "),
                set.join(", ")
            ));
        }
    }

    /// The label of the path has three digits.
    pub(super) fn status_code(&mut self, value: &str) {
        self.status_code_at(value, "statusCode");
    }

    pub(super) fn status_code_at(&mut self, value: &str, at: &str) {
        let fits = matches!(value.as_bytes(), [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9']);
        if !fits {
            self.0.push(format!(
                "Value '{value}' at '{at}' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: [1-5]\\d\\d"
            ));
        }
    }

    pub(super) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    pub(super) fn refuse(self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let count = self.0.len();
        let errors = if count == 1 { "error" } else { "errors" };
        Err(Refusal::new(
            400,
            "ValidationException",
            format!(
                "{count} validation {errors} detected: {}",
                self.0.join("; ")
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_another_type_are_told_in_java() {
        let message = |body: &str| {
            let error = serde_json::from_str::<std::collections::BTreeMap<String, String>>(body);
            let refusal = malformed(&error.expect_err("no map of texts").to_string());
            (refusal.code, refusal.message)
        };
        for (body, expected) in [
            (
                r#"{"a":true}"#,
                "class java.lang.Boolean can not be converted to an String",
            ),
            (
                r#"{"a":1}"#,
                "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
            ),
            (r#"{"a":[]}"#, "Start of list found where not expected"),
            (
                r#"{"a":{}}"#,
                "Start of structure or map found where not expected.",
            ),
        ] {
            assert_eq!(
                message(body),
                ("SerializationException".to_owned(), expected.to_owned())
            );
        }
        assert_eq!(message("[]").0, "BadRequestException");
    }

    #[test]
    fn violations_are_told_together() {
        let mut violations = Violations::default();
        violations.each_of(
            &["wrong".to_owned()],
            "createRestApiInput.endpointConfiguration.types",
            &["PRIVATE", "EDGE", "REGIONAL"],
        );
        violations.status_code("wrong");
        violations.status_code("404");
        let refusal = violations.refuse().expect_err("two are wrong");
        assert_eq!(
            refusal.message,
            "2 validation errors detected: Value '[wrong]' at 'createRestApiInput.endpointConfiguration.types' failed to \
             satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE, \
             REGIONAL]]; Value 'wrong' at 'statusCode' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: [1-5]\\d\\d"
        );
    }
}
