//! Conversion between plain JSON values and `DynamoDB`'s typed attribute values.
//!
//! Every plain object is a map, whatever its names. Sets and binary have no plain form: only a typed request can contain them,
//! and a plain answer has them as in `DynamoDB`'s JSON.

use compact_str::CompactString;

use crate::failure::Failure;
use crate::json::{self, Json, write_array, write_object};
use crate::number;

/// Deepest nesting. `DynamoDB` stores 32 levels and refuses more; Python fails somewhere above 100.
const MAX_DEPTH: usize = 128;

/// The form of the attribute values in a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttributeFormat {
    /// Plain JSON values.
    Plain,
    /// `DynamoDB`'s JSON, such as `{"S": "a"}`.
    Typed,
}

impl AttributeFormat {
    /// Name of the parameter.
    pub(crate) const PARAMETER: &str = "AttributeFormat";

    /// Returns the format of this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "plain" => Some(Self::Plain),
            "typed" => Some(Self::Typed),
            _ => None,
        }
    }
}

/// Writes a plain value as a typed one. Returns boto3's refusal, with an unfinished `out`.
pub(crate) fn write_attribute(value: &Json, out: &mut String) -> Result<(), Failure> {
    write_at(0, value, out)
}

fn write_at(depth: usize, value: &Json, out: &mut String) -> Result<(), Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::caller(
            "RecursionError",
            "maximum recursion depth exceeded while calling a Python object",
        ));
    }
    match value {
        Json::Null => out.push_str(r#"{"NULL": true}"#),
        Json::Bool(_) => tagged("BOOL", value, out),
        Json::Number(text) => {
            out.push_str(r#"{"N": ""#);
            out.push_str(&number::stored(text)?);
            out.push_str(r#""}"#);
        }
        Json::String(_) => tagged("S", value, out),
        Json::Array(items) => {
            out.push_str(r#"{"L": "#);
            write_array(items, out, |item, out| write_at(depth + 1, item, out))?;
            out.push('}');
        }
        Json::Object(members) => {
            out.push_str(r#"{"M": "#);
            write_object(members, out, |_, value, out| {
                write_at(depth + 1, value, out)
            })?;
            out.push('}');
        }
    }
    Ok(())
}

fn tagged(tag: &str, value: &Json, out: &mut String) {
    out.push_str("{\"");
    out.push_str(tag);
    out.push_str("\": ");
    value.write(out);
    out.push('}');
}

/// Converts a typed value to a plain one.
pub(crate) fn from_attribute(attribute: Json) -> Json {
    let Json::Object(tagged) = attribute else {
        return attribute;
    };
    let Some((tag, value)) = tagged.into_iter().next() else {
        return Json::Null;
    };
    match (&*tag, value) {
        ("NULL", _) => Json::Null,
        ("BOOL" | "S", value) => value,
        ("N", Json::String(text)) => plain_number(text),
        ("L", Json::Array(items)) => Json::Array(items.into_iter().map(from_attribute).collect()),
        ("M", Json::Object(members)) => Json::Object(
            members
                .into_iter()
                .map(|(name, attribute)| (name, from_attribute(attribute)))
                .collect(),
        ),
        (_, value) => Json::tagged(&tag, value),
    }
}

fn plain_number(text: CompactString) -> Json {
    if json::is_number(&text) {
        Json::Number(text)
    } else {
        Json::String(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::parse;
    use crate::json::tests::any_json;
    use crate::number::tests::normalised;

    fn to_attribute(value: &Json) -> Result<Json, Failure> {
        let mut out = String::new();
        write_attribute(value, &mut out)?;
        Ok(parse(&out).expect("a typed value is JSON"))
    }

    /// boto3's conversion, with numbers in one spelling.
    fn as_boto3_stores(value: Json) -> Json {
        match value {
            Json::Null => Json::tagged("NULL", Json::Bool(true)),
            Json::Bool(_) => Json::tagged("BOOL", value),
            Json::Number(text) => Json::tagged("N", Json::text(normalised(&text))),
            Json::String(_) => Json::tagged("S", value),
            Json::Array(items) => Json::tagged(
                "L",
                Json::Array(items.into_iter().map(as_boto3_stores).collect()),
            ),
            Json::Object(members) => Json::tagged(
                "M",
                Json::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name, as_boto3_stores(value)))
                        .collect(),
                ),
            ),
        }
    }

    fn with_normalised_numbers(value: Json) -> Json {
        match value {
            Json::Number(text) => Json::Number(normalised(&text).into()),
            Json::Array(items) => {
                Json::Array(items.into_iter().map(with_normalised_numbers).collect())
            }
            Json::Object(members) => Json::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (name, with_normalised_numbers(value)))
                    .collect(),
            ),
            other => other,
        }
    }

    proptest! {
        #[test]
        fn plain_data_is_stored_as_boto3_stores_it(value in any_json()) {
            let stored = to_attribute(&with_normalised_numbers(value.clone()));
            prop_assert_eq!(stored, Ok(as_boto3_stores(value)));
        }

        #[test]
        fn what_is_sent_comes_back(value in any_json()) {
            let stored = to_attribute(&value).expect("the value is one boto3 takes");
            prop_assert_eq!(
                with_normalised_numbers(from_attribute(stored)),
                with_normalised_numbers(value)
            );
        }
    }

    fn converted(plain: &str) -> String {
        to_attribute(&parse(plain).expect("it is JSON"))
            .map_or_else(|failure| failure.error_type, |value| value.to_string())
    }

    #[test]
    fn an_object_is_a_map_whatever_its_names() {
        for (plain, attribute) in [
            (r#"{"B": "good"}"#, r#"{"M": {"B": {"S": "good"}}}"#),
            (r#"{"B": "bad"}"#, r#"{"M": {"B": {"S": "bad"}}}"#),
            (r#"{"SS": ["a"]}"#, r#"{"M": {"SS": {"L": [{"S": "a"}]}}}"#),
            (r#"{"NS": ["1"]}"#, r#"{"M": {"NS": {"L": [{"S": "1"}]}}}"#),
            (
                r#"{"BS": ["AQ=="]}"#,
                r#"{"M": {"BS": {"L": [{"S": "AQ=="}]}}}"#,
            ),
            (r#"{"S": "a"}"#, r#"{"M": {"S": {"S": "a"}}}"#),
            (r#"{"N": "1"}"#, r#"{"M": {"N": {"S": "1"}}}"#),
            (r#"{"NULL": true}"#, r#"{"M": {"NULL": {"BOOL": true}}}"#),
            (r#"{"L": []}"#, r#"{"M": {"L": {"L": []}}}"#),
            (
                r#"[{"M": {"SS": ["a"]}}]"#,
                r#"{"L": [{"M": {"M": {"M": {"SS": {"L": [{"S": "a"}]}}}}}]}"#,
            ),
        ] {
            assert_eq!(converted(plain), attribute);
        }
    }

    #[test]
    fn stored_maps_come_back_plain_and_sets_and_binary_typed() {
        for (attribute, plain) in [
            (r#"{"M": {"B": {"S": "good"}}}"#, r#"{"B": "good"}"#),
            (
                r#"{"M": {"M": {"M": {"SS": {"L": [{"S": "a"}]}}}}}"#,
                r#"{"M": {"SS": ["a"]}}"#,
            ),
            (r#"{"L": [{"B": "AQ=="}]}"#, r#"[{"B": "AQ=="}]"#),
            (r#"{"M": {"a": {"SS": ["a"]}}}"#, r#"{"a": {"SS": ["a"]}}"#),
            (r#"{"NS": ["1.5"]}"#, r#"{"NS": ["1.5"]}"#),
            (r#"{"BS": ["AQ=="]}"#, r#"{"BS": ["AQ=="]}"#),
        ] {
            let attribute = parse(attribute).expect("it is JSON");
            assert_eq!(from_attribute(attribute).to_string(), plain);
        }
    }

    #[test]
    fn numbers_come_back_with_the_digits_of_dynamodb() {
        for digits in ["1.50", &format!("-12{}", "0".repeat(100))] {
            let stored = Json::tagged("N", Json::text(digits));
            assert_eq!(from_attribute(stored), Json::Number(digits.into()));
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(converted(&nested(MAX_DEPTH)).starts_with("{\"L\""));
        assert_eq!(converted(&nested(MAX_DEPTH + 2)), "RecursionError");
    }
}
