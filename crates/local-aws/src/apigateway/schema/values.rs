//! What JSON Schema says of single values, and of values as a whole.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::format;

/// What holds for values of all types.
pub(super) fn general(schema: &Map<String, Value>, instance: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed
            .iter()
            .any(|value| canonical(value) == canonical(instance))
    {
        faults.push(format!(
            "instance value ({instance}) not found in enum (possible values: {})",
            Value::Array(allowed.clone())
        ));
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(_)) => names(schema.get("type").and_then(Value::as_array)).collect(),
        _ => return faults,
    };
    let own = type_of(instance);
    let fits = types
        .iter()
        .any(|name| *name == own || (*name == "number" && own == "integer"));
    if !fits {
        let integers = types.contains(&"number").then_some("integer");
        let allowed = sorted(types.iter().copied().chain(integers));
        faults.push(format!(
            "instance type ({own}) does not match any allowed primitive type (allowed: {})",
            listed(&allowed)
        ));
    }
    faults
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

pub(super) fn string(schema: &Map<String, Value>, text: &str, faults: &mut Vec<String>) {
    let length = text.chars().count() as u64;
    if let Some(least) = limit(schema, "minLength").filter(|least| length < *least) {
        faults.push(format!(
            "string \"{text}\" is too short (length: {length}, required minimum: {least})"
        ));
    }
    if let Some(most) = limit(schema, "maxLength").filter(|most| length > *most) {
        faults.push(format!(
            "string \"{text}\" is too long (length: {length}, maximum allowed: {most})"
        ));
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
    {
        faults.push(format!(
            "ECMA 262 regex \"{pattern}\" does not match input string \"{text}\""
        ));
    }
    if let Some(format) = schema.get("format").and_then(Value::as_str)
        && !format::fits(format, text)
    {
        faults.push(format!("string \"{text}\" is not a valid {format}"));
    }
}

pub(super) fn number(schema: &Map<String, Value>, instance: &Value, faults: &mut Vec<String>) {
    let Some(value) = instance.as_f64() else {
        return;
    };
    let bound = |name: &str| {
        let bound = schema.get(name)?;
        Some((bound.as_f64()?, bound))
    };
    let is_strict = |name: &str| schema.get(name) == Some(&Value::Bool(true));
    if let Some((least, shown)) = bound("minimum") {
        if value < least {
            faults.push(format!(
                "numeric instance is lower than the required minimum (minimum: {shown}, found: {instance})"
            ));
        } else if value <= least && is_strict("exclusiveMinimum") {
            faults.push(format!(
                "numeric instance is not strictly greater than the required minimum {shown}"
            ));
        }
    }
    if let Some((most, shown)) = bound("maximum") {
        if value > most {
            faults.push(format!(
                "numeric instance is greater than the required maximum (maximum: {shown}, found: {instance})"
            ));
        } else if value >= most && is_strict("exclusiveMaximum") {
            faults.push(format!(
                "numeric instance is not strictly lower than the required maximum {shown}"
            ));
        }
    }
    if let Some((divisor, shown)) = bound("multipleOf")
        && !is_multiple(value, divisor)
    {
        faults.push(format!(
            "remainder of division is not zero ({instance} / {shown})"
        ));
    }
}

/// Up to what binary fractions cannot say: 0.3 is three times 0.1.
fn is_multiple(value: f64, divisor: f64) -> bool {
    let quotient = value / divisor;
    (quotient - quotient.round()).abs() <= f64::EPSILON * quotient.abs().max(1.0)
}

pub(super) fn limit(schema: &Map<String, Value>, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

pub(super) fn names(list: Option<&Vec<Value>>) -> impl Iterator<Item = &str> {
    list.into_iter().flatten().filter_map(Value::as_str)
}

pub(super) fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// `["a","b"]`.
pub(super) fn listed(names: &[&str]) -> String {
    Value::from(names.to_vec()).to_string()
}

/// The same text for values that are the same: members have no order, and 1 is 1.0.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            let members: Vec<String> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
