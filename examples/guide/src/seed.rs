//! A kind: an item that a table begins with.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use provision::Input;
use provision::Tags;
use provision::aws::Calls;
use provision::engine::aws::Aws;
use provision::engine::diff::Changes;
use provision::engine::look::Look;
use provision::engine::observe::Seen;
use provision::engine::operation::{Meaning, Operation, Reading, Scope, Service};
use provision::engine::owner::Mark;
use provision::engine::refusals::Refusals;
use provision::resource::{Act, HoldsData, Kind, Marked, Observed, Resource, gone_is_done};
use serde::{Deserialize, Serialize};

/// The item's fields are what is desired.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seed {
    /// The table's name.
    pub table: Input<String>,
    /// The value of the attribute `id`.
    pub id: String,
    /// The attribute `text`.
    pub text: String,
    /// The stack's mark, as attributes.
    pub tags: Tags,
}

/// Others refer to nothing of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct SeedOutput {}

const DYNAMODB: Service = Service::new(
    "DynamoDB",
    &[Reading::of("ResourceNotFoundException", Meaning::NotFound)],
);
const SEEDED: Scope = Scope::new(
    "SeededTable",
    &["arn:{partition}:dynamodb:{region}:{account}:table/{table}"],
);
const GET: Operation = Operation::read(DYNAMODB, "GetItem", &[SEEDED.allow("dynamodb:GetItem")]);
const PUT: Operation = Operation::write(DYNAMODB, "PutItem", &[SEEDED.allow("dynamodb:PutItem")]);
const DELETE: Operation = Operation::write(
    DYNAMODB,
    "DeleteItem",
    &[SEEDED.allow("dynamodb:DeleteItem")],
);

impl Seed {
    /// An item of `table` with this id and text.
    pub fn new(table: Input<String>, id: &str, text: &str) -> Self {
        Self {
            table,
            id: id.to_owned(),
            text: text.to_owned(),
            tags: Tags::default(),
        }
    }

    fn attributes(&self) -> HashMap<String, AttributeValue> {
        let own = [("id", &self.id), ("text", &self.text)];
        let own = own.map(|(name, value)| (name.to_owned(), value.clone()));
        let all = own.into_iter().chain(self.tags.0.clone());
        all.map(|(name, value)| (name, AttributeValue::S(value)))
            .collect()
    }

    async fn put(&self, aws: &Aws) -> Result<SeedOutput> {
        let table = self.table.get()?;
        let request = || {
            let put = aws.dynamodb().put_item().table_name(table);
            put.set_item(Some(self.attributes())).send()
        };
        aws.call(&PUT, request).await?;
        Ok(SeedOutput {})
    }
}

impl Resource for Seed {
    type Output = SeedOutput;
    const KIND: Kind = Kind::new(
        "Guide::DynamoDB::Seed",
        "seed item",
        HoldsData::No,
        &[&GET, &PUT, &DELETE],
    );

    fn name(&self) -> String {
        self.id.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create | Act::Update(_) => vec![&PUT],
            Act::Delete => vec![&DELETE],
        }
    }

    fn validate(&self, refusals: &mut Refusals) {
        refusals.ensure(!self.id.is_empty(), "a key cannot be empty");
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.is_same_declaration(&observed.state.tags)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let (aws, table) = (look.aws(), self.table.get()?);
        let key = AttributeValue::S(self.id.clone());
        let request = || {
            let get = aws.dynamodb().get_item().table_name(table);
            get.key("id", key.clone()).consistent_read(true).send()
        };
        let found = match aws.call(&GET, request).await {
            Err(error) if error.is_not_found() => None,
            found => found.context("reading a seed item")?.item,
        };
        let Some(item) = found else { return Ok(None) };
        let texts = item.into_iter().filter_map(|(name, value)| match value {
            AttributeValue::S(text) => Some((name, text)),
            _ => None,
        });
        let mut texts: BTreeMap<String, String> = texts.collect();
        let text = texts.remove("text").unwrap_or_default();
        let state = Self {
            text,
            tags: self.tags.declared_part(&texts),
            ..self.clone()
        };
        Ok(Some(Observed {
            ownership: look.ownership(&self.id, &self.tags, &texts),
            ..Observed::ours(state, SeedOutput {})
        }))
    }

    async fn create(&self, aws: &Aws) -> Result<SeedOutput> {
        self.put(aws).await
    }

    async fn update(&self, aws: &Aws, _: Observed<Self>, _: &Changes) -> Result<SeedOutput> {
        self.put(aws).await
    }

    async fn delete(&self, aws: &Aws, _: Observed<Self>) -> Result<()> {
        let table = self.table.get()?;
        let key = AttributeValue::S(self.id.clone());
        let request = || {
            let delete = aws.dynamodb().delete_item().table_name(table);
            delete.key("id", key.clone()).send()
        };
        gone_is_done(aws.call(&DELETE, request).await)
    }

    /// Items cannot be searched for by their attributes: one that is no longer declared stays.
    async fn marked(_: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        Ok(Vec::new())
    }
}
