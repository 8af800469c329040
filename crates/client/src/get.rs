//! Reads of one item.

use std::marker::PhantomData;

use aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder;
use provision_link::Item;

use crate::convert::from_attributes;
use crate::error::{Call, Error};
use crate::send::answer;

/// A read of one item.
#[must_use = "a request is sent by `send`"]
#[derive(Debug)]
pub struct Get<I> {
    call: Call,
    builder: GetItemFluentBuilder,
    of: PhantomData<fn() -> I>,
}

impl<I: Item> Get<I> {
    pub(crate) fn new(call: Call, builder: GetItemFluentBuilder) -> Self {
        Self {
            call,
            builder,
            of: PhantomData,
        }
    }

    /// Reads what all writes before have left, at twice the price of a read that may be a little older.
    pub fn consistent(self) -> Self {
        self.customize(|request| request.consistent_read(true))
    }

    /// Changes the SDK's request.
    pub fn customize(
        self,
        change: impl FnOnce(GetItemFluentBuilder) -> GetItemFluentBuilder,
    ) -> Self {
        Self {
            builder: change(self.builder),
            ..self
        }
    }

    /// Returns the item, if there is one.
    ///
    /// # Errors
    ///
    /// `DynamoDB`'s, or an item of another form.
    pub async fn send(self) -> Result<Option<I>, Error> {
        let output = answer(&self.call, self.builder.send()).await?;
        let item = output.item.map(|item| from_attributes(&self.call, item));
        item.transpose()
    }
}
