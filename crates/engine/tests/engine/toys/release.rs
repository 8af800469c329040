//! A release of an API: a snapshot of its parts, created beside the old one when they change. The stage removes old ones.

use anyhow::Result;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;

use provision_engine::resource::{
    Act, HoldsData, Kind, Marked, Observed, Replacement, Resource, gone_is_done,
};
use serde::{Deserialize, Serialize};

use crate::account::{self, Thing};

operations!(
    "Release",
    "arn:{partition}:toys:{region}::/apis/{api}/releases/*",
    unchanging
);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Release {
    pub api: Input<String>,
    pub shape: Input<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ReleaseOutput {
    pub id: String,
}

impl Release {
    pub fn of(api: &Handle<super::Api>, shape: Input<String>) -> Self {
        Self {
            api: api.output("id"),
            shape,
        }
    }

    fn output(thing: &Thing) -> ReleaseOutput {
        ReleaseOutput {
            id: thing.id.clone(),
        }
    }
}

impl Resource for Release {
    type Output = ReleaseOutput;
    const KIND: Kind = Kind {
        replace_on: &["shape"],
        replacement: Replacement::CreateFirst,
        is_snapshot: true,
        ..Kind::new(
            "Toys::Release",
            "release",
            HoldsData::No,
            &[&LIST, &CREATE, &DELETE],
        )
    };

    fn name(&self) -> String {
        self.shape
            .get()
            .map_or_else(|_| "release".to_owned(), Clone::clone)
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => vec![&CREATE],
            Act::Update(_) => Vec::new(),
            Act::Delete => vec![&DELETE],
        }
    }

    fn container(&self) -> Option<&str> {
        self.api.source()
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.shape == observed.state.shape
    }

    async fn marked(_: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        Ok(Vec::new())
    }

    /// The newest one.
    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let Ok(api) = self.api.get() else {
            return Ok(None);
        };
        let things = super::things(look, &LIST, Self::KIND.type_name).await?;
        let found = things
            .iter()
            .rfind(|thing| thing.within.as_ref() == Some(api));
        Ok(found.map(|thing| Observed::ours(thing.read(), Self::output(thing))))
    }

    async fn create(&self, aws: &Aws) -> Result<ReleaseOutput> {
        let thing = Thing::new(Self::KIND.type_name, "", serde_json::to_value(self)?);
        let thing = thing.within(self.api.get()?);
        Ok(Self::output(&account::create(aws, &CREATE, thing).await?))
    }

    async fn update(
        &self,
        _: &Aws,
        observed: Observed<Self>,
        _: &Changes,
    ) -> Result<ReleaseOutput> {
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        let (kind, id) = (Self::KIND.type_name, observed.output.id);
        gone_is_done(account::delete(aws, &DELETE, kind, &id).await)
    }
}
