//! Parameters of the query protocol, checked as IAM and STS check them, and pages of lists.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::call::Call;
use crate::service::Service;
use crate::unknown;

/// 400, with AWS's code for input that is not of the model's form.
pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}

/// `1 validation error detected: Value at '…' failed to satisfy constraint: …`. IAM, unlike STS, does not repeat the value.
pub(crate) fn broken(at: &str, constraint: &str) -> Refusal {
    invalid(format!(
        "1 validation error detected: Value at '{}' failed to satisfy constraint: {constraint}",
        lower_first(at)
    ))
}

/// The same in the words of STS, which repeats the value.
pub(crate) fn broken_value(value: &str, at: &str, constraint: &str) -> Refusal {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: {constraint}",
        lower_first(at)
    ))
}

/// IAM does not say which values an enumeration has.
pub(crate) fn one_of(value: &str, at: &str, values: &[&str]) -> Result<(), Refusal> {
    if values.contains(&value) {
        return Ok(());
    }
    Err(broken(at, "Member must satisfy enum value set"))
}

/// Refuses a call that has one of these parameters, which have no effect here.
pub(crate) fn refuse(call: &Call, names: &[&str]) -> Result<(), Refusal> {
    let given = names.iter().find(|name| {
        call.query.iter().any(|(key, _)| {
            key.strip_prefix(**name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    });
    match given {
        Some(name) => Err(unknown::unsupported(
            call.service,
            &format!("the {name} of {}", call.operation),
        )),
        None => Ok(()),
    }
}

/// How members are called in messages: `RoleName` is `roleName`.
fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

/// A parameter that the operation cannot do without.
pub(crate) fn required<'a>(call: &'a Call, name: &str) -> Result<&'a str, Refusal> {
    call.parameter(name).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must not be null",
            lower_first(name)
        ))
    })
}

pub(crate) fn check_length(value: &str, at: &str, min: usize, max: usize) -> Result<(), Refusal> {
    let length = value.chars().count();
    if length < min {
        let constraint = format!("Member must have length greater than or equal to {min}");
        return Err(broken(at, &constraint));
    }
    if length > max {
        let constraint = format!("Member must have length less than or equal to {max}");
        return Err(broken(at, &constraint));
    }
    Ok(())
}

/// Returns true if all of it is of `[\w+=,.@-]`, as the names of roles, policies and sessions are.
pub(crate) fn is_plain(value: &str) -> bool {
    value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}

/// The required name of an entity, such as `RoleName`.
pub(crate) fn name<'a>(call: &'a Call, parameter: &str, max: usize) -> Result<&'a str, Refusal> {
    let value = required(call, parameter)?;
    check_length(value, parameter, 1, max)?;
    if is_plain(value) {
        return Ok(value);
    }
    Err(invalid(format!(
        "The specified value for {} is invalid. It must contain only alphanumeric characters and/or the following: \
         +=,.@_-",
        lower_first(parameter)
    )))
}

/// `Path`, or `/`.
pub(crate) fn path(call: &Call) -> Result<&str, Refusal> {
    Ok(path_of(call, "Path")?.unwrap_or("/"))
}

/// The path that a parameter has.
pub(crate) fn path_of<'a>(call: &'a Call, parameter: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(path) = call.parameter(parameter) else {
        return Ok(None);
    };
    check_length(path, parameter, 1, 512)?;
    let is_whole = path == "/" || (path.len() > 2 && path.starts_with('/') && path.ends_with('/'));
    if is_whole && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
        return Ok(Some(path));
    }
    Err(invalid(
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
         characters and/or / characters.",
    ))
}

/// `PathPrefix`, or `/`.
pub(crate) fn path_prefix(call: &Call) -> Result<&str, Refusal> {
    let Some(prefix) = call.parameter("PathPrefix") else {
        return Ok("/");
    };
    check_length(prefix, "PathPrefix", 1, 512)?;
    if prefix.starts_with('/') && prefix.bytes().all(|byte| (0x21..=0x7f).contains(&byte)) {
        return Ok(prefix);
    }
    Err(invalid(
        "The specified value for pathPrefix is invalid. It must begin with / and contain only alphanumeric characters \
         and/or / characters.",
    ))
}

/// Up to 1,000 characters of `[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]`.
pub(crate) fn description(call: &Call) -> Result<Option<&str>, Refusal> {
    let Some(text) = call.parameter("Description") else {
        return Ok(None);
    };
    check_length(text, "Description", 0, 1000)?;
    let is_latin = |c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{a1}'..='\u{ff}');
    if text.chars().all(is_latin) {
        return Ok(Some(text));
    }
    Err(broken(
        "Description",
        r"Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
    ))
}

/// `true` or `false`; false without the parameter.
pub(crate) fn flag(call: &Call, name: &str) -> Result<bool, Refusal> {
    match call.parameter(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refusal::new(400, "MalformedInput", "Invalid Argument")),
    }
}

/// A whole number within bounds.
pub(crate) fn number(call: &Call, name: &str, min: u64, max: u64) -> Result<Option<u64>, Refusal> {
    let Some(text) = call.parameter(name) else {
        return Ok(None);
    };
    let number: i64 = text
        .parse()
        .map_err(|_| Refusal::new(400, "MalformedInput", "Invalid Argument"))?;
    let refused = |constraint: &str| match call.service {
        Service::Sts => broken_value(text, name, constraint),
        _ => broken(name, constraint),
    };
    let below = i64::try_from(min).is_ok_and(|min| number < min);
    if below {
        return Err(refused(&format!(
            "Member must have value greater than or equal to {min}"
        )));
    }
    match u64::try_from(number) {
        Ok(number) if number <= max => Ok(Some(number)),
        _ => Err(refused(&format!(
            "Member must have value less than or equal to {max}"
        ))),
    }
}

/// The structures of a list, `{name}.member.{n}.{field}`, in the order of `n`.
pub(crate) fn structures<'a>(call: &'a Call, name: &str) -> Vec<BTreeMap<&'a str, &'a str>> {
    let mut found: BTreeMap<u64, BTreeMap<&str, &str>> = BTreeMap::new();
    for (index, field, value) in members(call, name) {
        found.entry(index).or_default().insert(field, value);
    }
    found.into_values().collect()
}

/// The strings of a list, `{name}.member.{n}`, in the order of `n`.
pub(crate) fn strings<'a>(call: &'a Call, name: &str) -> Vec<&'a str> {
    let found: BTreeMap<u64, &str> = members(call, name)
        .filter(|(_, field, _)| field.is_empty())
        .map(|(index, _, value)| (index, value))
        .collect();
    found.into_values().collect()
}

fn members<'a>(call: &'a Call, name: &str) -> impl Iterator<Item = (u64, &'a str, &'a str)> {
    let prefix = format!("{name}.member.");
    call.query.iter().filter_map(move |(key, value)| {
        let rest = key.strip_prefix(&prefix)?;
        let (index, field) = rest.split_once('.').unwrap_or((rest, ""));
        Some((index.parse().ok()?, field, value.as_str()))
    })
}

/// The page of `items` that `Marker` and `MaxItems` ask for, as the list `member` of an output. Items come with a key
/// each and in its order.
pub(crate) fn page(
    call: &Call,
    member: &str,
    items: Vec<(String, Value)>,
) -> Result<Value, Refusal> {
    let most = number(call, "MaxItems", 1, 1000)?.unwrap_or(100);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let after = call
        .parameter("Marker")
        .map(|marker| {
            STANDARD
                .decode(marker)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| invalid("Invalid Marker."))
        })
        .transpose()?;
    let mut rest = items
        .into_iter()
        .skip_while(|(key, _)| after.as_ref().is_some_and(|after| key <= after));
    let mut last = None;
    let page: Vec<Value> = rest
        .by_ref()
        .take(most)
        .map(|(key, item)| {
            last = Some(key);
            item
        })
        .collect();
    let marker = rest
        .next()
        .and(last)
        .map(|key| STANDARD.encode(key.as_bytes()));
    Ok(json!({ member: page, "IsTruncated": marker.is_some(), "Marker": marker }))
}
