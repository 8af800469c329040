//! A table: found by name, holds data, and its key cannot be changed in place.

use anyhow::Result;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, Tags};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource, gone_is_done};
use provision_engine::target::Target;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{self, Thing};

operations!(
    "Table",
    "arn:{partition}:toys:{region}:{account}:table/{name}"
);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    pub key: String,
    pub size: u32,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct TableOutput {
    pub arn: String,
    /// Known only once the table exists.
    pub stream: String,
    /// A number.
    pub port: u16,
}

impl Table {
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            key: "id".to_owned(),
            size: 1,
            tags: Tags::default(),
        }
    }

    pub fn arn(handle: &Handle<Self>) -> Input<String> {
        handle.output("arn")
    }

    fn output(thing: &Thing) -> TableOutput {
        TableOutput {
            arn: arn(&thing.id),
            stream: format!("stream of {}", thing.id),
            port: 8000,
        }
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:toys:eu-west-1:111122223333:table/{name}")
}

impl Resource for Table {
    type Output = TableOutput;
    const KIND: Kind = Kind {
        replace_on: &["key"],
        has_unique_name: true,
        search: &[&LIST],
        ..Kind::new(
            "Toys::Table",
            "table",
            HoldsData::Yes,
            &[&LIST, &CREATE, &UPDATE, &DELETE],
        )
    };

    one_call_each!();
    found_by_name!();

    fn validate(&self, refusals: &mut Refusals) {
        refusals.ensure(self.size <= 100, "a table's size is at most 100");
    }

    fn computed(&self, target: &Target) -> Value {
        json!({ "arn": target.arn("toys", &format!("table/{}", self.name)) })
    }

    async fn create(&self, aws: &Aws) -> Result<TableOutput> {
        let thing = Thing::new(
            Self::KIND.type_name,
            &self.name,
            serde_json::to_value(self)?,
        );
        Ok(Self::output(&account::create(aws, &CREATE, thing).await?))
    }
}
