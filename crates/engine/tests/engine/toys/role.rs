//! A role: its trust must name roles that exist, its policies may name what is created later.

use anyhow::Result;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, Tags};
use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource, gone_is_done};
use provision_engine::target::Target;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{self, Thing};

operations!("Role", "arn:{partition}:toys::{account}:role/{name}");

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    pub name: String,
    pub trusts: Vec<Input<String>>,
    pub policies: Vec<Input<String>>,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct RoleOutput {
    pub arn: String,
}

impl Role {
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            trusts: Vec::new(),
            policies: Vec::new(),
            tags: Tags::default(),
        }
    }

    pub fn trusting(self, role: &Handle<Self>) -> Self {
        let trusts = vec![role.output("arn")];
        Self { trusts, ..self }
    }

    pub fn allowing(self, arn: Input<String>) -> Self {
        let policies = vec![arn];
        Self { policies, ..self }
    }

    fn output(thing: &Thing) -> RoleOutput {
        RoleOutput {
            arn: format!("arn:aws:iam::111122223333:role/{}", thing.id),
        }
    }
}

impl Resource for Role {
    type Output = RoleOutput;
    const KIND: Kind = Kind {
        by_name: &["policies"],
        has_unique_name: true,
        search: &[&LIST],
        ..Kind::new(
            "Toys::Role",
            "role",
            HoldsData::No,
            &[&LIST, &CREATE, &UPDATE, &DELETE],
        )
    };

    one_call_each!();
    found_by_name!();

    fn computed(&self, target: &Target) -> Value {
        json!({ "arn": target.iam_arn(&format!("role/{}", self.name)) })
    }

    async fn create(&self, aws: &Aws) -> Result<RoleOutput> {
        let thing = Thing::new(
            Self::KIND.type_name,
            &self.name,
            serde_json::to_value(self)?,
        );
        Ok(Self::output(&account::create(aws, &CREATE, thing).await?))
    }
}
