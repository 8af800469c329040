//! Conditions on the sort key of a query: a range (`a..=b`, `a..`, `..b`, `..=b`), or one of these functions.

use std::ops::{RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};

use aws_sdk_dynamodb::types::AttributeValue;
use provision_link::ToKey;

use crate::convert::key_value;
use crate::expression::Placeholders;

/// A condition on a sort key of type `S`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a condition on a sort key of type `{S}`",
    label = "not a condition on this sort key",
    note = "use `a..=b`, `a..`, `..b`, `..=b`, or `sort::equals`, `sort::above` and `sort::prefix`; `DynamoDB` has no `a..b`"
)]
pub trait SortCondition<S> {
    #[doc(hidden)]
    fn into_bound(self) -> Bound;
}

#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum Bound {
    /// An operator and its value.
    Compare(&'static str, AttributeValue),
    Between(AttributeValue, AttributeValue),
    Prefix(AttributeValue),
}

/// Only the items with this sort key.
#[derive(Clone, Debug)]
pub struct Equals<A>(A);

/// Only the items with a greater sort key.
#[derive(Clone, Debug)]
pub struct Above<A>(A);

/// Only the items whose sort key begins with this text.
#[derive(Clone, Debug)]
pub struct Prefix(String);

/// The sort key is `value`.
pub fn equals<A>(value: A) -> Equals<A> {
    Equals(value)
}

/// The sort key is greater than `value`.
pub fn above<A>(value: A) -> Above<A> {
    Above(value)
}

/// The sort key, a text, begins with `text`.
pub fn prefix(text: &str) -> Prefix {
    Prefix(text.to_owned())
}

impl Bound {
    /// Returns the text of the condition on the attribute `name`.
    pub(crate) fn write(self, name: &str, placeholders: &mut Placeholders) -> String {
        let name = placeholders.name(name);
        match self {
            Self::Compare(operator, value) => {
                format!("{name} {operator} {}", placeholders.value(value))
            }
            Self::Between(from, to) => {
                let from = placeholders.value(from);
                format!("{name} BETWEEN {from} AND {}", placeholders.value(to))
            }
            Self::Prefix(text) => format!("begins_with({name}, {})", placeholders.value(text)),
        }
    }
}

/// Returns the value of one key attribute.
pub(crate) fn single<K>(key: impl ToKey<K>) -> AttributeValue {
    let texts = key.into_key_texts();
    let first = texts.into_iter().next();
    first.map_or(AttributeValue::Null(true), key_value)
}

macro_rules! comparisons {
    ($($condition:ident => |$it:ident| $value:expr, $operator:literal;)+) => {$(
        #[diagnostic::do_not_recommend]
        impl<S, A: ToKey<S>> SortCondition<S> for $condition<A> {
            fn into_bound(self) -> Bound {
                let $it = self;
                Bound::Compare($operator, single($value))
            }
        }
    )+};
}

comparisons!(
    Equals => |it| it.0, "=";
    Above => |it| it.0, ">";
    RangeFrom => |it| it.start, ">=";
    RangeTo => |it| it.end, "<";
    RangeToInclusive => |it| it.end, "<=";
);

#[diagnostic::do_not_recommend]
impl<S, A: ToKey<S>> SortCondition<S> for RangeInclusive<A> {
    fn into_bound(self) -> Bound {
        let (from, to) = self.into_inner();
        Bound::Between(single(from), single(to))
    }
}

#[diagnostic::do_not_recommend]
impl SortCondition<String> for Prefix {
    fn into_bound(self) -> Bound {
        Bound::Prefix(AttributeValue::S(self.0))
    }
}
