//! Python's text for values, for messages that quote the request.

use std::fmt::Write;

use crate::json::Json;

/// Returns true for a number that Python parses as an `int`.
pub(crate) fn is_integer(number: &str) -> bool {
    !number.contains(['.', 'e', 'E'])
}

/// Returns the name of the Python type of a parsed value.
pub(crate) fn type_name(value: &Json) -> &'static str {
    match value {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(text) if is_integer(text) => "int",
        Json::Number(_) => "float",
        Json::String(_) => "str",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
    }
}

/// Returns Python's `str(value)`.
pub(crate) fn str(value: &Json) -> String {
    match value {
        Json::String(text) => text.to_string(),
        _ => repr(value),
    }
}

/// Returns Python's `repr(value)`.
pub(crate) fn repr(value: &Json) -> String {
    let mut out = String::new();
    write_repr(value, &mut out);
    out
}

fn write_repr(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("None"),
        Json::Bool(true) => out.push_str("True"),
        Json::Bool(false) => out.push_str("False"),
        Json::Number(text) => out.push_str(&number(text)),
        Json::String(text) => write_string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                write_repr(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                separate(index, out);
                write_string(name, out);
                out.push_str(": ");
                write_repr(value, out);
            }
            out.push('}');
        }
    }
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push_str(", ");
    }
}

fn write_string(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => push_code(c, out),
        }
    }
    out.push(quote);
}

fn push_code(c: char, out: &mut String) {
    let code = u32::from(c);
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// Returns true for a character that Python's `repr` does not escape. Rust's `escape_debug` escapes the same categories,
/// and combining marks only at the start of a text.
fn is_printable(c: char) -> bool {
    matches!(c, '\'' | '"') || {
        let mut pair = String::from("a");
        pair.push(c);
        pair.escape_debug().eq(pair.chars())
    }
}

/// Returns Python's text for a number.
pub(crate) fn number(text: &str) -> String {
    if is_integer(text) {
        return if text == "-0" {
            "0".to_owned()
        } else {
            text.to_owned()
        };
    }
    text.parse().map_or_else(|_| text.to_owned(), float)
}

/// Returns Python's shortest text for a float: fixed notation from 1e-4 up to 1e16, scientific notation otherwise.
fn float(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&power) {
        return format!("{value:?}");
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", power.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn values_are_written_as_python_writes_them() {
        for (json, python) in [
            ("null", "None"),
            ("[true, false]", "[True, False]"),
            ("{\"a\": {\"b\": []}}", "{'a': {'b': []}}"),
            ("\"it's\"", "\"it's\""),
            ("\"it's \\\"quoted\\\"\"", "'it\\'s \"quoted\"'"),
            (
                "\"\\u0000\\n\\t\\u007f\\u200b\\ud800\\udc00\"",
                "'\\x00\\n\\t\\x7f\\u200b\u{10000}'",
            ),
            (
                "\"\u{e9}\u{301}\u{6f22}\u{1f600}\\u00a0\"",
                "'\u{e9}\u{301}\u{6f22}\u{1f600}\\xa0'",
            ),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("1.50", "1.5"),
            ("1e2", "100.0"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("1.5e-7", "1.5e-07"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1e400", "inf"),
            ("-1e400", "-inf"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ] {
            assert_eq!(repr(&parse(json).expect(json)), python);
        }
    }
}
