//! The encoder, with the spacing of Python's.

use std::convert::Infallible;
use std::fmt::{self, Write};

use super::{Json, Object};

impl Json {
    /// Appends the text of the value to `out`.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(text) => out.push_str(text),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                let Ok(()) = write_array(items, out, Self::written);
            }
            Self::Object(members) => {
                let Ok(()) = write_object(members, out, |_, value, out| value.written(out));
            }
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "arrays and objects are also written where items can be refused"
    )]
    fn written(&self, out: &mut String) -> Result<(), Infallible> {
        self.write(out);
        Ok(())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

/// Writes an array; `write_item` writes each item.
pub(crate) fn write_array<E>(
    items: &[Json],
    out: &mut String,
    mut write_item: impl FnMut(&Json, &mut String) -> Result<(), E>,
) -> Result<(), E> {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_item(item, out)?;
    }
    out.push(']');
    Ok(())
}

/// Writes an object; `write_value` writes each value, with its name as an argument.
pub(crate) fn write_object<E>(
    members: &Object,
    out: &mut String,
    mut write_value: impl FnMut(&str, &Json, &mut String) -> Result<(), E>,
) -> Result<(), E> {
    out.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_string(name, out);
        out.push_str(": ");
        write_value(name, value, out)?;
    }
    out.push('}');
    Ok(())
}

/// Writes a string with its escapes.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
    {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x8 => out.push_str("\\b"),
            0xc => out.push_str("\\f"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}
