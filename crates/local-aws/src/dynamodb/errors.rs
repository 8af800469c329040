//! The engine's errors as `DynamoDB` answers with them.

use dynoxide::DynoxideError;

use crate::answer::Answer;

pub(super) fn answer(operation: &str, error: DynoxideError) -> Answer {
    let error = match error {
        // These three wrap what they find wrong with a request; the others say it plainly.
        DynoxideError::EnvelopedValidation(message) => {
            DynoxideError::ValidationException(match operation {
                "PutItem" | "UpdateItem" | "DeleteItem" => {
                    format!("1 validation error detected: {message}")
                }
                _ => message,
            })
        }
        other => other,
    };
    Answer::bytes(error.status_code(), error.to_json())
}

/// A request whose JSON is not of the operation's form. The engine's own types say in a prefix of their message which
/// class of error it is; serde appends where it stopped.
pub(super) fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let message = error.to_string();
    let text = message.split(" at line ").next().unwrap_or(&message);
    let marked = |marker: &str| text.strip_prefix(marker).map(str::to_owned);
    if let Some(text) = marked("SERIALIZATION_AS_READ:").or_else(|| marked("SERIALIZATION:")) {
        return DynoxideError::SerializationException(text);
    }
    if let Some(text) = marked("VALIDATION_REQUEST:") {
        return DynoxideError::EnvelopedValidation(text);
    }
    if let Some(text) = marked("VALIDATION_AS_READ:").or_else(|| marked("VALIDATION:")) {
        return DynoxideError::ValidationException(text);
    }
    if text.contains("empty AttributeValue") {
        return DynoxideError::ValidationException(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
                .to_owned(),
        );
    }
    let is_validation = [
        "missing field",
        "unknown variant",
        "invalid type: null",
        "Supplied AttributeValue",
    ]
    .iter()
    .any(|part| text.contains(part));
    if is_validation {
        return DynoxideError::ValidationException(text.to_owned());
    }
    DynoxideError::SerializationException(wrong_type(text).unwrap_or_else(|| text.to_owned()))
}

/// "invalid type: integer `23`, expected a string" is "`NUMBER_VALUE` cannot be converted to String".
fn wrong_type(text: &str) -> Option<String> {
    let (found, wanted) = text
        .strip_prefix("invalid type: ")?
        .split_once(", expected ")?;
    let found = match found.split([' ', ',']).next()? {
        "integer" => "NUMBER_VALUE",
        "floating" => "DECIMAL_VALUE",
        "string" => "STRING_VALUE",
        "boolean" if found.contains("true") => "TRUE_VALUE",
        "boolean" => "FALSE_VALUE",
        "map" => return Some("Unexpected start of object".to_owned()),
        "sequence" => return Some("Unexpected start of list".to_owned()),
        _ => return None,
    };
    let wanted = match wanted {
        text if text.contains("string") => "String",
        text if text.contains("bool") => "Boolean",
        "i64" | "u64" => "Long",
        text if ["i32", "u32", "usize"].contains(&text) => "Integer",
        text if text.contains("sequence") => return Some("Unexpected field type".to_owned()),
        _ => return Some("Unexpected field type".to_owned()),
    };
    Some(format!("{found} cannot be converted to {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_types_are_named_as_dynamodb_names_them() {
        for (text, message) in [
            (
                "invalid type: integer `23`, expected a string",
                "NUMBER_VALUE cannot be converted to String",
            ),
            (
                "invalid type: boolean `true`, expected a string",
                "TRUE_VALUE cannot be converted to String",
            ),
            (
                "invalid type: string \"x\", expected a boolean",
                "STRING_VALUE cannot be converted to Boolean",
            ),
        ] {
            assert_eq!(wrong_type(text).as_deref(), Some(message));
        }
    }
}
