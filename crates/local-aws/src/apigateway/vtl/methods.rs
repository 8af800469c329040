//! Properties, indexes and methods of values: those of Java's `String`, `List`, `Map` and `Map.Entry` that templates use.

use regex_lite::{Regex, RegexBuilder};

use super::evaluate::Scope;
use super::syntax::Shared;
use super::value::{Arena, Value};
use super::{Failure, objects};

/// What there is no property of is nothing.
pub(super) fn property(scope: &mut Scope, value: &Value, name: &str) -> Result<Value, Failure> {
    Ok(match value {
        Value::Map(map) => {
            let found = scope.arena.get(*map, name);
            match (found, name) {
                (Value::Null, "empty") => Value::Bool(scope.arena.members(*map).is_empty()),
                (found, _) => found,
            }
        }
        Value::List(list) if name == "empty" => Value::Bool(scope.arena.list(*list).is_empty()),
        Value::Text(text) if name == "empty" => Value::Bool(text.is_empty()),
        Value::Entry(key, _) if name == "key" => Value::Text(key.clone()),
        Value::Entry(_, value) if name == "value" => (**value).clone(),
        Value::Loop(at) => of_loop(scope, *at, name),
        Value::Input if name == "body" => objects::body(scope)?,
        _ => Value::Null,
    })
}

fn of_loop(scope: &Scope, at: usize, name: &str) -> Value {
    let Some(running) = scope.running(at) else {
        return Value::Null;
    };
    match name {
        "count" => Value::count(running.index + 1),
        "index" => Value::count(running.index),
        "hasNext" => Value::Bool(running.index + 1 < running.length),
        "first" => Value::Bool(running.index == 0),
        "last" => Value::Bool(running.index + 1 == running.length),
        "parent" => at.checked_sub(1).map_or(Value::Null, Value::Loop),
        "topmost" => Value::Loop(0),
        _ => Value::Null,
    }
}

pub(super) fn index(scope: &mut Scope, value: &Value, index: &Value) -> Result<Value, Failure> {
    Ok(match value {
        Value::List(list) => at(scope.arena.list(*list), index),
        Value::Map(map) => {
            let key = scope.printed(index)?;
            scope.arena.get(*map, &key)
        }
        _ => Value::Null,
    })
}

/// From the end for what is below zero.
fn at(items: &[Value], index: &Value) -> Value {
    let Value::Int(index) = index else {
        return Value::Null;
    };
    let place = if *index < 0 {
        usize::try_from(index.unsigned_abs())
            .ok()
            .and_then(|back| items.len().checked_sub(back))
    } else {
        usize::try_from(*index).ok()
    };
    place
        .and_then(|place| items.get(place))
        .cloned()
        .unwrap_or(Value::Null)
}

/// A method that there is none of returns nothing.
pub(super) fn call(
    scope: &mut Scope,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Failure> {
    match (name, arguments) {
        ("toString", []) => return Ok(Value::Text(scope.printed(value)?)),
        ("equals", [other]) => return Ok(Value::Bool(scope.equal(value, other)?)),
        _ => {}
    }
    match value {
        Value::Text(text) => of_text(scope, text, name, arguments),
        Value::List(list) => of_list(scope, *list, name, arguments),
        Value::Map(map) => of_map(scope, *map, name, arguments),
        Value::Entry(key, value) => Ok(match name {
            "getKey" => Value::Text(key.clone()),
            "getValue" => (**value).clone(),
            _ => Value::Null,
        }),
        Value::Int(_) | Value::Float(_) => Ok(of_number(value, name)),
        Value::Loop(at) => Ok(match name {
            "hasNext" => of_loop(scope, *at, "hasNext"),
            "getCount" => of_loop(scope, *at, "count"),
            "getIndex" => of_loop(scope, *at, "index"),
            _ => Value::Null,
        }),
        Value::Input => objects::input(scope, name, arguments),
        Value::Util => objects::util(scope, name, arguments),
        Value::Bool(_) | Value::Null | Value::Block(_) => Ok(Value::Null),
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "Java's casts saturate and round in the same way"
)]
fn of_number(value: &Value, name: &str) -> Value {
    let (int, float) = match value {
        Value::Int(int) => (*int, *int as f64),
        Value::Float(float) => (*float as i64, *float),
        _ => return Value::Null,
    };
    match name {
        "intValue" | "longValue" => Value::Int(int),
        "doubleValue" | "floatValue" => Value::Float(float),
        _ => Value::Null,
    }
}

/// A made text, counted.
fn made(scope: &mut Scope, text: impl AsRef<str>) -> Result<Value, Failure> {
    let text = text.as_ref();
    Arena::check_length(text.len())?;
    scope.arena.spend(1 + text.len() / 4)?;
    Ok(Value::text(text))
}

fn of_text(
    scope: &mut Scope,
    text: &Shared,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Failure> {
    // Each method looks at the whole text, at most.
    scope.arena.spend(1 + text.len() / 16)?;
    match (name, arguments) {
        ("length", []) => Ok(Value::count(text.encode_utf16().count())),
        ("isEmpty", []) => Ok(Value::Bool(text.is_empty())),
        ("trim", []) => made(scope, text.trim_matches(|c: char| c <= ' ')),
        ("toLowerCase", []) => made(scope, text.to_lowercase()),
        ("toUpperCase", []) => made(scope, text.to_uppercase()),
        ("hashCode", []) => Ok(Value::Int(i64::from(
            text.encode_utf16().fold(0_i32, |hash, unit| {
                hash.wrapping_mul(31).wrapping_add(i32::from(unit))
            }),
        ))),
        ("substring", [from]) => substring(scope, text, from, None),
        ("substring", [from, to]) => substring(scope, text, from, Some(to)),
        ("charAt", [at]) => {
            let next = match at {
                Value::Int(at) => Value::Int(at.saturating_add(1)),
                _ => Value::Null,
            };
            substring(scope, text, at, Some(&next))
        }
        (_, [argument]) => {
            let argument = scope.printed(argument)?;
            with_text(scope, text, name, &argument)
        }
        ("replace" | "replaceAll" | "replaceFirst", [from, to]) => {
            let (from, to) = (scope.printed(from)?, scope.printed(to)?);
            replaced(scope, text, name, &from, &to)
        }
        ("split", [pattern, Value::Int(most)]) => {
            let pattern = scope.printed(pattern)?;
            split(scope, text, &pattern, *most)
        }
        ("indexOf" | "lastIndexOf", [part, Value::Int(from)]) => {
            let part = scope.printed(part)?;
            let from = usize::try_from(*from).unwrap_or(0);
            let start = byte_of(text, from).unwrap_or(text.len());
            let tail = text.get(start..).unwrap_or_default();
            Ok(tail.find(&*part).map_or(Value::Int(-1), |at| {
                Value::count(units(&text[..start + at]))
            }))
        }
        _ => Ok(Value::Null),
    }
}

fn with_text(
    scope: &mut Scope,
    text: &Shared,
    name: &str,
    argument: &str,
) -> Result<Value, Failure> {
    Ok(match name {
        "contains" => Value::Bool(text.contains(argument)),
        "startsWith" => Value::Bool(text.starts_with(argument)),
        "endsWith" => Value::Bool(text.ends_with(argument)),
        "equalsIgnoreCase" => Value::Bool(text.to_lowercase() == argument.to_lowercase()),
        "compareTo" => Value::Int(match (**text).cmp(argument) {
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 1,
        }),
        "concat" => return made(scope, format!("{text}{argument}")),
        "indexOf" => place(text, text.find(argument)),
        "lastIndexOf" => place(text, text.rfind(argument)),
        "matches" => {
            let Some(pattern) = pattern(scope, text, &format!("^(?:{argument})$"))? else {
                return Ok(Value::Null);
            };
            Value::Bool(pattern.is_match(text))
        }
        "split" => return split(scope, text, argument, 0),
        _ => Value::Null,
    })
}

fn place(text: &str, at: Option<usize>) -> Value {
    at.map_or(Value::Int(-1), |at| {
        Value::count(units(text.get(..at).unwrap_or_default()))
    })
}

/// Java counts in UTF-16.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The byte at which a UTF-16 unit is.
fn byte_of(text: &str, unit: usize) -> Option<usize> {
    let mut units = 0;
    for (byte, c) in text.char_indices() {
        if units >= unit {
            return Some(byte);
        }
        units += c.len_utf16();
    }
    (units >= unit).then_some(text.len())
}

/// Nothing for places that the text does not have.
fn substring(
    scope: &mut Scope,
    text: &str,
    from: &Value,
    to: Option<&Value>,
) -> Result<Value, Failure> {
    let byte = |value: &Value| match value {
        Value::Int(unit) => byte_of(text, usize::try_from(*unit).ok()?),
        _ => None,
    };
    let from = byte(from);
    let to = to.map_or(Some(text.len()), byte);
    match (from, to) {
        (Some(from), Some(to)) if from <= to => made(scope, text.get(from..to).unwrap_or_default()),
        _ => Ok(Value::Null),
    }
}

/// A pattern over a text, by the work that it may need; `None` for one that does not compile.
fn pattern(scope: &mut Scope, text: &str, pattern: &str) -> Result<Option<Regex>, Failure> {
    scope
        .arena
        .spend((text.len() + 1).saturating_mul(pattern.len() + 1) / 2)?;
    Ok(RegexBuilder::new(pattern).size_limit(1 << 20).build().ok())
}

fn replaced(
    scope: &mut Scope,
    text: &str,
    name: &str,
    from: &str,
    to: &str,
) -> Result<Value, Failure> {
    if name == "replace" {
        let most = text.len().saturating_mul(to.len() + 1);
        if most > text.len() {
            scope.arena.spend(text.len())?;
            let count = if from.is_empty() {
                text.chars().count() + 1
            } else {
                text.matches(from).count()
            };
            Arena::check_length(text.len() + count.saturating_mul(to.len()))?;
        }
        return made(scope, text.replace(from, to));
    }
    let Some(pattern) = pattern(scope, text, from)? else {
        return Ok(Value::Null);
    };
    let mut out = String::new();
    let mut last = 0;
    for captures in pattern.captures_iter(text) {
        let Some(whole) = captures.get(0) else { break };
        out.push_str(&text[last..whole.start()]);
        last = whole.end();
        expand(to, &captures, &mut out);
        scope.arena.spend(32)?;
        Arena::check_length(out.len())?;
        if name == "replaceFirst" {
            break;
        }
    }
    out.push_str(&text[last..]);
    made(scope, out)
}

/// Java's replacements: `$1` is a group, a backslash takes what follows as it is.
fn expand(to: &str, captures: &regex_lite::Captures, out: &mut String) {
    let mut rest = to.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.extend(rest.next()),
            '$' => match rest.peek().and_then(|digit| digit.to_digit(10)) {
                Some(group) => {
                    rest.next();
                    let group = captures.get(group as usize);
                    out.push_str(group.map_or("", |group| group.as_str()));
                }
                None => out.push('$'),
            },
            c => out.push(c),
        }
    }
}

/// Empty parts at the end go, unless a number of parts is asked for.
fn split(scope: &mut Scope, text: &str, by: &str, most: i64) -> Result<Value, Failure> {
    let Some(pattern) = pattern(scope, text, by)? else {
        return Ok(Value::Null);
    };
    let limit = usize::try_from(most).unwrap_or(0);
    let mut parts: Vec<&str> = if limit > 0 {
        pattern.splitn(text, limit).collect()
    } else {
        pattern.split(text).collect()
    };
    // Java: a match of nothing at the beginning makes no empty part.
    if parts.len() > 1
        && parts[0].is_empty()
        && pattern.find(text).is_some_and(|found| found.is_empty())
    {
        parts.remove(0);
    }
    if most == 0 {
        while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
    }
    scope.arena.spend(text.len() / 4 + parts.len())?;
    let parts = parts.into_iter().map(Value::text).collect();
    scope.arena.new_list(parts)
}

fn of_list(
    scope: &mut Scope,
    list: usize,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Failure> {
    Ok(match (name, arguments) {
        ("size" | "length", []) => Value::count(scope.arena.list(list).len()),
        ("isEmpty", []) => Value::Bool(scope.arena.list(list).is_empty()),
        ("get", [index]) => at(scope.arena.list(list), index),
        ("contains" | "indexOf", [wanted]) => {
            let items = scope.arena.list(list).to_vec();
            let mut place = None;
            for (at, item) in items.iter().enumerate() {
                if scope.equal(item, wanted)? {
                    place = Some(at);
                    break;
                }
            }
            match name {
                "contains" => Value::Bool(place.is_some()),
                _ => place.map_or(Value::Int(-1), Value::count),
            }
        }
        ("subList", [Value::Int(from), Value::Int(to)]) => {
            let (from, to) = (usize::try_from(*from), usize::try_from(*to));
            let part = match (from, to) {
                (Ok(from), Ok(to)) => scope.arena.list(list).get(from..to).map(<[_]>::to_vec),
                _ => None,
            };
            match part {
                Some(part) => scope.arena.new_list(part)?,
                None => Value::Null,
            }
        }
        _ => changed(scope, list, name, arguments)?,
    })
}

/// The methods that change a list.
fn changed(
    scope: &mut Scope,
    list: usize,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Failure> {
    let added: Vec<Value> = match (name, arguments) {
        ("addAll", [Value::List(other)]) => scope.arena.list(*other).to_vec(),
        _ => Vec::new(),
    };
    scope.arena.spend(8 + added.len() * 4)?;
    let Some(list) = scope.arena.list_mut(list) else {
        return Ok(Value::Null);
    };
    let items = &mut list.items;
    Ok(match (name, arguments) {
        ("add", [item]) => {
            items.push(item.clone());
            Value::Bool(true)
        }
        ("add", [Value::Int(at), item]) => {
            if let Ok(at) = usize::try_from(*at)
                && at <= items.len()
            {
                items.insert(at, item.clone());
            }
            Value::Null
        }
        ("addAll", [Value::List(_)]) => {
            items.extend(added);
            Value::Bool(true)
        }
        ("set", [Value::Int(at), item]) => {
            match usize::try_from(*at).ok().and_then(|at| items.get_mut(at)) {
                Some(place) => std::mem::replace(place, item.clone()),
                None => Value::Null,
            }
        }
        ("remove", [Value::Int(at)]) => match usize::try_from(*at) {
            Ok(at) if at < items.len() => items.remove(at),
            _ => Value::Null,
        },
        ("clear", []) => {
            items.clear();
            Value::Null
        }
        _ => Value::Null,
    })
}

fn of_map(
    scope: &mut Scope,
    map: usize,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Failure> {
    Ok(match (name, arguments) {
        ("size", []) => Value::count(scope.arena.map(map).map_or(0, super::value::Members::len)),
        ("isEmpty", []) => Value::Bool(scope.arena.map(map).is_none_or(|map| map.len() == 0)),
        ("keySet" | "entrySet" | "values", []) => {
            let items = scope
                .arena
                .members(map)
                .into_iter()
                .map(|(key, value)| match name {
                    "keySet" => Value::Text(key),
                    "entrySet" => Value::Entry(key, Box::new(value)),
                    _ => value,
                })
                .collect();
            scope.arena.new_list(items)?
        }
        ("containsValue", [wanted]) => {
            let mut found = false;
            for (_, value) in scope.arena.members(map) {
                found = found || scope.equal(&value, wanted)?;
            }
            Value::Bool(found)
        }
        ("putAll", [Value::Map(other)]) => {
            let added = scope.arena.members(*other);
            scope.arena.spend(added.len() * 8)?;
            if let Some(members) = scope.arena.map_mut(map) {
                for (key, value) in added {
                    members.put(key, value);
                }
            }
            Value::Null
        }
        ("clear", []) => {
            if let Some(members) = scope.arena.map_mut(map) {
                members.clear();
            }
            Value::Null
        }
        ("get" | "containsKey" | "remove", [key]) => {
            let key = scope.printed(key)?;
            match name {
                "get" => scope.arena.get(map, &key),
                "containsKey" => Value::Bool(
                    scope
                        .arena
                        .map(map)
                        .is_some_and(|members| members.get(&key).is_some()),
                ),
                _ => scope
                    .arena
                    .map_mut(map)
                    .and_then(|members| members.remove(&key))
                    .unwrap_or(Value::Null),
            }
        }
        ("getOrDefault", [key, other]) => {
            let key = scope.printed(key)?;
            match scope.arena.map(map).and_then(|members| members.get(&key)) {
                Some(found) => found.clone(),
                None => other.clone(),
            }
        }
        ("put" | "putIfAbsent", [key, value]) => {
            let key = scope.printed(key)?;
            scope.arena.spend(8)?;
            match scope.arena.map_mut(map) {
                Some(members) if name == "put" || members.get(&key).is_none() => {
                    members.put(key, value.clone()).unwrap_or(Value::Null)
                }
                _ => Value::Null,
            }
        }
        _ => Value::Null,
    })
}
