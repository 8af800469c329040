//! YAML as JSON values, both ways: the part of YAML 1.2 that JSON can say, without tags.

use std::collections::HashMap;
use std::fmt::Write;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// Aliases multiply what they stand for; so many values are read at most.
const MOST_VALUES: usize = 1_000_000;
const DEEPEST: usize = 100;

/// The first document; `None` for what is no YAML.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        values: 0,
    };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => return None,
            event => {
                let value = reader.value(event, 0)?;
                // What follows has to be YAML as well.
                for event in reader.parser {
                    event.ok()?;
                }
                return Some(value);
            }
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// The values that anchors stand for, each with its number of values.
    anchors: HashMap<usize, (Value, usize)>,
    values: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Event<'a>> {
        Some(self.parser.next()?.ok()?.0)
    }

    fn count(&mut self, values: usize) -> Option<()> {
        self.values += values;
        (self.values <= MOST_VALUES).then_some(())
    }

    fn value(&mut self, event: Event<'a>, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        let before = self.values;
        self.count(1)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = match style {
                    ScalarStyle::Plain => plain(&text),
                    _ => Value::String(text.into_owned()),
                };
                (value, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => list.push(self.value(event, depth + 1)?),
                    }
                }
                (Value::Array(list), anchor)
            }
            Event::MappingStart(anchor, _) => (self.mapping(depth)?, anchor),
            Event::Alias(anchor) => {
                let (value, values) = self.anchors.get(&anchor)?.clone();
                self.count(values)?;
                return Some(value);
            }
            _ => return None,
        };
        if anchor > 0 {
            self.anchors
                .insert(anchor, (value.clone(), self.values - before));
        }
        Some(value)
    }

    /// Keys are texts, whatever they look like: response codes are numbers in YAML.
    fn mapping(&mut self, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return None,
            };
            let event = self.next()?;
            let value = self.value(event, depth + 1)?;
            match (key.as_str(), value) {
                // The merge key of YAML 1.1; own members go before those.
                ("<<", Value::Object(merged)) => {
                    for (name, value) in merged {
                        members.entry(name).or_insert(value);
                    }
                }
                (_, value) => {
                    members.insert(key, value);
                }
            }
        }
        Some(members.into())
    }
}

/// The core schema of YAML 1.2.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        _ => {}
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    if is_number {
        if let Ok(number) = text.parse::<i64>() {
            return number.into();
        }
        let number = text.parse().ok().and_then(Number::from_f64);
        if let Some(number) = number {
            return number.into();
        }
    }
    text.into()
}

/// One document, its texts in double quotes as AWS's exporter writes them.
pub(super) fn write(value: &Value) -> String {
    let mut text = "---".to_owned();
    write_value(&mut text, value, 0, true);
    text.push('\n');
    text
}

fn write_value(out: &mut String, value: &Value, depth: usize, in_mapping: bool) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (at, (name, value)) in members.iter().enumerate() {
                if at > 0 || in_mapping {
                    out.push('\n');
                    indent(out, depth);
                }
                if is_plain(name) {
                    out.push_str(name);
                } else {
                    let _ = write!(out, "{}", Value::from(name.as_str()));
                }
                out.push(':');
                write_value(out, value, depth + 1, true);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            // A list is not indented under its member.
            let depth = depth.saturating_sub(usize::from(in_mapping));
            for (at, value) in list.iter().enumerate() {
                if at > 0 || in_mapping {
                    out.push('\n');
                    indent(out, depth);
                }
                out.push('-');
                match value {
                    Value::Object(_) | Value::Array(_) if !is_empty(value) => {
                        out.push(' ');
                        write_value(out, value, depth + 1, false);
                    }
                    value => write_value(out, value, depth + 1, true),
                }
            }
        }
        Value::Object(_) => out.push_str(" {}"),
        Value::Array(_) => out.push_str(" []"),
        scalar => {
            let _ = write!(out, " {scalar}");
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// True for a key that needs no quotes.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '$')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/_-.$".contains(c))
        && matches!(plain(name), Value::String(_))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_becomes_json() {
        let text = "\
openapi: 3.0.1
info: {title: a, version: '2.0'}
paths:
  /a:
    get: &get
      responses:
        200: {description: ok}
      x: |
        two
        lines
    post: *get
    put:
      <<: *get
      y: [1, -2.5, true, null, ~, no, 1.2.3]
";
        assert_eq!(
            read(text),
            Some(json!({
                "openapi": "3.0.1",
                "info": { "title": "a", "version": "2.0" },
                "paths": { "/a": {
                    "get": { "responses": { "200": { "description": "ok" } }, "x": "two\nlines\n" },
                    "post": { "responses": { "200": { "description": "ok" } }, "x": "two\nlines\n" },
                    "put": {
                        "responses": { "200": { "description": "ok" } },
                        "x": "two\nlines\n",
                        "y": [1, -2.5, true, null, null, "no", "1.2.3"],
                    },
                } },
            }))
        );
    }

    #[test]
    fn what_is_no_yaml_is_none() {
        for text in [
            "",
            "a: [",
            "a: *b",
            "? {a: b}\n: c",
            "test:\n  value:\n    - \"x ... \\\"e\\\": $v, \\\"dt\\\": $(v +\"%a\")}\\\"\n",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let deep = "[".repeat(5000);
        assert_eq!(read(&deep), None);
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..12 {
            let alias = format!("*a{}, ", at - 1).repeat(9);
            let _ = writeln!(bomb, "a{at}: &a{at} [{alias}*a{}]", at - 1);
        }
        assert_eq!(read(&bomb), None);
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let value = json!({
            "a": { "b": [{ "c": [1, [2, { "d": "e" }], []], "f": {} }, "x: y", null, true] },
            "/p/{q}": "\"quoted\"\nline",
            "200": 1.5,
            "true": {},
            "x": [],
        });
        let text = write(&value);
        assert_eq!(read(&text), Some(value), "{text}");
        assert!(text.starts_with("---\na:\n  b:\n  - c:\n"), "{text}");
    }
}
