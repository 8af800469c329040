//! Reads and writes of many items, which are no transactions: each item is read or written by itself.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::marker::PhantomData;

use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemFluentBuilder;
use aws_sdk_dynamodb::operation::batch_write_item::builders::BatchWriteItemFluentBuilder;
use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest};
use provision_link::{Item, KeyText, ToKey};

use crate::backoff::Backoff;
use crate::convert::{Attributes, from_attributes, identity, to_attributes, to_key};
use crate::error::{Call, Error};
use crate::send::answer;

/// Keys in one `BatchGetItem`.
const GETS: usize = 100;
/// Items in one `BatchWriteItem`.
const WRITES: usize = 25;

type Customize<B> = Box<dyn Fn(B) -> B + Send + Sync>;

/// A read of any number of items by their keys, 100 a request. What `DynamoDB` leaves unprocessed is sent again.
#[must_use = "a request is sent by `send`"]
pub struct BatchGet<I> {
    call: Call,
    builder: BatchGetItemFluentBuilder,
    keys: Vec<(Vec<KeyText>, Attributes)>,
    is_consistent: bool,
    customize: Option<Customize<BatchGetItemFluentBuilder>>,
    of: PhantomData<fn() -> I>,
}

/// A write of any number of items, 25 a request. What `DynamoDB` leaves unprocessed is sent again.
#[must_use = "a request is sent by `send`"]
pub struct BatchWrite<I> {
    call: Call,
    builder: BatchWriteItemFluentBuilder,
    writes: Vec<(Vec<KeyText>, WriteRequest)>,
    failure: Option<Error>,
    customize: Option<Customize<BatchWriteItemFluentBuilder>>,
    of: PhantomData<fn() -> I>,
}

impl<I: Item> BatchGet<I> {
    pub(crate) fn new<K: ToKey<I::Key>>(
        call: Call,
        builder: BatchGetItemFluentBuilder,
        keys: impl IntoIterator<Item = K>,
    ) -> Self {
        let keys = keys.into_iter().map(to_key::<I, K>);
        Self {
            call,
            builder,
            keys: keys.map(|key| (identity(&I::SCHEMA, &key), key)).collect(),
            is_consistent: false,
            customize: None,
            of: PhantomData,
        }
    }

    /// Reads what all writes before have left, at twice the price of reads that may be a little older.
    pub fn consistent(self) -> Self {
        Self {
            is_consistent: true,
            ..self
        }
    }

    /// Changes each of the SDK's requests.
    pub fn customize(
        self,
        change: impl Fn(BatchGetItemFluentBuilder) -> BatchGetItemFluentBuilder + Send + Sync + 'static,
    ) -> Self {
        Self {
            customize: Some(Box::new(change)),
            ..self
        }
    }

    /// Returns the items that there are, in any order.
    ///
    /// # Errors
    ///
    /// `DynamoDB`'s, [`Error::Unprocessed`] if it goes on to leave keys unprocessed, or an item of another form.
    pub async fn send(mut self) -> Result<Vec<I>, Error> {
        // `DynamoDB` refuses a key that is there twice.
        let mut seen = HashSet::new();
        self.keys
            .retain(|(identity, _)| seen.insert(identity.clone()));
        let mut pending: VecDeque<Attributes> = self.keys.into_iter().map(|(_, key)| key).collect();
        let (mut items, mut backoff) = (Vec::new(), Backoff::default());
        while !pending.is_empty() {
            let chunk: Vec<_> = pending.drain(..pending.len().min(GETS)).collect();
            let sent = chunk.len();
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(chunk))
                .set_consistent_read(self.is_consistent.then_some(true))
                .build();
            let keys = keys.map_err(|error| Error::unwritten(&self.call, error))?;
            let mut builder = self.builder.clone().request_items(&self.call.table, keys);
            if let Some(customize) = &self.customize {
                builder = customize(builder);
            }
            let output = answer(&self.call, builder.send()).await?;
            for item in output
                .responses
                .into_iter()
                .flatten()
                .flat_map(|(_, items)| items)
            {
                items.push(from_attributes(&self.call, item)?);
            }
            let left = output.unprocessed_keys.unwrap_or_default();
            let left: Vec<_> = left.into_values().flat_map(|keys| keys.keys).collect();
            let has_progressed = left.len() < sent;
            if !left.is_empty() && !backoff.wait(has_progressed).await {
                return Err(Error::Unprocessed {
                    count: left.len() + pending.len(),
                    call: self.call,
                });
            }
            pending.extend(left);
        }
        Ok(items)
    }
}

impl<I: Item> BatchWrite<I> {
    pub(crate) fn new(call: Call, builder: BatchWriteItemFluentBuilder) -> Self {
        Self {
            call,
            builder,
            writes: Vec::new(),
            failure: None,
            customize: None,
            of: PhantomData,
        }
    }

    /// Adds a write of an item.
    pub fn put(mut self, item: &I) -> Self {
        match to_attributes(&self.call, item) {
            Ok(attributes) => {
                let identity = identity(&I::SCHEMA, &attributes);
                let put = PutRequest::builder().set_item(Some(attributes)).build();
                match put {
                    Ok(put) => {
                        self.write(identity, WriteRequest::builder().put_request(put).build());
                    }
                    Err(error) => self.fail(error),
                }
            }
            Err(error) => self.failure = self.failure.or(Some(error)),
        }
        self
    }

    /// Adds writes of items.
    pub fn put_all<'a>(self, items: impl IntoIterator<Item = &'a I>) -> Self
    where
        I: 'a,
    {
        items.into_iter().fold(self, Self::put)
    }

    /// Adds a deletion.
    pub fn delete(mut self, key: impl ToKey<I::Key>) -> Self {
        let key = to_key::<I, _>(key);
        let identity = identity(&I::SCHEMA, &key);
        match DeleteRequest::builder().set_key(Some(key)).build() {
            Ok(delete) => self.write(
                identity,
                WriteRequest::builder().delete_request(delete).build(),
            ),
            Err(error) => self.fail(error),
        }
        self
    }

    /// Adds deletions.
    pub fn delete_all<K: ToKey<I::Key>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        keys.into_iter().fold(self, Self::delete)
    }

    /// Changes each of the SDK's requests.
    pub fn customize(
        self,
        change: impl Fn(BatchWriteItemFluentBuilder) -> BatchWriteItemFluentBuilder
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            customize: Some(Box::new(change)),
            ..self
        }
    }

    /// Makes all writes, in any order. Of two writes to one key only the last is made.
    ///
    /// # Errors
    ///
    /// `DynamoDB`'s, [`Error::Unprocessed`] if it goes on to leave items unprocessed, or a value that cannot be written. What was
    /// written before stays.
    pub async fn send(self) -> Result<(), Error> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let mut pending: VecDeque<WriteRequest> = last_of_each_key(self.writes).into();
        let mut backoff = Backoff::default();
        while !pending.is_empty() {
            let chunk: Vec<_> = pending.drain(..pending.len().min(WRITES)).collect();
            let sent = chunk.len();
            let mut builder = self.builder.clone().request_items(&self.call.table, chunk);
            if let Some(customize) = &self.customize {
                builder = customize(builder);
            }
            let output = answer(&self.call, builder.send()).await?;
            let left = output.unprocessed_items.unwrap_or_default();
            let left: Vec<_> = left.into_values().flatten().collect();
            let has_progressed = left.len() < sent;
            if !left.is_empty() && !backoff.wait(has_progressed).await {
                return Err(Error::Unprocessed {
                    count: left.len() + pending.len(),
                    call: self.call,
                });
            }
            pending.extend(left);
        }
        Ok(())
    }

    fn write(&mut self, identity: Vec<KeyText>, write: WriteRequest) {
        self.writes.push((identity, write));
    }

    fn fail(&mut self, error: impl std::error::Error + Send + Sync + 'static) {
        let error = Error::unwritten(&self.call, error);
        self.failure.get_or_insert(error);
    }
}

/// Returns the last write to each key. `DynamoDB` refuses two in one request.
fn last_of_each_key(writes: Vec<(Vec<KeyText>, WriteRequest)>) -> Vec<WriteRequest> {
    let mut seen = HashSet::new();
    let last = writes.into_iter().rev();
    let mut last: Vec<_> = last
        .filter_map(|(key, write)| seen.insert(key).then_some(write))
        .collect();
    last.reverse();
    last
}

impl<I> fmt::Debug for BatchGet<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchGet")
            .field("call", &self.call)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl<I> fmt::Debug for BatchWrite<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWrite")
            .field("call", &self.call)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}
