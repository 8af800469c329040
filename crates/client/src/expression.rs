//! Expressions, with placeholders for all names and values.

use std::ops::Not;

use aws_sdk_dynamodb::types::AttributeValue;
use provision_link::Item;
use serde::Serialize;

use crate::convert::{Value, to_value};
use crate::error::{Call, Error};

/// An attribute, or a part of one. A plain `&str` stands for the attribute of that name, which may have any letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field(Vec<String>);

/// The attribute `name`, for conditions, filters and updates.
pub fn field(name: &str) -> Field {
    Field(vec![name.to_owned()])
}

/// A condition on an item, as [`Field`]'s methods make it.
#[derive(Debug)]
pub struct Condition(Node);

#[derive(Debug)]
enum Node {
    Compare(Field, &'static str, Value),
    Between(Field, Value, Value),
    In(Field, Vec<Value>),
    Call(&'static str, Field, Option<Value>),
    Both(Box<Node>, Box<Node>),
    Either(Box<Node>, Box<Node>),
    Not(Box<Node>),
}

impl From<&str> for Field {
    fn from(name: &str) -> Self {
        field(name)
    }
}

impl Field {
    /// The member `name` of the map that this field is.
    pub fn member(mut self, name: &str) -> Self {
        self.0.push(name.to_owned());
        self
    }

    /// Holds if the field has the value.
    pub fn equals(self, value: impl Serialize) -> Condition {
        self.compare("=", value)
    }

    /// Holds if the field has another value, or none.
    pub fn differs_from(self, value: impl Serialize) -> Condition {
        self.compare("<>", value)
    }

    /// Holds if the field is less than the value.
    pub fn less_than(self, value: impl Serialize) -> Condition {
        self.compare("<", value)
    }

    /// Holds if the field is the value or less.
    pub fn at_most(self, value: impl Serialize) -> Condition {
        self.compare("<=", value)
    }

    /// Holds if the field is greater than the value.
    pub fn greater_than(self, value: impl Serialize) -> Condition {
        self.compare(">", value)
    }

    /// Holds if the field is the value or greater.
    pub fn at_least(self, value: impl Serialize) -> Condition {
        self.compare(">=", value)
    }

    /// Holds if the field is one of both values or between them.
    pub fn between(self, from: impl Serialize, to: impl Serialize) -> Condition {
        Condition(Node::Between(self, to_value(from), to_value(to)))
    }

    /// Holds if the field is one of up to 100 values.
    pub fn is_in<V: Serialize>(self, values: impl IntoIterator<Item = V>) -> Condition {
        let values = values.into_iter().map(to_value);
        Condition(Node::In(self, values.collect()))
    }

    /// Holds if the text begins with `prefix`.
    pub fn begins_with(self, prefix: &str) -> Condition {
        Condition(Node::Call("begins_with", self, Some(to_value(prefix))))
    }

    /// Holds if the text has the value in it, or the list or set has it as an element.
    pub fn contains(self, value: impl Serialize) -> Condition {
        Condition(Node::Call("contains", self, Some(to_value(value))))
    }

    /// Holds if the item has the field. A `NULL` counts.
    pub fn exists(self) -> Condition {
        Condition(Node::Call("attribute_exists", self, None))
    }

    /// Holds if the item does not have the field.
    pub fn is_absent(self) -> Condition {
        Condition(Node::Call("attribute_not_exists", self, None))
    }

    fn compare(self, operator: &'static str, value: impl Serialize) -> Condition {
        Condition(Node::Compare(self, operator, to_value(value)))
    }

    /// Returns the attribute's name if this is a whole attribute.
    pub(crate) fn attribute(&self) -> Option<&str> {
        match self.0.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }
}

impl Condition {
    /// Holds if both hold.
    pub fn and(self, other: Self) -> Self {
        Self(Node::Both(Box::new(self.0), Box::new(other.0)))
    }

    /// Holds if one of them holds, or both.
    pub fn or(self, other: Self) -> Self {
        Self(Node::Either(Box::new(self.0), Box::new(other.0)))
    }

    /// Returns this condition together with one that may have been there before.
    pub(crate) fn after(self, before: Option<Self>) -> Self {
        match before {
            Some(before) => before.and(self),
            None => self,
        }
    }
}

impl Not for Condition {
    type Output = Self;

    fn not(self) -> Self {
        Self(Node::Not(Box::new(self.0)))
    }
}

/// Gives placeholders out: `#p0` for names, `:p0` for values. The prefix keeps them apart from those of `customize`.
#[derive(Debug, Default)]
pub(crate) struct Placeholders {
    /// The attributes that there are; empty if they are not known.
    known: &'static [&'static str],
    names: Vec<String>,
    values: Vec<AttributeValue>,
    unknown: Option<String>,
}

impl Placeholders {
    /// Gives placeholders out for expressions on items of type `I`.
    pub(crate) fn of<I: Item>() -> Self {
        Self {
            known: I::ATTRIBUTES,
            ..Self::default()
        }
    }

    pub(crate) fn field(&mut self, field: &Field) -> String {
        let attribute = field.0.first().map_or("", String::as_str);
        if !self.known.is_empty() && !self.known.contains(&attribute) {
            self.unknown.get_or_insert_with(|| attribute.to_owned());
        }
        let parts: Vec<String> = field.0.iter().map(|part| self.name(part)).collect();
        parts.join(".")
    }

    pub(crate) fn name(&mut self, name: &str) -> String {
        let known = self.names.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        format!("#p{place}")
    }

    pub(crate) fn value(&mut self, value: AttributeValue) -> String {
        self.values.push(value);
        format!(":p{}", self.values.len() - 1)
    }

    /// Returns the text of a condition.
    pub(crate) fn condition(&mut self, call: &Call, condition: Condition) -> Result<String, Error> {
        let text = self.node(condition.0);
        text.map_err(|error| Error::unwritten(call, error))
    }

    fn node(&mut self, node: Node) -> Result<String, serde_dynamo::Error> {
        Ok(match node {
            Node::Compare(field, operator, value) => {
                format!("{} {operator} {}", self.field(&field), self.value(value?))
            }
            Node::Between(field, from, to) => {
                let (field, from) = (self.field(&field), self.value(from?));
                format!("{field} BETWEEN {from} AND {}", self.value(to?))
            }
            Node::In(field, values) => {
                let field = self.field(&field);
                let values: Result<Vec<String>, _> = values
                    .into_iter()
                    .map(|value| value.map(|value| self.value(value)))
                    .collect();
                format!("{field} IN ({})", values?.join(", "))
            }
            Node::Call(function, field, None) => format!("{function}({})", self.field(&field)),
            Node::Call(function, field, Some(value)) => {
                let field = self.field(&field);
                format!("{function}({field}, {})", self.value(value?))
            }
            Node::Both(a, b) => format!("({}) AND ({})", self.node(*a)?, self.node(*b)?),
            Node::Either(a, b) => format!("({}) OR ({})", self.node(*a)?, self.node(*b)?),
            Node::Not(node) => format!("NOT ({})", self.node(*node)?),
        })
    }

    /// Gives names and values to a request's builder.
    pub(crate) fn apply<B: Expressive>(self, call: &Call, mut builder: B) -> Result<B, Error> {
        if let Some(name) = self.unknown {
            return Err(Error::UnknownAttribute {
                call: call.clone(),
                name,
                known: self.known,
            });
        }
        for (place, name) in self.names.into_iter().enumerate() {
            builder = builder.attribute_name(format!("#p{place}"), name);
        }
        for (place, value) in self.values.into_iter().enumerate() {
            builder = builder.attribute_value(format!(":p{place}"), value);
        }
        Ok(builder)
    }
}

/// A builder of the SDK that takes placeholders.
pub(crate) trait Expressive: Sized {
    fn attribute_name(self, placeholder: String, name: String) -> Self;
    fn attribute_value(self, placeholder: String, value: AttributeValue) -> Self;
}

macro_rules! expressive {
    ($($builder:path),+ $(,)?) => {$(
        impl Expressive for $builder {
            fn attribute_name(self, placeholder: String, name: String) -> Self {
                self.expression_attribute_names(placeholder, name)
            }

            fn attribute_value(self, placeholder: String, value: AttributeValue) -> Self {
                self.expression_attribute_values(placeholder, value)
            }
        }
    )+};
}

expressive!(
    aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder,
    aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder,
    aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder,
    aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder,
    aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder,
    aws_sdk_dynamodb::types::builders::ConditionCheckBuilder,
);

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call {
            operation: "PutItem",
            table: "orders".to_owned(),
        }
    }

    #[test]
    fn conditions_are_written_with_placeholders() {
        let mut placeholders = Placeholders::default();
        let condition = field("state")
            .equals("open")
            .or(field("address").member("city").begins_with("B"))
            .and(!field("count").between(1, 2))
            .and(field("state").is_in(["a", "b"]))
            .and(field("gone").is_absent());
        assert_eq!(
            placeholders.condition(&call(), condition).unwrap(),
            "((((#p0 = :p0) OR (begins_with(#p1.#p2, :p1))) AND (NOT (#p3 BETWEEN :p2 AND :p3))) AND \
             (#p0 IN (:p4, :p5))) AND (attribute_not_exists(#p4))"
        );
        assert_eq!(
            placeholders.names,
            ["state", "address", "city", "count", "gone"]
        );
    }

    #[test]
    fn a_value_that_cannot_be_written_is_told_when_it_is_sent() {
        let condition = field("total").equals(1_i128);
        let text = Placeholders::default().condition(&call(), condition);
        assert!(matches!(text, Err(Error::Write { .. })));
    }
}
