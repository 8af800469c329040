//! Items and attributes.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use provision_link::{Attribute, Item, KeyText, Schema, ToKey};
use serde::Serialize;

use crate::error::{Call, Error};

/// Attributes by name.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// An attribute's value, or the reason why there is none.
pub(crate) type Value = Result<AttributeValue, serde_dynamo::Error>;

pub(crate) fn to_value(value: impl Serialize) -> Value {
    serde_dynamo::to_attribute_value(value)
}

pub(crate) fn key_value(text: KeyText) -> AttributeValue {
    match text {
        KeyText::S(text) => AttributeValue::S(text),
        KeyText::N(text) => AttributeValue::N(text),
        KeyText::B(bytes) => AttributeValue::B(Blob::new(bytes)),
    }
}

/// Returns the attributes of a key.
pub(crate) fn to_key<I: Item, K: ToKey<I::Key>>(key: K) -> Attributes {
    let schema = I::SCHEMA;
    let names = [Some(schema.partition), schema.sort].into_iter().flatten();
    names
        .zip(key.into_key_texts())
        .map(|(attribute, text)| (attribute.name.to_owned(), key_value(text)))
        .collect()
}

/// Returns the key attributes of the table and of its indexes.
fn key_attributes(schema: &Schema) -> impl Iterator<Item = Attribute> {
    let own = [Some(schema.partition), schema.sort];
    let of_indexes = schema
        .indexes
        .iter()
        .flat_map(|index| [Some(index.partition), index.sort]);
    own.into_iter().chain(of_indexes).flatten()
}

/// Returns true if the attribute is a key of the table or of an index, which `DynamoDB` refuses as `NULL`.
pub(crate) fn is_key_attribute(schema: &Schema, name: &str) -> bool {
    key_attributes(schema).any(|attribute| attribute.name == name)
}

/// Returns the attributes of an item.
pub(crate) fn to_attributes<I: Item>(call: &Call, item: &I) -> Result<Attributes, Error> {
    let attributes = serde_dynamo::to_item(item);
    let mut attributes: Attributes = attributes.map_err(|error| Error::unwritten(call, error))?;
    for attribute in key_attributes(&I::SCHEMA) {
        let value = attributes.get_mut(attribute.name);
        match value {
            // An item without the attribute is not in the index.
            Some(AttributeValue::Null(_)) => {
                attributes.remove(attribute.name);
            }
            // Serde writes bytes as numbers.
            Some(value) if attribute.kind == "B" => {
                if let Some(bytes) = to_bytes(value) {
                    *value = AttributeValue::B(Blob::new(bytes));
                }
            }
            _ => {}
        }
    }
    Ok(attributes)
}

/// Returns an item of its attributes.
pub(crate) fn from_attributes<I: Item>(
    call: &Call,
    mut attributes: Attributes,
) -> Result<I, Error> {
    let key = key_text(&I::SCHEMA, &attributes);
    let read = |attributes| serde_dynamo::from_item::<_, I>(attributes);
    let bytes: Vec<_> = key_attributes(&I::SCHEMA)
        .filter(|attribute| attribute.kind == "B")
        .collect();
    let outcome = if bytes.is_empty() {
        read(attributes)
    } else {
        // A field of the type `Vec<u8>` is read from numbers, one by `serde_bytes` from bytes.
        read(attributes.clone()).or_else(|_| {
            for attribute in bytes {
                if let Some(AttributeValue::B(value)) = attributes.get(attribute.name) {
                    let numbers = value.as_ref().iter();
                    let numbers = numbers.map(|byte| AttributeValue::N(byte.to_string()));
                    let numbers = AttributeValue::L(numbers.collect());
                    attributes.insert(attribute.name.to_owned(), numbers);
                }
            }
            read(attributes)
        })
    };
    outcome.map_err(|error| Error::Read {
        call: call.clone(),
        key,
        source: error.into(),
    })
}

pub(crate) fn from_all<I: Item>(call: &Call, all: Vec<Attributes>) -> Result<Vec<I>, Error> {
    let items = all.into_iter();
    items.map(|one| from_attributes(call, one)).collect()
}

/// Returns the key of an item for a message, after a space.
fn key_text(schema: &Schema, attributes: &Attributes) -> String {
    let names = [Some(schema.partition), schema.sort].into_iter().flatten();
    let parts: Vec<String> = names
        .filter_map(|attribute| match attributes.get(attribute.name)? {
            AttributeValue::S(text) | AttributeValue::N(text) => {
                Some(format!("`{}` = `{text}`", attribute.name))
            }
            _ => None,
        })
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    format!(" with {}", parts.join(", "))
}

/// Returns a text that two keys of one table share only if they are the same.
pub(crate) fn identity(schema: &Schema, attributes: &Attributes) -> Vec<KeyText> {
    let names = [Some(schema.partition), schema.sort].into_iter().flatten();
    names
        .filter_map(|attribute| match attributes.get(attribute.name)? {
            AttributeValue::S(text) => Some(KeyText::S(text.clone())),
            AttributeValue::N(text) => Some(KeyText::N(text.clone())),
            AttributeValue::B(bytes) => Some(KeyText::B(bytes.as_ref().to_vec())),
            _ => None,
        })
        .collect()
}

/// Returns the bytes of a list of numbers.
fn to_bytes(value: &AttributeValue) -> Option<Vec<u8>> {
    let AttributeValue::L(numbers) = value else {
        return None;
    };
    let byte = |number: &AttributeValue| match number {
        AttributeValue::N(text) => text.parse().ok(),
        _ => None,
    };
    numbers.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize, Item)]
    struct Entry {
        #[partition_key]
        id: Vec<u8>,
        #[sort_key]
        at: u64,
        #[index("by-owner", sort = "rank")]
        owner: Option<String>,
        rank: Option<i64>,
        note: Option<String>,
        total: i64,
        ratio: f64,
    }

    fn call() -> Call {
        Call {
            operation: "PutItem",
            table: "entries".to_owned(),
        }
    }

    fn entry() -> Entry {
        Entry {
            id: vec![0, 255],
            at: u64::MAX,
            owner: None,
            rank: None,
            note: None,
            total: i64::MIN,
            ratio: 0.1,
        }
    }

    #[test]
    fn an_item_comes_back_with_all_digits() {
        let attributes = to_attributes(&call(), &entry()).unwrap();
        let expected = AttributeValue::N("18446744073709551615".to_owned());
        assert_eq!(attributes["at"], expected);
        assert_eq!(attributes["id"], AttributeValue::B(Blob::new([0, 255])));
        assert_eq!(
            from_attributes::<Entry>(&call(), attributes).unwrap(),
            entry()
        );
    }

    #[test]
    fn only_keys_that_are_none_are_left_out() {
        let attributes = to_attributes(&call(), &entry()).unwrap();
        assert!(!attributes.contains_key("owner") && !attributes.contains_key("rank"));
        assert_eq!(attributes["note"], AttributeValue::Null(true));
    }

    #[test]
    fn wide_numbers_are_refused_and_not_rounded() {
        let error = to_value(i128::MAX).unwrap_err().to_string();
        assert!(error.contains("i128"), "{error}");
    }

    #[test]
    fn an_item_of_another_form_is_named_by_its_key() {
        let mut attributes = to_attributes(&call(), &entry()).unwrap();
        attributes.remove("total");
        let error = from_attributes::<Entry>(&call(), attributes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "PutItem on table `entries`: the item with `at` = `18446744073709551615` cannot be read: missing field `total`"
        );
    }
}
