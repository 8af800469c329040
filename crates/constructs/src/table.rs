//! A DynamoDB table.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use provision_aws::arn::Arn;
use provision_aws::dynamodb::{self, Attribute, Key};
use provision_aws::handles::TableHandle as _;
use provision_engine::input::{Handle, Input};
use provision_engine::stack::{Construct, Stack};
use provision_link::{self as link, IndexSchema, Item, Operations};
use serde_json::json;

use crate::{Grant, name_on_aws};

/// Items that no Rust type describes.
#[derive(Debug)]
pub enum Untyped {}

/// What is known of a table's items: an [`Item`]'s schema, or nothing.
pub trait Described {
    /// Returns the names of the indexes.
    fn indexes() -> impl Iterator<Item = &'static str>;
}

impl Described for Untyped {
    fn indexes() -> impl Iterator<Item = &'static str> {
        std::iter::empty()
    }
}

impl<I: Item> Described for I {
    fn indexes() -> impl Iterator<Item = &'static str> {
        Self::SCHEMA.indexes.iter().map(|index| index.name)
    }
}

/// A DynamoDB table, paid by request: one resource under the construct's id.
///
/// With an [`Item`], its keys, indexes and time to live follow from the type.
#[must_use = "`Stack::add` declares it"]
#[derive(Debug)]
pub struct Table<I = Untyped> {
    name: Option<String>,
    key: Key,
    indexes: BTreeMap<String, Key>,
    ttl: Option<String>,
    is_protected: bool,
    is_recoverable: bool,
    item: PhantomData<fn() -> I>,
}

named!(Table<I>);

impl Table {
    /// A table with a partition key of texts.
    pub fn with_key(partition: &str) -> Self {
        Self::new(Key {
            partition: Attribute::string(partition),
            sort: None,
        })
    }

    /// A table with this key.
    pub fn with_keys(key: Key) -> Self {
        Self::new(key)
    }

    /// A table of items of type `I`.
    pub fn of<I: Item>() -> Table<I> {
        let schema = I::SCHEMA;
        let mut table = Table::new(key_of(schema.partition, schema.sort));
        table.ttl = schema.ttl.map(str::to_owned);
        for index in schema.indexes {
            let IndexSchema {
                name,
                partition,
                sort,
            } = *index;
            table
                .indexes
                .insert(name.to_owned(), key_of(partition, sort));
        }
        table
    }

    /// Lets DynamoDB delete an item some time after the time, in seconds since 1970, in `attribute`.
    pub fn ttl(self, attribute: &str) -> Self {
        Self {
            ttl: Some(attribute.to_owned()),
            ..self
        }
    }

    /// Adds a global secondary index with all attributes.
    pub fn index(mut self, name: &str, key: Key) -> Self {
        self.indexes.insert(name.to_owned(), key);
        self
    }
}

fn key_of(partition: link::Attribute, sort: Option<link::Attribute>) -> Key {
    let attribute = |found: link::Attribute| Attribute {
        name: found.name.to_owned(),
        kind: found.kind.to_owned(),
    };
    Key {
        partition: attribute(partition),
        sort: sort.map(attribute),
    }
}

impl<I: Described> Table<I> {
    /// A table that exists already, by its ARN. Functions can be linked to it and granted rights on it; it is never created,
    /// changed or deleted. Of items that no type describes: `let audit: TableHandle = Table::existing(arn)`.
    pub fn existing(arn: &str) -> TableHandle<I> {
        let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
        TableHandle::of_existing(name, Input::Known(arn.to_owned()))
    }

    /// The same by its name, in the account and region that is deployed to.
    pub fn existing_named(name: &str) -> TableHandle<I> {
        let arn = json!({ "$join": [
            "arn:", { "$ref": "aws.partition" }, ":dynamodb:", { "$ref": "aws.region" }, ":",
            { "$ref": "aws.account" }, ":table/", name,
        ]});
        let arn = serde_json::from_value(arn).expect("a join is an input");
        TableHandle::of_existing(name.to_owned(), arn)
    }
}

impl<I> Table<I> {
    fn new(key: Key) -> Self {
        Self {
            name: None,
            key,
            indexes: BTreeMap::new(),
            ttl: None,
            is_protected: false,
            is_recoverable: false,
            item: PhantomData,
        }
    }

    /// Lets AWS refuse to delete it.
    pub fn protected(self, is_protected: bool) -> Self {
        Self {
            is_protected,
            ..self
        }
    }

    /// Keeps what the table can be restored from to any second of the last 35 days.
    pub fn point_in_time_recovery(self, is_recoverable: bool) -> Self {
        Self {
            is_recoverable,
            ..self
        }
    }

    /// Sets what a table with data that must not be lost has: protection against deletion, and point-in-time recovery.
    pub fn for_production(self, is_production: bool) -> Self {
        self.protected(is_production)
            .point_in_time_recovery(is_production)
    }
}

impl<I> Construct for Table<I> {
    type Handle = TableHandle<I>;

    fn declare(self, id: &str, stack: &mut Stack) -> TableHandle<I> {
        let indexes: Vec<String> = self.indexes.keys().cloned().collect();
        let mut table = dynamodb::Table::on_demand(name_on_aws(self.name, id, stack), "");
        table.key = self.key;
        table.indexes = self.indexes;
        table.deletion_protection = self.is_protected;
        table.ttl = self.ttl;
        table.point_in_time_recovery = self.is_recoverable;
        TableHandle {
            table: stack.add(id, table),
            indexes,
            item: PhantomData,
        }
    }
}

/// A table that is in the stack, or exists already.
#[derive(Debug)]
pub struct TableHandle<I = Untyped> {
    /// The resource.
    pub table: Handle<dynamodb::Table>,
    indexes: Vec<String>,
    item: PhantomData<fn() -> I>,
}

impl<I> Clone for TableHandle<I> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            indexes: self.indexes.clone(),
            item: PhantomData,
        }
    }
}

impl<I> TableHandle<I> {
    /// Returns its name.
    pub fn name(&self) -> Input<String> {
        self.table.name()
    }

    /// Returns its ARN.
    pub fn arn(&self) -> Input<Arn> {
        self.table.arn()
    }

    /// Returns the rights to call the operations `P`: `table.grant::<(GetItem, PutItem)>()`. `Query` and `Scan` include the
    /// declared indexes.
    pub fn grant<P: Operations>(&self) -> Grant {
        let table = Grant::new(P::PERMISSIONS.iter().map(|one| one.action), [self.arn()]);
        let on_indexes = P::PERMISSIONS.iter().filter(|one| one.on_indexes);
        let on_indexes: Vec<&str> = on_indexes.map(|one| one.action).collect();
        if on_indexes.is_empty() || self.indexes.is_empty() {
            return table;
        }
        let indexes = self.indexes.iter();
        let indexes = indexes.map(|index| self.arn().join::<Arn>(&format!("/index/{index}")));
        table.and(Grant::new(on_indexes, indexes))
    }
}

impl<I: Described> TableHandle<I> {
    fn of_existing(name: String, arn: Input<String>) -> Self {
        Self {
            table: Handle::existing([("name", Input::Known(name)), ("arn", arn)]),
            indexes: I::indexes().map(str::to_owned).collect(),
            item: PhantomData,
        }
    }
}

impl<I: Item> TableHandle<I> {
    /// Returns the link for a function's struct of links, whose field says which operations it grants.
    pub fn link<P: Operations>(&self) -> link::Table<I, P> {
        link::Table::to(self.name().to_value(), self.arn().to_value())
    }
}
