//! Transactions: up to 100 writes, or up to 100 reads, of any tables, all or none.

use std::fmt;
use std::marker::PhantomData;

use aws_sdk_dynamodb::operation::transact_get_items::builders::TransactGetItemsFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsFluentBuilder;
use aws_sdk_dynamodb::types::builders::ConditionCheckBuilder;
use aws_sdk_dynamodb::types::{self, ConditionCheck, TransactGetItem, TransactWriteItem};
use provision_link::{Item, ToKey};

use crate::convert::{Attributes, from_attributes, to_key};
use crate::error::{Call, Error};
use crate::expression::{Condition, Placeholders, field};
use crate::send::answer;
use crate::write::{Delete, Put, Update};

/// Writes of which all are made or none.
#[must_use = "a request is sent by `send`"]
#[derive(Debug)]
pub struct TransactWrite {
    call: Call,
    builder: TransactWriteItemsFluentBuilder,
    failure: Option<Error>,
}

/// A condition on an item that a transaction does not write.
#[must_use = "a check is part of a transaction"]
#[derive(Debug)]
pub struct Check<I> {
    call: Call,
    key: Attributes,
    condition: Condition,
    of: PhantomData<fn() -> I>,
}

/// A part of a [`TransactWrite`]: a [`Put`], an [`Update`], a [`Delete`] or a [`Check`].
pub trait InTransaction {
    #[doc(hidden)]
    fn into_part(self) -> Result<TransactWriteItem, Error>;
}

impl TransactWrite {
    pub(crate) fn new(call: Call, builder: TransactWriteItemsFluentBuilder) -> Self {
        Self {
            call,
            builder,
            failure: None,
        }
    }

    /// Adds a write or a check, of this table or another one: the requests that [`TableClient`](crate::TableClient)'s methods return.
    pub fn with(mut self, part: impl InTransaction) -> Self {
        match part.into_part() {
            Ok(part) => self.customize(|request| request.transact_items(part)),
            Err(error) => {
                self.failure.get_or_insert(error);
                self
            }
        }
    }

    /// Changes the SDK's request.
    pub fn customize(
        self,
        change: impl FnOnce(TransactWriteItemsFluentBuilder) -> TransactWriteItemsFluentBuilder,
    ) -> Self {
        Self {
            builder: change(self.builder),
            ..self
        }
    }

    /// Makes all writes, or none. The SDK's own repeats are made once by `DynamoDB`.
    ///
    /// # Errors
    ///
    /// [`Error::TransactionCancelled`] with the reasons, `DynamoDB`'s others, or a value that cannot be written.
    pub async fn send(self) -> Result<(), Error> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        answer(&self.call, self.builder.send()).await.map(drop)
    }
}

impl<I: Item> Check<I> {
    pub(crate) fn new(call: Call, key: impl ToKey<I::Key>) -> Self {
        Self {
            call,
            key: to_key::<I, _>(key),
            condition: field(I::SCHEMA.partition.name).exists(),
            of: PhantomData,
        }
    }

    /// Demands that the item exists and the condition holds. Without a condition, that the item exists.
    pub fn condition(self, condition: Condition) -> Self {
        Self {
            condition: self.condition.and(condition),
            ..self
        }
    }

    /// Demands that there is no such item.
    pub fn is_absent(self) -> Self {
        Self {
            condition: field(I::SCHEMA.partition.name).is_absent(),
            ..self
        }
    }
}

impl<I: Item> InTransaction for Put<I> {
    fn into_part(self) -> Result<TransactWriteItem, Error> {
        let (call, builder) = self.finish()?;
        let put = types::Put::builder()
            .set_table_name(builder.get_table_name().clone())
            .set_item(builder.get_item().clone())
            .set_condition_expression(builder.get_condition_expression().clone())
            .set_expression_attribute_names(builder.get_expression_attribute_names().clone())
            .set_expression_attribute_values(builder.get_expression_attribute_values().clone())
            .build();
        let put = put.map_err(|error| Error::unwritten(&call, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

impl<I: Item> InTransaction for Update<I> {
    fn into_part(self) -> Result<TransactWriteItem, Error> {
        let (call, builder) = self.finish()?;
        let update = types::Update::builder()
            .set_table_name(builder.get_table_name().clone())
            .set_key(builder.get_key().clone())
            .set_update_expression(builder.get_update_expression().clone())
            .set_condition_expression(builder.get_condition_expression().clone())
            .set_expression_attribute_names(builder.get_expression_attribute_names().clone())
            .set_expression_attribute_values(builder.get_expression_attribute_values().clone())
            .build();
        let update = update.map_err(|error| Error::unwritten(&call, error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

impl<I: Item> InTransaction for Delete<I> {
    fn into_part(self) -> Result<TransactWriteItem, Error> {
        let (call, builder) = self.finish()?;
        let delete = types::Delete::builder()
            .set_table_name(builder.get_table_name().clone())
            .set_key(builder.get_key().clone())
            .set_condition_expression(builder.get_condition_expression().clone())
            .set_expression_attribute_names(builder.get_expression_attribute_names().clone())
            .set_expression_attribute_values(builder.get_expression_attribute_values().clone())
            .build();
        let delete = delete.map_err(|error| Error::unwritten(&call, error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

impl<I: Item> InTransaction for Check<I> {
    fn into_part(self) -> Result<TransactWriteItem, Error> {
        let mut placeholders = Placeholders::of::<I>();
        let condition = placeholders.condition(&self.call, self.condition)?;
        let builder: ConditionCheckBuilder = ConditionCheck::builder()
            .table_name(&self.call.table)
            .set_key(Some(self.key))
            .condition_expression(condition);
        let check = placeholders.apply(&self.call, builder)?.build();
        let check = check.map_err(|error| Error::unwritten(&self.call, error))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}

type Read<T> =
    Box<dyn FnOnce(&mut dyn Iterator<Item = Option<Attributes>>) -> Result<T, Error> + Send>;

/// Reads of items as they are at one moment. `T` has the items that there are, in the order of the keys: `Vec<Option<I>>`, or a
/// pair of such results where tables are read together.
#[must_use = "a request is sent by `send`"]
pub struct TransactGet<T> {
    call: Call,
    builder: TransactGetItemsFluentBuilder,
    gets: Vec<TransactGetItem>,
    failure: Option<Error>,
    read: Read<T>,
}

impl<I: Item + 'static> TransactGet<Vec<Option<I>>> {
    pub(crate) fn new<K: ToKey<I::Key>>(
        call: Call,
        builder: TransactGetItemsFluentBuilder,
        keys: impl IntoIterator<Item = K>,
    ) -> Self {
        let (mut gets, mut failure) = (Vec::new(), None);
        for key in keys {
            let get = types::Get::builder()
                .table_name(&call.table)
                .set_key(Some(to_key::<I, _>(key)));
            match get.build() {
                Ok(get) => gets.push(TransactGetItem::builder().get(get).build()),
                Err(error) => failure = Some(Error::unwritten(&call, error)),
            }
        }
        let (count, asked) = (gets.len(), call.clone());
        let read: Read<Vec<Option<I>>> = Box::new(move |answers| {
            let answers = answers.take(count);
            let read = |answer: Option<Attributes>| {
                let item = answer.map(|item| from_attributes(&asked, item));
                item.transpose()
            };
            answers.map(read).collect()
        });
        Self {
            call,
            builder,
            gets,
            failure,
            read,
        }
    }
}

impl<T: 'static> TransactGet<T> {
    /// Reads this and `other` at the same moment.
    pub fn and<U: 'static>(self, other: TransactGet<U>) -> TransactGet<(T, U)> {
        let (first, second) = (self.read, other.read);
        TransactGet {
            call: self.call,
            builder: self.builder,
            gets: [self.gets, other.gets].concat(),
            failure: self.failure.or(other.failure),
            read: Box::new(move |answers| Ok((first(answers)?, second(answers)?))),
        }
    }

    /// Changes the SDK's request.
    pub fn customize(
        self,
        change: impl FnOnce(TransactGetItemsFluentBuilder) -> TransactGetItemsFluentBuilder,
    ) -> Self {
        Self {
            builder: change(self.builder),
            ..self
        }
    }

    /// Returns the items.
    ///
    /// # Errors
    ///
    /// [`Error::TransactionCancelled`] if a write was under way, `DynamoDB`'s others, or an item of another form.
    pub async fn send(self) -> Result<T, Error> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let builder = self.builder.set_transact_items(Some(self.gets));
        let output = answer(&self.call, builder.send()).await?;
        let answers = output.responses.unwrap_or_default().into_iter();
        let mut answers = answers.map(|answer| answer.item.filter(|item| !item.is_empty()));
        (self.read)(&mut answers)
    }
}

impl<T> fmt::Debug for TransactGet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactGet")
            .field("call", &self.call)
            .field("gets", &self.gets)
            .finish_non_exhaustive()
    }
}
