//! JSON with exact numbers, which are kept as text.
//!
//! `serde_json` has the feature `arbitrary_precision` for this, but it changes the numbers of every crate in the build,
//! including `provision`.

mod object;
mod parse;
mod write;

use compact_str::{CompactString, ToCompactString};

pub use object::Object;
pub use parse::{MAX_DEPTH, ParseError, parse};
pub(crate) use write::{write_array, write_object};

/// A JSON value. Its size is 32 bytes, with short texts inside, because an event of six megabytes can contain three million
/// values.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    /// A number, as text in JSON's grammar.
    Number(CompactString),
    String(CompactString),
    Array(Vec<Json>),
    Object(Object),
}

impl Json {
    /// Creates a string.
    pub fn text(value: impl Into<CompactString>) -> Self {
        Self::String(value.into())
    }

    /// Creates a number.
    pub fn number(value: impl Into<i64>) -> Self {
        Self::Number(value.into().to_compact_string())
    }

    /// Creates an object with one member.
    pub fn tagged(tag: &str, value: Json) -> Self {
        Self::object([(tag, value)])
    }

    /// Creates an object; the names must differ.
    pub fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the members of an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Returns the items of an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Returns a member of an object by name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.as_object()?.get(name)
    }
}

/// Returns true if `text` is a number in JSON's grammar.
pub fn is_number(text: &str) -> bool {
    parse::number_length(text.as_bytes()) == Some(text.len())
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    /// Generates numbers of every form, and integers of at most `DynamoDB`'s digits.
    fn any_number() -> impl Strategy<Value = String> {
        prop_oneof![
            "0|-?[1-9][0-9]{0,37}",
            "-?(0|[1-9][0-9]{0,20})\\.[0-9]{1,30}([eE][+-]?[0-9]{1,3})?"
        ]
    }

    /// Generates names, often those of `DynamoDB`'s types.
    fn any_name() -> impl Strategy<Value = String> {
        prop_oneof![3 => "SS|NS|BS|B|M|L|S|N|NULL|BOOL", 1 => any::<String>()]
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "([A-Za-z0-9+/]{4}){0,2}", any_number()]
    }

    pub(crate) fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any_number().prop_map(|text| Json::Number(text.into())),
            any_text().prop_map(Json::text),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Json::Array),
                btree_map(any_name(), inner.clone(), 0..6)
                    .prop_map(|members| Json::Object(named(members))),
                (any_name(), inner).prop_map(|(name, value)| Json::tagged(&name, value)),
            ]
        })
    }

    pub(crate) fn named(members: impl IntoIterator<Item = (String, Json)>) -> Object {
        members
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect()
    }

    fn is_in_range(text: &str) -> bool {
        !serde_json::from_str::<serde_json::Value>(text)
            .is_err_and(|error| error.to_string().starts_with("number out of range"))
    }

    #[test]
    fn a_value_is_small() {
        assert_eq!(size_of::<Json>(), 32);
    }

    proptest! {
        #[test]
        fn a_written_value_is_read_back(value in any_json()) {
            prop_assert_eq!(parse(&value.to_string()), Ok(value));
        }

        #[test]
        fn serde_json_reads_a_written_value(value in any_json()) {
            let text = value.to_string();
            prop_assert!(!is_in_range(&text) || serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }

        #[test]
        fn serde_json_accepts_the_same_texts(text in r#"[\[\]{}",: \\u0-9a-f.eE+\-\ntrlsn]{0,24}"#) {
            let accepts = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert!(!is_in_range(&text) || parse(&text).is_ok() == accepts);
        }

        #[test]
        fn strings_read_as_serde_json_reads_them(text in r#"(\\u[dD][89a-fA-F][0-9a-f]{2}|\\["\\/bfnrt]|\\u00[0-9a-f]{2}|[a-zé😀]){0,8}"#) {
            let text = format!("\"{text}\"");
            let expected = serde_json::from_str::<String>(&text).ok();
            prop_assert_eq!(parse(&text).ok(), expected.map(Json::text));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
