//! A part of an API: without outputs that AWS gives and without a name of its own. It goes along with its API.

use anyhow::Result;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::Mark;
use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource, gone_is_done};
use provision_engine::target::Target;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{self, Thing};

operations!("Part", "arn:{partition}:toys:{region}::/apis/{api}/parts/*");

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    pub api: Input<String>,
    pub path: String,
    pub note: String,
    /// The mark: stack, id and digest.
    pub operation: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct PartOutput {}

impl Part {
    pub fn of(api: &Handle<super::Api>, path: &str) -> Self {
        Self {
            api: api.output("id"),
            path: path.to_owned(),
            note: String::new(),
            operation: String::new(),
        }
    }

    pub fn shape(handle: &Handle<Self>) -> Input<String> {
        handle.output("shape")
    }

    fn key(&self) -> Result<String> {
        Ok(format!("{}{}", self.api.get()?, self.path))
    }
}

impl Resource for Part {
    type Output = PartOutput;
    const KIND: Kind = Kind::new(
        "Toys::Part",
        "part",
        HoldsData::No,
        &[&LIST, &CREATE, &UPDATE, &DELETE],
    );

    one_call_each!();

    fn name(&self) -> String {
        self.path.clone()
    }

    fn container(&self) -> Option<&str> {
        self.api.source()
    }

    /// Changes of one API at the same time would meet.
    fn lane(&self) -> Option<String> {
        self.api.get().ok().cloned()
    }

    fn computed(&self, _: &Target) -> Value {
        json!({ "shape": format!("{} {}", self.path, self.note) })
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.operation = format!("{}.{}.{}", mark.stack, mark.id, mark.digest);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.operation == observed.state.operation
    }

    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let things = super::things(seen.look, &LIST, Self::KIND.type_name).await?;
        let mut marked = Vec::new();
        for (id, api) in seen.all::<super::Api>() {
            let parts = things
                .iter()
                .filter(|thing| thing.within.as_ref() == Some(&api.id));
            for part in parts.map(Thing::read::<Self>) {
                if part.operation.starts_with(&format!("{}.", seen.stack())) {
                    let label = part.path.clone();
                    marked.push(Marked {
                        within: Some(id.to_owned()),
                        ..Marked::new(label, Observed::ours(part, PartOutput {}))
                    });
                }
            }
        }
        Ok(marked)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let Ok(key) = self.key() else {
            return Ok(None);
        };
        let things = super::things(look, &LIST, Self::KIND.type_name).await?;
        let found = things.iter().find(|thing| thing.id == key);
        Ok(found.map(|thing| Observed::ours(thing.read(), PartOutput {})))
    }

    async fn create(&self, aws: &Aws) -> Result<PartOutput> {
        let fields = serde_json::to_value(self)?;
        let thing = Thing::new(Self::KIND.type_name, &self.key()?, fields);
        account::create(aws, &CREATE, thing.within(self.api.get()?)).await?;
        Ok(PartOutput {})
    }

    async fn update(&self, aws: &Aws, _: Observed<Self>, _: &Changes) -> Result<PartOutput> {
        let fields = serde_json::to_value(self)?;
        account::update(aws, &UPDATE, Self::KIND.type_name, &self.key()?, fields).await?;
        Ok(PartOutput {})
    }

    async fn delete(&self, aws: &Aws, _: Observed<Self>) -> Result<()> {
        let kind = Self::KIND.type_name;
        gone_is_done(account::delete(aws, &DELETE, kind, &self.key()?).await)
    }
}
