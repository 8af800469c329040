//! An API: AWS gives its id, names may repeat, and tags tell which one is ours.

use std::collections::HashMap;

use anyhow::Result;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, Tags};
use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource, gone_is_done};
use serde::{Deserialize, Serialize};

use crate::account::{self, Thing};

operations!("Api", "arn:{partition}:toys:{region}::/apis/*");

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Api {
    pub name: String,
    pub note: String,
    /// True if a change replaces the API.
    pub endpoint: String,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ApiOutput {
    pub id: String,
}

impl Api {
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            note: String::new(),
            endpoint: "regional".to_owned(),
            tags: Tags::default(),
        }
    }

    fn output(thing: &Thing) -> ApiOutput {
        ApiOutput {
            id: thing.id.clone(),
        }
    }
}

impl Resource for Api {
    type Output = ApiOutput;
    const KIND: Kind = Kind {
        replace_on: &["endpoint"],
        may_repeat: true,
        ..Kind::new(
            "Toys::Api",
            "API",
            HoldsData::No,
            &[&LIST, &CREATE, &UPDATE, &DELETE],
        )
    };

    one_call_each!();
    marked_by_tags!();

    fn name(&self) -> String {
        self.name.clone()
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let things = super::things(look, &LIST, Self::KIND.type_name).await?;
        let found = |is_ours: &dyn Fn(&Self, &HashMap<String, String>) -> bool| {
            let mut things = things.iter();
            things.find(|thing| {
                let api: Self = thing.read();
                let tags = api.tags.to_map();
                is_ours(&api, &tags)
            })
        };
        let marked = found(&|_, tags| self.tags.marks(Some(tags)));
        let renamed =
            || found(&|api, tags| api.name == self.name && self.tags.may_rename(Some(tags), look));
        let one = marked.or_else(renamed);
        Ok(one.map(|thing| {
            let mut state: Self = thing.read();
            state.tags = self.tags.declared_part(&state.tags.0);
            Observed::ours(state, Self::output(thing))
        }))
    }

    async fn create(&self, aws: &Aws) -> Result<ApiOutput> {
        let thing = Thing::new(Self::KIND.type_name, "", serde_json::to_value(self)?);
        Ok(Self::output(&account::create(aws, &CREATE, thing).await?))
    }

    async fn update(&self, aws: &Aws, observed: Observed<Self>, _: &Changes) -> Result<ApiOutput> {
        let fields = serde_json::to_value(self)?;
        let (kind, id) = (Self::KIND.type_name, observed.output.id);
        let thing = account::update(aws, &UPDATE, kind, &id, fields).await?;
        Ok(Self::output(&thing))
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        let (kind, id) = (Self::KIND.type_name, observed.output.id);
        gone_is_done(account::delete(aws, &DELETE, kind, &id).await)
    }
}
