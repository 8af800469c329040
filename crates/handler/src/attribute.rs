//! Plain JSON values and `DynamoDB`'s typed attribute values, each exactly expressible as the other.
//!
//! Sets and binary have no plain form; they are `{"SS": […]}`, `{"NS": […]}`, `{"BS": […]}` and `{"B": "…"}`, as in
//! `DynamoDB`'s own JSON. A stored map that looks like one of these is wrapped as `{"M": {…}}`.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::failure::Failure;
use crate::json::{self, Json, Object};
use crate::python;

/// Significant digits of a number.
const PRECISION: usize = 38;
/// boto3's largest power of ten.
const MAX_EXPONENT: usize = 126;

pub(crate) fn to_attribute(value: Json) -> Result<Json, Failure> {
    Ok(match value {
        Json::Null => Json::tagged("NULL", Json::Bool(true)),
        Json::Bool(_) => Json::tagged("BOOL", value),
        Json::Number(text) => Json::tagged("N", Json::String(stored_number(text)?)),
        Json::String(_) => Json::tagged("S", value),
        Json::Array(items) => Json::tagged(
            "L",
            Json::Array(
                items
                    .into_iter()
                    .map(to_attribute)
                    .collect::<Result<_, _>>()?,
            ),
        ),
        Json::Object(members) => match special_form(&members) {
            Some(Special::Typed) => Json::Object(members),
            Some(Special::Wrapped) => map_to_attribute(unwrapped(members))?,
            None => map_to_attribute(members)?,
        },
    })
}

fn map_to_attribute(members: Object) -> Result<Json, Failure> {
    let members = members
        .into_iter()
        .map(|(name, value)| Ok((name, to_attribute(value)?)));
    Ok(Json::tagged(
        "M",
        Json::Object(members.collect::<Result<_, Failure>>()?),
    ))
}

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

enum Special {
    /// A set or binary, already as `DynamoDB` wants it.
    Typed,
    /// A map that would be taken for a special form without its wrapper.
    Wrapped,
}

fn special_form(members: &Object) -> Option<Special> {
    if members.len() != 1 {
        return None;
    }
    let (name, value) = members.first()?;
    match (&**name, value) {
        ("SS", Json::Array(items)) if is_set(items, |_| true) => Some(Special::Typed),
        ("NS", Json::Array(items)) if is_set(items, json::is_number) => Some(Special::Typed),
        ("BS", Json::Array(items)) if is_set(items, is_base64) => Some(Special::Typed),
        ("B", Json::String(text)) if is_base64(text) => Some(Special::Typed),
        ("M", Json::Object(inner)) => special_form(inner).map(|_| Special::Wrapped),
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

fn unwrapped(members: Object) -> Object {
    match members.into_iter().next() {
        Some((_, Json::Object(inner))) => inner,
        _ => Object::new(),
    }
}

/// An integer is refused where boto3 refuses it. Everything else is `DynamoDB`'s to judge, digit for digit.
fn stored_number(text: String) -> Result<String, Failure> {
    if !python::is_integer(&text) {
        return Ok(text);
    }
    let digits = text.trim_start_matches('-');
    if digits == "0" {
        return Ok("0".to_owned());
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

/// The text as `DynamoDB` wrote it, except that integers too long to be sent back become an exponent form.
fn plain_number(text: String) -> Json {
    if !json::is_number(&text) {
        return Json::String(text);
    }
    let digits = text.trim_start_matches('-');
    if digits.len() <= PRECISION || !python::is_integer(&text) {
        return Json::Number(text);
    }
    let significant = text.trim_end_matches('0');
    Json::Number(format!("{significant}E+{}", text.len() - significant.len()))
}
