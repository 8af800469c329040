//! Reads of many items: queries and scans.

use std::marker::PhantomData;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use provision_link::{Index, Item, Sorted, SortedIndex};

use crate::convert::from_all;
use crate::error::{Call, Error};
use crate::expression::{Condition, Placeholders};
use crate::page::{Cursor, Items, Page, Paged};
use crate::send::answer;
use crate::sort::{Bound, SortCondition};

/// The table itself, where a [`Query`] may be of an index.
#[derive(Clone, Copy, Debug)]
pub struct Primary;

/// A read of the items with one partition key, in the order of the sort key; `X` is [`Primary`] or the index.
#[must_use = "a request is sent by `send` or `all`"]
#[derive(Debug)]
pub struct Query<I, X> {
    request: Sent<QueryFluentBuilder>,
    /// The attribute and the value of the partition key.
    partition: (&'static str, AttributeValue),
    /// The attribute and the condition of the sort key.
    bound: Option<(&'static str, Bound)>,
    filter: Option<Condition>,
    start: Option<Cursor>,
    index: X,
    of: PhantomData<fn() -> I>,
}

/// A read of all items of the table.
#[must_use = "a request is sent by `send` or `all`"]
#[derive(Debug)]
pub struct Scan<I> {
    request: Sent<ScanFluentBuilder>,
    filter: Option<Condition>,
    start: Option<Cursor>,
    of: PhantomData<fn() -> I>,
}

/// A request of the SDK, and what it is called.
#[derive(Clone, Debug)]
pub struct Sent<B> {
    call: Call,
    builder: B,
}

/// Methods that all reads of many items have.
macro_rules! reading {
    ($request:ident<I $(, $index:ident)?>, $builder:ident) => {
        impl<I $(, $index)?> $request<I $(, $index)?> {
            /// Reads at most `items` items a page, before the filter. `all` and `items` still read all pages.
            pub fn limit(self, items: u32) -> Self {
                let items = i32::try_from(items).unwrap_or(i32::MAX);
                self.customize(|request| request.limit(items))
            }

            /// Returns only items for which the condition holds. What it leaves out is read, and paid for, all the same.
            pub fn filter(mut self, condition: Condition) -> Self {
                self.filter = Some(condition.after(self.filter.take()));
                self
            }

            /// Begins where another page ended.
            pub fn start(self, cursor: impl Into<Option<Cursor>>) -> Self {
                Self {
                    start: cursor.into(),
                    ..self
                }
            }

            /// Changes the SDK's request.
            pub fn customize(mut self, change: impl FnOnce($builder) -> $builder) -> Self {
                self.request.builder = change(self.request.builder);
                self
            }
        }

        impl<I: Item $(, $index)?> $request<I $(, $index)?> {
            /// Returns one page.
            ///
            /// # Errors
            ///
            /// `DynamoDB`'s, or an item of another form.
            pub async fn send(self) -> Result<Page<I>, Error> {
                let (request, start) = self.finish()?;
                request.page(start).await
            }

            /// Returns the items of all pages.
            ///
            /// # Errors
            ///
            /// `DynamoDB`'s, or an item of another form.
            pub async fn all(self) -> Result<Vec<I>, Error> {
                self.items()?.collect().await
            }

            /// Returns the items of all pages one by one, each page read when it is needed.
            ///
            /// # Errors
            ///
            /// A value of the filter that cannot be written.
            pub fn items(self) -> Result<Items<I, Sent<$builder>>, Error> {
                let (request, start) = self.finish()?;
                Ok(Items::new(request, start))
            }
        }

        impl<I: Item> Paged<I> for Sent<$builder> {
            async fn page(self, cursor: Option<Cursor>) -> Result<Page<I>, Error> {
                let Self { call, mut builder } = self;
                if let Some(cursor) = cursor {
                    builder = builder.set_exclusive_start_key(Some(cursor.into_key()));
                }
                let output = answer(&call, builder.send()).await?;
                Ok(Page {
                    items: from_all(&call, output.items.unwrap_or_default())?,
                    cursor: Cursor::new(output.last_evaluated_key),
                })
            }
        }
    };
}

reading!(Query<I, X>, QueryFluentBuilder);
reading!(Scan<I>, ScanFluentBuilder);

impl<I, X> Query<I, X> {
    pub(crate) fn new(
        call: Call,
        builder: QueryFluentBuilder,
        partition: (&'static str, AttributeValue),
        index: X,
    ) -> Self {
        Self {
            request: Sent { call, builder },
            partition,
            bound: None,
            filter: None,
            start: None,
            index,
            of: PhantomData,
        }
    }

    /// Reads in descending order of the sort key.
    pub fn descending(self) -> Self {
        self.customize(|request| request.scan_index_forward(false))
    }

    fn with_sort(self, name: &'static str, bound: Bound) -> Self {
        Self {
            bound: Some((name, bound)),
            ..self
        }
    }
}

impl<I: Item, X> Query<I, X> {
    fn finish(self) -> Result<(Sent<QueryFluentBuilder>, Option<Cursor>), Error> {
        let mut placeholders = Placeholders::of::<I>();
        let (name, value) = self.partition;
        let (name, value) = (placeholders.name(name), placeholders.value(value));
        let mut condition = format!("{name} = {value}");
        if let Some((name, bound)) = self.bound {
            condition += " AND ";
            condition += &bound.write(name, &mut placeholders);
        }
        let Sent { call, builder } = self.request;
        let mut builder = builder.key_condition_expression(condition);
        if let Some(filter) = self.filter {
            let filter = placeholders.condition(&call, filter)?;
            builder = builder.filter_expression(filter);
        }
        let builder = placeholders.apply(&call, builder)?;
        Ok((Sent { call, builder }, self.start))
    }
}

impl<I: Item> Query<I, Primary> {
    /// Reads only items whose sort key meets the condition: a range, or a function of [`sort`](crate::sort).
    pub fn sort(self, condition: impl SortCondition<I::Sort>) -> Self
    where
        I: Sorted,
    {
        self.with_sort(I::SORT, condition.into_bound())
    }

    /// Reads what all writes before have left, at twice the price of a read that may be a little older. An index has no such reads.
    pub fn consistent(self) -> Self {
        self.customize(|request| request.consistent_read(true))
    }
}

/// An index with a sort key. It stands in the error of a `sort` on an index without one.
#[diagnostic::on_unimplemented(
    message = "this index has no sort key",
    label = "its items cannot be asked for by the sort key",
    note = "give the index one: `#[index(\"name\", sort = \"field\")]`"
)]
pub trait HasSortKey {}

impl<I, K, S> HasSortKey for SortedIndex<I, K, S> {}

impl<I, K> Query<I, Index<I, K>> {
    #[doc(hidden)]
    pub fn sort<C>(self, _: C) -> Self
    where
        Index<I, K>: HasSortKey,
    {
        self
    }
}

impl<I, K, S> Query<I, SortedIndex<I, K, S>> {
    /// Reads only items whose sort key in the index meets the condition: a range, or a function of [`sort`](crate::sort).
    pub fn sort(self, condition: impl SortCondition<S>) -> Self {
        let name = self.index.index.schema.sort.map_or("", |sort| sort.name);
        self.with_sort(name, condition.into_bound())
    }
}

impl<I> Scan<I> {
    pub(crate) fn new(call: Call, builder: ScanFluentBuilder) -> Self {
        Self {
            request: Sent { call, builder },
            filter: None,
            start: None,
            of: PhantomData,
        }
    }

    /// Reads what all writes before have left, at twice the price of a read that may be a little older.
    pub fn consistent(self) -> Self {
        self.customize(|request| request.consistent_read(true))
    }
}

impl<I: Item> Scan<I> {
    fn finish(self) -> Result<(Sent<ScanFluentBuilder>, Option<Cursor>), Error> {
        let Sent { call, mut builder } = self.request;
        if let Some(filter) = self.filter {
            let mut placeholders = Placeholders::of::<I>();
            let filter = placeholders.condition(&call, filter)?;
            builder = placeholders.apply(&call, builder.filter_expression(filter))?;
        }
        Ok((Sent { call, builder }, self.start))
    }
}
