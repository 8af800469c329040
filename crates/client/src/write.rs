//! Writes of one item.

use std::collections::HashMap;
use std::marker::PhantomData;

use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use provision_link::Item;
use serde::Serialize;

use crate::convert::{Attributes, Value, from_attributes, is_key_attribute, to_value};
use crate::error::{Call, Error};
use crate::expression::{Condition, Field, Placeholders, field};
use crate::send::answer;

/// A write of a whole item, which replaces the one with the same key.
#[must_use = "a request is sent by `send`"]
#[derive(Debug)]
pub struct Put<I> {
    pub(crate) call: Call,
    builder: PutItemFluentBuilder,
    item: Result<Attributes, Error>,
    condition: Option<Condition>,
    of: PhantomData<fn() -> I>,
}

/// A change of some attributes of an item, which makes the item if there is none.
#[must_use = "a request is sent by `send`"]
#[derive(Debug)]
pub struct Update<I> {
    pub(crate) call: Call,
    builder: UpdateItemFluentBuilder,
    actions: Vec<Action>,
    condition: Option<Condition>,
    of: PhantomData<fn() -> I>,
}

/// A deletion of an item.
#[must_use = "a request is sent by `send`"]
#[derive(Debug)]
pub struct Delete<I> {
    pub(crate) call: Call,
    builder: DeleteItemFluentBuilder,
    condition: Option<Condition>,
    of: PhantomData<fn() -> I>,
}

#[derive(Debug)]
enum Action {
    Set(Field, Value),
    SetIfAbsent(Field, Value),
    Append(Field, Value),
    Add(Field, Value),
    Remove(Field),
}

/// Methods that all writes have.
macro_rules! conditional {
    ($request:ident, $builder:ident) => {
        impl<I: Item> $request<I> {
            /// Writes only if the condition holds, else the error is [`Error::ConditionFailed`]. Two conditions both have to hold.
            pub fn condition(mut self, condition: Condition) -> Self {
                self.condition = Some(condition.after(self.condition.take()));
                self
            }

            /// Writes only if there is an item with this key.
            pub fn if_exists(self) -> Self {
                self.condition(field(I::SCHEMA.partition.name).exists())
            }

            /// Changes the SDK's request.
            pub fn customize(mut self, change: impl FnOnce($builder) -> $builder) -> Self {
                self.builder = change(self.builder);
                self
            }

            /// Sends the request. A deletion of an item that is not there is no error.
            ///
            /// # Errors
            ///
            /// `DynamoDB`'s, or a value that cannot be written.
            pub async fn send(self) -> Result<(), Error> {
                let (call, builder) = self.finish()?;
                answer(&call, builder.send()).await.map(drop)
            }

            /// Sends the request and returns the item as it was before.
            ///
            /// # Errors
            ///
            /// `DynamoDB`'s, a value that cannot be written, or an item of another form.
            pub async fn send_old(self) -> Result<Option<I>, Error> {
                let (call, builder) = self.finish()?;
                let output =
                    answer(&call, builder.return_values(ReturnValue::AllOld).send()).await?;
                old(&call, output.attributes)
            }

            /// Returns the request with its condition.
            fn conditioned(
                call: Call,
                mut builder: $builder,
                condition: Option<Condition>,
                mut placeholders: Placeholders,
            ) -> Result<(Call, $builder), Error> {
                if let Some(condition) = condition {
                    let condition = placeholders.condition(&call, condition)?;
                    builder = builder.condition_expression(condition);
                }
                let builder = placeholders.apply(&call, builder)?;
                Ok((call, builder))
            }
        }
    };
}

conditional!(Put, PutItemFluentBuilder);
conditional!(Update, UpdateItemFluentBuilder);
conditional!(Delete, DeleteItemFluentBuilder);

impl<I: Item> Put<I> {
    pub(crate) fn new(
        call: Call,
        builder: PutItemFluentBuilder,
        item: Result<Attributes, Error>,
    ) -> Self {
        Self {
            call,
            builder,
            item,
            condition: None,
            of: PhantomData,
        }
    }

    /// Writes only if there is no item with this key.
    pub fn if_not_exists(self) -> Self {
        self.condition(field(I::SCHEMA.partition.name).is_absent())
    }

    pub(crate) fn finish(self) -> Result<(Call, PutItemFluentBuilder), Error> {
        let placeholders = Placeholders::of::<I>();
        let builder = self.builder.set_item(Some(self.item?));
        Self::conditioned(self.call, builder, self.condition, placeholders)
    }
}

impl<I: Item> Delete<I> {
    pub(crate) fn new(call: Call, builder: DeleteItemFluentBuilder) -> Self {
        Self {
            call,
            builder,
            condition: None,
            of: PhantomData,
        }
    }

    pub(crate) fn finish(self) -> Result<(Call, DeleteItemFluentBuilder), Error> {
        let (builder, placeholders) = (self.builder, Placeholders::of::<I>());
        Self::conditioned(self.call, builder, self.condition, placeholders)
    }
}

impl<I: Item> Update<I> {
    pub(crate) fn new(call: Call, builder: UpdateItemFluentBuilder) -> Self {
        Self {
            call,
            builder,
            actions: Vec::new(),
            condition: None,
            of: PhantomData,
        }
    }

    /// Sets a field. `None` removes an attribute that is the key of an index, and is `NULL` in any other.
    pub fn set(self, field: impl Into<Field>, value: impl Serialize) -> Self {
        let (field, value) = (field.into(), to_value(value));
        let is_null = matches!(value, Ok(AttributeValue::Null(_)));
        let is_key = |name| is_key_attribute(&I::SCHEMA, name);
        if is_null && field.attribute().is_some_and(is_key) {
            return self.action(Action::Remove(field));
        }
        self.action(Action::Set(field, value))
    }

    /// Sets a field that the item does not have yet.
    pub fn set_if_absent(self, field: impl Into<Field>, value: impl Serialize) -> Self {
        self.action(Action::SetIfAbsent(field.into(), to_value(value)))
    }

    /// Adds to a number, from 0 if there is none; or adds elements to a set.
    pub fn add(self, field: impl Into<Field>, value: impl Serialize) -> Self {
        self.action(Action::Add(field.into(), to_value(value)))
    }

    /// Appends elements to a list, to an empty one if there is none.
    pub fn append<V: Serialize>(
        self,
        field: impl Into<Field>,
        elements: impl IntoIterator<Item = V>,
    ) -> Self {
        let elements: Vec<V> = elements.into_iter().collect();
        self.action(Action::Append(field.into(), to_value(elements)))
    }

    /// Removes a field.
    pub fn remove(self, field: impl Into<Field>) -> Self {
        self.action(Action::Remove(field.into()))
    }

    /// Changes the item and returns it as it is now.
    ///
    /// # Errors
    ///
    /// `DynamoDB`'s, a value that cannot be written, or an item that lacks fields because this has made it.
    pub async fn send_new(self) -> Result<I, Error> {
        let (call, builder) = self.finish()?;
        let output = answer(&call, builder.return_values(ReturnValue::AllNew).send()).await?;
        from_attributes(&call, output.attributes.unwrap_or_default())
    }

    fn action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    pub(crate) fn finish(self) -> Result<(Call, UpdateItemFluentBuilder), Error> {
        let mut placeholders = Placeholders::of::<I>();
        let mut builder = self.builder;
        let expression = update_expression(self.actions, &mut placeholders);
        let expression = expression.map_err(|error| Error::unwritten(&self.call, error))?;
        if !expression.is_empty() {
            builder = builder.update_expression(expression);
        }
        Self::conditioned(self.call, builder, self.condition, placeholders)
    }
}

fn update_expression(
    actions: Vec<Action>,
    placeholders: &mut Placeholders,
) -> Result<String, serde_dynamo::Error> {
    let (mut set, mut add, mut remove) = (Vec::new(), Vec::new(), Vec::new());
    for action in actions {
        match action {
            Action::Set(field, value) => {
                let field = placeholders.field(&field);
                set.push(format!("{field} = {}", placeholders.value(value?)));
            }
            Action::SetIfAbsent(field, value) => {
                let (field, value) = (placeholders.field(&field), placeholders.value(value?));
                set.push(format!("{field} = if_not_exists({field}, {value})"));
            }
            Action::Append(field, value) => {
                let (field, value) = (placeholders.field(&field), placeholders.value(value?));
                let empty = placeholders.value(AttributeValue::L(Vec::new()));
                set.push(format!(
                    "{field} = list_append(if_not_exists({field}, {empty}), {value})"
                ));
            }
            Action::Add(field, value) => {
                let field = placeholders.field(&field);
                add.push(format!("{field} {}", placeholders.value(value?)));
            }
            Action::Remove(field) => remove.push(placeholders.field(&field)),
        }
    }
    let clauses = [("SET", set), ("ADD", add), ("REMOVE", remove)];
    let clauses: Vec<String> = clauses
        .into_iter()
        .filter(|(_, parts)| !parts.is_empty())
        .map(|(clause, parts)| format!("{clause} {}", parts.join(", ")))
        .collect();
    Ok(clauses.join(" "))
}

/// Returns the item as it was before a write.
fn old<I: Item>(
    call: &Call,
    attributes: Option<HashMap<String, AttributeValue>>,
) -> Result<Option<I>, Error> {
    let attributes = attributes.filter(|attributes| !attributes.is_empty());
    let item = attributes.map(|attributes| from_attributes(call, attributes));
    item.transpose()
}
