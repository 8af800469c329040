//! The typed operations on a linked table.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use provision_link::{
    Allows, BatchGetItem, BatchWriteItem, DeleteItem, GetItem, Index, IndexSchema, Item, PutItem,
    Scan as ScanOperation, SortedIndex, Table, ToKey, TransactGetItems, TransactWriteItems,
    UpdateItem,
};

use crate::batch::{BatchGet, BatchWrite};
use crate::convert::{to_attributes, to_key};
use crate::error::Call;
use crate::get::Get;
use crate::query::{Primary, Query, Scan};
use crate::sort::single;
use crate::transaction::{Check, TransactGet, TransactWrite};
use crate::write::{Delete, Put, Update};

/// The operations of a link to a table.
pub trait TableExt<I, P> {
    /// Returns the typed operations on the linked table.
    fn on(&self, client: &Client) -> TableClient<I, P>;
}

impl<I, P> TableExt<I, P> for Table<I, P> {
    fn on(&self, client: &Client) -> TableClient<I, P> {
        TableClient {
            client: client.clone(),
            name: self.name().into(),
            of: PhantomData,
        }
    }
}

/// A table of `I` on which the operations `P` are granted. Clones are cheap, and share the client's connections.
///
/// Each method returns a request, which is sent by its `send`. A key is what [`ToKey`] takes: `"ada"` for a partition key of the type
/// `String`, `("ada", 7)` for one with a sort key.
pub struct TableClient<I, P> {
    client: Client,
    name: Arc<str>,
    of: PhantomData<fn() -> (I, P)>,
}

/// An index of the table of `I`: a constant that `#[index("name")]` makes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an index of the table of `{I}`",
    label = "not an index of this table",
    note = "an index is a constant of the item's struct, made by `#[index(\"name\")]` on one of its fields"
)]
pub trait IndexKey<I> {
    /// The type of the index's partition key.
    type Key;

    #[doc(hidden)]
    fn schema(&self) -> IndexSchema;
}

#[diagnostic::do_not_recommend]
impl<I, K> IndexKey<I> for Index<I, K> {
    type Key = K;

    fn schema(&self) -> IndexSchema {
        self.schema
    }
}

#[diagnostic::do_not_recommend]
impl<I, K, S> IndexKey<I> for SortedIndex<I, K, S> {
    type Key = K;

    fn schema(&self) -> IndexSchema {
        self.index.schema
    }
}

impl<I, P> TableClient<I, P> {
    /// Returns the table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the SDK's client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn call(&self, operation: &'static str) -> Call {
        Call {
            operation,
            table: self.name().to_owned(),
        }
    }
}

impl<I: Item, P> TableClient<I, P> {
    /// Reads the item with this key.
    pub fn get<At>(&self, key: impl ToKey<I::Key>) -> Get<I>
    where
        P: Allows<GetItem, At>,
    {
        let builder = self.client.get_item().table_name(self.name());
        let builder = builder.set_key(Some(to_key::<I, _>(key)));
        Get::new(self.call("GetItem"), builder)
    }

    /// Writes the item, in place of the one with the same key.
    pub fn put<At>(&self, item: &I) -> Put<I>
    where
        P: Allows<PutItem, At>,
    {
        let call = self.call("PutItem");
        let builder = self.client.put_item().table_name(self.name());
        let item = to_attributes(&call, item);
        Put::new(call, builder, item)
    }

    /// Changes attributes of the item with this key.
    pub fn update<At>(&self, key: impl ToKey<I::Key>) -> Update<I>
    where
        P: Allows<UpdateItem, At>,
    {
        let builder = self.client.update_item().table_name(self.name());
        let builder = builder.set_key(Some(to_key::<I, _>(key)));
        Update::new(self.call("UpdateItem"), builder)
    }

    /// Deletes the item with this key.
    pub fn delete<At>(&self, key: impl ToKey<I::Key>) -> Delete<I>
    where
        P: Allows<DeleteItem, At>,
    {
        let builder = self.client.delete_item().table_name(self.name());
        let builder = builder.set_key(Some(to_key::<I, _>(key)));
        Delete::new(self.call("DeleteItem"), builder)
    }

    /// Reads the items with this partition key.
    pub fn query<At>(&self, partition: impl ToKey<I::Partition>) -> Query<I, Primary>
    where
        P: Allows<provision_link::Query, At>,
    {
        let builder = self.client.query().table_name(self.name());
        let partition = (I::SCHEMA.partition.name, single(partition));
        Query::new(self.call("Query"), builder, partition, Primary)
    }

    /// Reads the items with this partition key of an index: `query_index(Order::BY_DAY, "2026-11-27")`.
    pub fn query_index<X: IndexKey<I>, At>(&self, index: X, key: impl ToKey<X::Key>) -> Query<I, X>
    where
        P: Allows<provision_link::Query, At>,
    {
        let schema = index.schema();
        let builder = self.client.query().table_name(self.name());
        let builder = builder.index_name(schema.name);
        let partition = (schema.partition.name, single(key));
        Query::new(self.call("Query"), builder, partition, index)
    }

    /// Reads all items.
    pub fn scan<At>(&self) -> Scan<I>
    where
        P: Allows<ScanOperation, At>,
    {
        let builder = self.client.scan().table_name(self.name());
        Scan::new(self.call("Scan"), builder)
    }

    /// Reads the items with these keys, any number of them.
    pub fn batch_get<K: ToKey<I::Key>, At>(&self, keys: impl IntoIterator<Item = K>) -> BatchGet<I>
    where
        P: Allows<BatchGetItem, At>,
    {
        BatchGet::new(
            self.call("BatchGetItem"),
            self.client.batch_get_item(),
            keys,
        )
    }

    /// Writes and deletes items, any number of them, each by itself.
    pub fn batch_write<At>(&self) -> BatchWrite<I>
    where
        P: Allows<BatchWriteItem, At>,
    {
        BatchWrite::new(self.call("BatchWriteItem"), self.client.batch_write_item())
    }

    /// Begins a transaction of writes, to which [`with`](TransactWrite::with) adds those of this table and of others.
    pub fn transact<At>(&self) -> TransactWrite
    where
        P: Allows<TransactWriteItems, At>,
    {
        let call = self.call("TransactWriteItems");
        TransactWrite::new(call, self.client.transact_write_items())
    }

    /// Demands in a transaction that this item exists.
    pub fn check<At>(&self, key: impl ToKey<I::Key>) -> Check<I>
    where
        P: Allows<TransactWriteItems, At>,
    {
        Check::new(self.call("ConditionCheck"), key)
    }

    /// Reads the items with these keys at one moment; [`and`](TransactGet::and) reads those of another table with them.
    pub fn transact_get<K: ToKey<I::Key>, At>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> TransactGet<Vec<Option<I>>>
    where
        I: 'static,
        P: Allows<TransactGetItems, At>,
    {
        let call = self.call("TransactGetItems");
        TransactGet::new(call, self.client.transact_get_items(), keys)
    }
}

impl<I, P> Clone for TableClient<I, P> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            name: Arc::clone(&self.name),
            of: PhantomData,
        }
    }
}

impl<I, P> fmt::Debug for TableClient<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableClient")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
