//! JSON that keeps what a float would lose: a number is its own text.
//!
//! `serde_json` can do this with `arbitrary_precision`, but that feature changes number handling for every crate of
//! the build, the deploy tool included.

mod parse;
mod write;

use indexmap::IndexMap;

pub use parse::{MAX_DEPTH, ParseError, parse};

/// An object in the order its keys were first seen; of duplicate keys the last value wins, as in Python.
pub type Object = IndexMap<String, Json>;

#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    /// A number's text, as JSON's grammar has it.
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Object),
}

impl Json {
    pub fn text(value: impl Into<String>) -> Self {
        Self::String(value.into())
    }

    pub fn number(value: impl ToString) -> Self {
        Self::Number(value.to_string())
    }

    /// An object with one member.
    pub fn tagged(tag: &str, value: Json) -> Self {
        Self::object([(tag, value)])
    }

    pub fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub fn get(&self, name: &str) -> Option<&Json> {
        self.as_object()?.get(name)
    }
}

/// Whether `text` is a number in JSON's grammar.
pub fn is_number(text: &str) -> bool {
    parse::number_length(text.as_bytes()) == Some(text.len())
}
