//! Conversion between plain JSON values and `DynamoDB`'s typed attribute values, without loss in either direction.
//!
//! Sets and binary have no plain form and are written as in `DynamoDB`'s JSON: `{"SS": […]}`, `{"NS": […]}`,
//! `{"BS": […]}` and `{"B": "…"}`. A stored map that looks like one of these is wrapped as `{"M": {…}}`.

use base64::{Engine, engine::general_purpose::STANDARD};
use compact_str::{CompactString, format_compact};

use crate::failure::Failure;
use crate::json::{self, Json, Object, write_array, write_object};
use crate::python;

/// Largest number of significant digits.
const PRECISION: usize = 38;
/// Largest power of ten in boto3.
const MAX_EXPONENT: usize = 126;

/// Deepest nesting. `DynamoDB` stores 32 levels and refuses more; Python fails somewhere above 100.
const MAX_DEPTH: usize = 128;

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
            out.push_str(stored_number(text)?);
            out.push_str(r#""}"#);
        }
        Json::String(_) => tagged("S", value, out),
        Json::Array(items) => {
            out.push_str(r#"{"L": "#);
            write_array(items, out, |item, out| write_at(depth + 1, item, out))?;
            out.push('}');
        }
        Json::Object(members) => match special_form(members) {
            Some(Special::Typed) => value.write(out),
            Some(Special::Wrapped(inner)) => write_map(depth, inner, out)?,
            None => write_map(depth, members, out)?,
        },
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

fn write_map(depth: usize, members: &Object, out: &mut String) -> Result<(), Failure> {
    out.push_str(r#"{"M": "#);
    write_object(members, out, |_, value, out| {
        write_at(depth + 1, value, out)
    })?;
    out.push('}');
    Ok(())
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
        ("M", Json::Object(members)) => {
            let members: Object = members
                .into_iter()
                .map(|(name, attribute)| (name, from_attribute(attribute)))
                .collect();
            if special_form(&members).is_some() {
                Json::tagged("M", Json::Object(members))
            } else {
                Json::Object(members)
            }
        }
        (_, value) => Json::tagged(&tag, value),
    }
}

/// Special forms of a map with one member.
enum Special<'a> {
    /// A set or binary in `DynamoDB`'s own form.
    Typed,
    /// A wrapped map that looks like a special form.
    Wrapped(&'a Object),
}

fn special_form(members: &Object) -> Option<Special<'_>> {
    match members.single()? {
        ("SS", Json::Array(items)) if is_set(items, |_| true) => Some(Special::Typed),
        ("NS", Json::Array(items)) if is_set(items, json::is_number) => Some(Special::Typed),
        ("BS", Json::Array(items)) if is_set(items, is_base64) => Some(Special::Typed),
        ("B", Json::String(text)) if is_base64(text) => Some(Special::Typed),
        ("M", Json::Object(inner)) => special_form(inner).map(|_| Special::Wrapped(inner)),
        _ => None,
    }
}

fn is_set(items: &[Json], is_element: impl Fn(&str) -> bool) -> bool {
    !items.is_empty()
        && items
            .iter()
            .all(|item| item.as_str().is_some_and(&is_element))
}

fn is_base64(text: &str) -> bool {
    STANDARD.decode(text).is_ok()
}

/// Returns the text for `DynamoDB`, or boto3's refusal of an integer. `DynamoDB` itself validates other numbers.
fn stored_number(text: &str) -> Result<&str, Failure> {
    if !python::is_integer(text) {
        return Ok(text);
    }
    let digits = text.trim_start_matches('-');
    if digits == "0" {
        return Ok("0");
    }
    if digits.len() <= PRECISION {
        return Ok(text);
    }
    Err(if digits.len() > MAX_EXPONENT + 1 {
        Failure::caller(
            "Overflow",
            "[<class 'decimal.Overflow'>, <class 'decimal.Inexact'>, <class 'decimal.Rounded'>]",
        )
    } else if digits[PRECISION..].bytes().all(|digit| digit == b'0') {
        Failure::caller("Rounded", "[<class 'decimal.Rounded'>]")
    } else {
        Failure::caller(
            "Inexact",
            "[<class 'decimal.Inexact'>, <class 'decimal.Rounded'>]",
        )
    })
}

/// Returns `DynamoDB`'s text. Integers that are too long for a request get an exponent.
fn plain_number(text: CompactString) -> Json {
    if !json::is_number(&text) {
        return Json::String(text);
    }
    let digits = text.trim_start_matches('-');
    if digits.len() <= PRECISION || !python::is_integer(&text) {
        return Json::Number(text);
    }
    let significant = text.trim_end_matches('0');
    Json::Number(format_compact!(
        "{significant}E+{}",
        text.len() - significant.len()
    ))
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::json::parse;
    use crate::json::tests::{any_json, named};

    fn any_stored_number() -> impl Strategy<Value = String> {
        prop_oneof![
            "0|-?[1-9][0-9]{0,37}",
            "-?0\\.0{0,20}[1-9]{1,38}",
            "-?[1-9]{1,30}\\.[1-9]{1,8}"
        ]
    }

    fn any_stored_binary() -> impl Strategy<Value = String> {
        vec(any::<u8>(), 0..6).prop_map(|bytes| STANDARD.encode(bytes))
    }

    fn texts(texts: impl IntoIterator<Item = String>) -> Json {
        Json::Array(texts.into_iter().map(Json::text).collect())
    }

    fn any_attribute() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::tagged("NULL", Json::Bool(true))),
            any::<bool>().prop_map(|flag| Json::tagged("BOOL", Json::Bool(flag))),
            any_stored_number().prop_map(|number| Json::tagged("N", Json::text(number))),
            prop_oneof![any::<String>(), any_stored_binary(), any_stored_number()]
                .prop_map(|text| Json::tagged("S", Json::text(text))),
            any_stored_binary().prop_map(|bytes| Json::tagged("B", Json::text(bytes))),
            btree_set(any::<String>(), 1..4).prop_map(|set| Json::tagged("SS", texts(set))),
            btree_set(any_stored_number(), 1..4).prop_map(|set| Json::tagged("NS", texts(set))),
            btree_set(any_stored_binary(), 1..4).prop_map(|set| Json::tagged("BS", texts(set))),
        ];
        leaf.prop_recursive(5, 48, 4, |inner| {
            let name = prop_oneof!["SS|NS|BS|B|M", any::<String>()];
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(|items| Json::tagged("L", Json::Array(items))),
                btree_map(name.clone(), inner.clone(), 0..4)
                    .prop_map(|members| { Json::tagged("M", Json::Object(named(members))) }),
                (name, inner)
                    .prop_map(|(name, value)| Json::tagged("M", Json::tagged(&name, value))),
            ]
        })
    }

    fn to_attribute(value: &Json) -> Result<Json, Failure> {
        let mut out = String::new();
        write_attribute(value, &mut out)?;
        Ok(parse(&out).expect("a typed value is JSON"))
    }

    proptest! {
        #[test]
        fn what_is_stored_can_be_sent_back(attribute in any_attribute()) {
            let plain = from_attribute(attribute.clone());
            let sent = parse(&plain.to_string()).expect("a plain value is JSON");
            prop_assert_eq!(to_attribute(&sent), Ok(attribute));
        }

        #[test]
        fn what_is_sent_comes_back(value in any_json()) {
            let stored = to_attribute(&value).expect("the value is one boto3 takes");
            prop_assert_eq!(from_attribute(stored), value);
        }
    }

    fn converted(plain: &str) -> String {
        to_attribute(&parse(plain).expect("it is JSON"))
            .map_or_else(|failure| failure.error_type, |value| value.to_string())
    }

    #[test]
    fn only_an_exact_form_is_a_set_or_binary() {
        for (plain, attribute) in [
            (r#"{"SS": ["a"]}"#, r#"{"SS": ["a"]}"#),
            (r#"{"B": "AQ=="}"#, r#"{"B": "AQ=="}"#),
            (
                r#"{"B": "no base64"}"#,
                r#"{"M": {"B": {"S": "no base64"}}}"#,
            ),
            (r#"{"SS": []}"#, r#"{"M": {"SS": {"L": []}}}"#),
            (r#"{"NS": ["x"]}"#, r#"{"M": {"NS": {"L": [{"S": "x"}]}}}"#),
            (r#"{"NS": [1]}"#, r#"{"M": {"NS": {"L": [{"N": "1"}]}}}"#),
            (r#"{"S": "a"}"#, r#"{"M": {"S": {"S": "a"}}}"#),
            (r#"{"M": {}}"#, r#"{"M": {"M": {"M": {}}}}"#),
            (
                r#"{"M": {"SS": ["a"]}}"#,
                r#"{"M": {"SS": {"L": [{"S": "a"}]}}}"#,
            ),
            (
                r#"{"SS": ["a"], "x": 1}"#,
                r#"{"M": {"SS": {"L": [{"S": "a"}]}, "x": {"N": "1"}}}"#,
            ),
        ] {
            assert_eq!(converted(plain), attribute);
        }
    }

    #[test]
    fn integers_are_refused_where_boto3_refuses_them() {
        for (digits, zeros, answer) in [
            (
                "9",
                37,
                r#"{"N": "90000000000000000000000000000000000000"}"#,
            ),
            ("9", 38, "Rounded"),
            ("1", 126, "Rounded"),
            ("1", 127, "Overflow"),
            ("123456789012345678901234567890123456789", 0, "Inexact"),
            ("-0", 0, r#"{"N": "0"}"#),
        ] {
            assert_eq!(converted(&format!("{digits}{}", "0".repeat(zeros))), answer);
        }
    }

    #[test]
    fn long_integers_come_back_in_a_form_that_can_be_sent() {
        let stored = Json::tagged("N", Json::text(format!("-12{}", "0".repeat(100))));
        assert_eq!(from_attribute(stored).to_string(), "-12E+100");
        assert_eq!(converted("-12E+100"), r#"{"N": "-12E+100"}"#);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(converted(&nested(MAX_DEPTH)).starts_with("{\"L\""));
        assert_eq!(converted(&nested(MAX_DEPTH + 2)), "RecursionError");
    }
}
