//! A pass to APIs, which AWS deletes only after the APIs it refers to.

use anyhow::Result;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, Tags};
use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource, gone_is_done};
use serde::{Deserialize, Serialize};

use crate::account::{self, Thing};

operations!(
    "Pass",
    "arn:{partition}:toys:{region}:{account}:pass/{name}"
);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pass {
    pub name: String,
    pub apis: Vec<Input<String>>,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct PassOutput {}

impl Pass {
    pub fn to(name: &str, api: &Handle<super::Api>) -> Self {
        Self {
            name: name.to_owned(),
            apis: vec![api.output("id")],
            tags: Tags::default(),
        }
    }

    fn output(_: &Thing) -> PassOutput {
        PassOutput {}
    }
}

impl Resource for Pass {
    type Output = PassOutput;
    const KIND: Kind = Kind {
        deleted_after: &[super::Api::KIND.type_name],
        has_unique_name: true,
        ..Kind::new(
            "Toys::Pass",
            "pass",
            HoldsData::No,
            &[&LIST, &CREATE, &UPDATE, &DELETE],
        )
    };

    one_call_each!();
    found_by_name!();

    async fn create(&self, aws: &Aws) -> Result<PassOutput> {
        let thing = Thing::new(
            Self::KIND.type_name,
            &self.name,
            serde_json::to_value(self)?,
        );
        Ok(Self::output(&account::create(aws, &CREATE, thing).await?))
    }
}
