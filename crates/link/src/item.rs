//! Items of tables, their keys and indexes.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// An item of a table: `#[derive(Item)]` on a struct with a `#[partition_key]`.
///
/// - `#[partition_key]` on one field, and `#[sort_key]` on at most one;
/// - `#[index("name")]` on a field that is the partition key of an index, with `sort = "field"` for its sort key: the constant
///   `NAME` of the struct is the index;
/// - `#[ttl]` on a field with the time, in seconds since 1970, after which DynamoDB deletes the item.
///
/// Attributes have the names that serde gives them.
pub trait Item: Serialize + DeserializeOwned {
    /// The partition key's type.
    type Partition: KeyValue;
    /// The whole key: the partition key, or a pair of it and the sort key.
    type Key;
    /// The table's keys, indexes and time to live.
    const SCHEMA: Schema;
    /// The names of all attributes; empty if they are not known.
    const ATTRIBUTES: &'static [&'static str] = &[];

    /// Returns the attributes of a key.
    fn key_attributes(key: &Self::Key) -> Vec<(&'static str, KeyText)>;
}

/// An item with a `#[sort_key]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no sort key",
    label = "its items cannot be asked for by the sort key",
    note = "mark a field of `{Self}` with `#[sort_key]`"
)]
pub trait Sorted: Item {
    /// The sort key's type.
    type Sort: KeyValue;
    /// The sort key's attribute.
    const SORT: &'static str;
}

/// A value that can be a key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    note = "DynamoDB's keys are texts, whole numbers or bytes"
)]
pub trait KeyValue {
    /// `S`, `N` or `B`.
    const TYPE: &'static str;

    /// Returns the value, as DynamoDB takes it.
    fn to_key(&self) -> KeyText;
}

/// The value of a key attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyText {
    /// A text.
    S(String),
    /// A number in decimals.
    N(String),
    /// Bytes.
    B(Vec<u8>),
}

/// A number of seconds since 1970, by which DynamoDB deletes an item some time after (AWS: "Using time to live"). A type of one's own
/// that is serialised as such a number can have it as well.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a time to live: DynamoDB takes a number of seconds since 1970",
    label = "no number of seconds",
    note = "take `u64`, or an `Option` of it; of a type that is serialised as such a number: `impl provision::link::TimeToLive for {Self} {{}}`"
)]
pub trait TimeToLive {}

impl TimeToLive for u32 {}
impl TimeToLive for u64 {}
impl TimeToLive for i64 {}
impl<T: TimeToLive> TimeToLive for Option<T> {}

impl KeyValue for String {
    const TYPE: &'static str = "S";

    fn to_key(&self) -> KeyText {
        KeyText::S(self.clone())
    }
}

impl KeyValue for Vec<u8> {
    const TYPE: &'static str = "B";

    fn to_key(&self) -> KeyText {
        KeyText::B(self.clone())
    }
}

macro_rules! numbers {
    ($($kind:ty),+) => {$(
        impl KeyValue for $kind {
            const TYPE: &'static str = "N";

            fn to_key(&self) -> KeyText {
                KeyText::N(self.to_string())
            }
        }
    )+};
}

numbers!(u8, u16, u32, u64, i8, i16, i32, i64);

/// A value that can be given for a key of type `K`: the key itself, a reference to it, a `&str` for a `String`, or a pair of them
/// for a partition key and a sort key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key of type `{K}`",
    label = "another type than the key's",
    note = "the key of an item with a `#[sort_key]` is a pair: `(partition, sort)`"
)]
pub trait ToKey<K> {
    /// Returns the values of the key's attributes: of the partition key, and of the sort key in a pair.
    fn into_key_texts(self) -> Vec<KeyText>;
}

#[diagnostic::do_not_recommend]
impl<K: KeyValue> ToKey<K> for K {
    fn into_key_texts(self) -> Vec<KeyText> {
        vec![self.to_key()]
    }
}

#[diagnostic::do_not_recommend]
impl<K: KeyValue> ToKey<K> for &K {
    fn into_key_texts(self) -> Vec<KeyText> {
        vec![self.to_key()]
    }
}

#[diagnostic::do_not_recommend]
impl ToKey<String> for &str {
    fn into_key_texts(self) -> Vec<KeyText> {
        vec![KeyText::S(self.to_owned())]
    }
}

#[diagnostic::do_not_recommend]
impl ToKey<String> for &&str {
    fn into_key_texts(self) -> Vec<KeyText> {
        (*self).into_key_texts()
    }
}

#[diagnostic::do_not_recommend]
impl ToKey<Vec<u8>> for &[u8] {
    fn into_key_texts(self) -> Vec<KeyText> {
        vec![KeyText::B(self.to_vec())]
    }
}

#[diagnostic::do_not_recommend]
impl<P, S, A: ToKey<P>, B: ToKey<S>> ToKey<(P, S)> for (A, B) {
    fn into_key_texts(self) -> Vec<KeyText> {
        [self.0.into_key_texts(), self.1.into_key_texts()].concat()
    }
}

#[diagnostic::do_not_recommend]
impl<'a, P, S, A, B> ToKey<(P, S)> for &'a (A, B)
where
    &'a A: ToKey<P>,
    &'a B: ToKey<S>,
{
    fn into_key_texts(self) -> Vec<KeyText> {
        (&self.0, &self.1).into_key_texts()
    }
}

/// The keys, indexes and time to live of a table.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The partition key.
    pub partition: Attribute,
    /// The sort key.
    pub sort: Option<Attribute>,
    /// The global secondary indexes; each has all attributes.
    pub indexes: &'static [IndexSchema],
    /// The attribute with the time after which DynamoDB deletes an item.
    pub ttl: Option<&'static str>,
}

/// A global secondary index.
#[derive(Clone, Copy, Debug)]
pub struct IndexSchema {
    /// The index's name.
    pub name: &'static str,
    /// Its partition key.
    pub partition: Attribute,
    /// Its sort key.
    pub sort: Option<Attribute>,
}

/// A key attribute.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// The attribute's name.
    pub name: &'static str,
    /// `S`, `N` or `B`.
    pub kind: &'static str,
}

impl Attribute {
    /// An attribute of the type that `K` has as a key.
    pub const fn of<K: KeyValue>(name: &'static str) -> Self {
        Self {
            name,
            kind: K::TYPE,
        }
    }
}

/// An index of the table of `I` by a key of type `K`: a constant that `#[index("name")]` makes.
#[derive(Debug)]
pub struct Index<I, K> {
    /// The index's schema.
    pub schema: IndexSchema,
    of: PhantomData<fn() -> (I, K)>,
}

/// An index with a sort key of type `S`: a constant that `#[index("name", sort = "field")]` makes.
#[derive(Debug)]
pub struct SortedIndex<I, K, S> {
    /// The same index without its sort key.
    pub index: Index<I, K>,
    of: PhantomData<fn() -> S>,
}

impl<I, K> Index<I, K> {
    #[doc(hidden)]
    pub const fn new(schema: IndexSchema) -> Self {
        Self {
            schema,
            of: PhantomData,
        }
    }
}

impl<I, K, S> SortedIndex<I, K, S> {
    #[doc(hidden)]
    pub const fn new(schema: IndexSchema) -> Self {
        Self {
            index: Index::new(schema),
            of: PhantomData,
        }
    }
}

impl<I, K> Clone for Index<I, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, K> Copy for Index<I, K> {}

impl<I, K, S> Clone for SortedIndex<I, K, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, K, S> Copy for SortedIndex<I, K, S> {}

impl<I, K, S> From<SortedIndex<I, K, S>> for Index<I, K> {
    fn from(sorted: SortedIndex<I, K, S>) -> Self {
        sorted.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<K>(key: impl ToKey<K>) -> Vec<KeyText> {
        key.into_key_texts()
    }

    #[test]
    fn keys_are_given_in_any_form() {
        let pair = [KeyText::S("ada".to_owned()), KeyText::N("7".to_owned())];
        let (ada, seven) = pair.split_at(1);
        assert_eq!(texts::<String>("ada"), ada);
        assert_eq!(texts::<String>("ada".to_owned()), ada);
        assert_eq!(texts::<u64>(7), seven);
        assert_eq!(texts::<(String, u64)>(("ada", 7)), pair);
        assert_eq!(texts::<(String, u64)>(&("ada", 7)), pair);
        assert_eq!(texts::<(String, u64)>(&("ada".to_owned(), 7)), pair);
        assert_eq!(texts::<Vec<u8>>(&[1_u8][..]), [KeyText::B(vec![1])]);
    }
}
