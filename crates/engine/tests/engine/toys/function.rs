//! A function: runs a package, can be used some time after it is created, and its environment may name what is created
//! later.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::input::Input;
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, Tags};
use provision_engine::package::CodeSha256;
use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource, gone_is_done};
use provision_engine::wait::Wait;
use serde::{Deserialize, Serialize};

use crate::account::{self, Thing};

operations!(
    "Function",
    "arn:{partition}:toys:{region}:{account}:function/{name}"
);

/// Time until a function can be used.
pub const STARTS_IN: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    pub code: Input<CodeSha256>,
    pub role: Option<Input<String>>,
    pub environment: BTreeMap<String, Input<String>>,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct FunctionOutput {
    pub arn: String,
}

impl Function {
    pub fn named(name: &str, code: Input<CodeSha256>) -> Self {
        Self {
            name: name.to_owned(),
            code,
            role: None,
            environment: BTreeMap::new(),
            tags: Tags::default(),
        }
    }

    pub fn with(mut self, variable: &str, value: Input<String>) -> Self {
        self.environment.insert(variable.to_owned(), value);
        self
    }

    fn output(thing: &Thing) -> FunctionOutput {
        FunctionOutput {
            arn: format!("arn of {}", thing.id),
        }
    }
}

impl Resource for Function {
    type Output = FunctionOutput;
    const KIND: Kind = Kind {
        by_name: &["environment"],
        has_unique_name: true,
        search: &[&LIST],
        ..Kind::new(
            "Toys::Function",
            "function",
            HoldsData::No,
            &[&LIST, &CREATE, &UPDATE, &DELETE],
        )
    };

    one_call_each!();
    found_by_name!();

    fn typical_wait(&self, act: Act<'_>) -> Duration {
        match act {
            Act::Create => STARTS_IN,
            Act::Update(_) | Act::Delete => Duration::ZERO,
        }
    }

    async fn create(&self, aws: &Aws) -> Result<FunctionOutput> {
        let package = aws.packages().get(self.code.get()?)?;
        anyhow::ensure!(!package.zip.is_empty(), "an empty package");
        let thing = Thing::new(
            Self::KIND.type_name,
            &self.name,
            serde_json::to_value(self)?,
        );
        let thing = thing.active_in(STARTS_IN);
        Ok(Self::output(&account::create(aws, &CREATE, thing).await?))
    }

    async fn settle(&self, aws: &Aws) -> Result<()> {
        let wait = Wait::new(
            "the function to become active",
            Duration::from_secs(1),
            Duration::from_mins(1),
        );
        let is_active = async || {
            let things = account::list(aws, &LIST, Self::KIND.type_name).await?;
            let mut things = things.iter();
            let is_active = things.any(|thing| thing.id == self.name && thing.is_active());
            Ok(is_active.then_some(()))
        };
        wait.until(aws, is_active).await
    }
}
