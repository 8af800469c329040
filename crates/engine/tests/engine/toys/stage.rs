//! A stage of an API: serves one release and removes the others.

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
    "Stage",
    "arn:{partition}:toys:{region}::/apis/{api}/stages/*"
);
const DROP: Operation = Operation::write(
    super::TOYS,
    "DropRelease",
    &[SCOPE.allow("toys:DropRelease")],
);
const RELEASES: Operation = Operation::read(
    super::TOYS,
    "ListOldReleases",
    &[SCOPE.allow("toys:ListReleases")],
);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stage {
    pub api: Input<String>,
    pub release: Input<String>,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct StageOutput {
    pub url: String,
}

impl Stage {
    pub fn of(api: &Handle<super::Api>, release: &Handle<super::Release>) -> Self {
        Self {
            api: api.output("id"),
            release: release.output("id"),
            tags: Tags::default(),
        }
    }

    fn output(thing: &Thing) -> StageOutput {
        StageOutput {
            url: format!("https://{}", thing.id),
        }
    }

    fn key(&self) -> Result<String> {
        Ok(format!("{}.stage", self.api.get()?))
    }

    async fn drop_old_releases(&self, aws: &Aws) -> Result<()> {
        let kind = super::Release::KIND.type_name;
        let (api, current) = (self.api.get()?, self.release.get()?);
        for release in account::list(aws, &RELEASES, kind).await? {
            if release.within.as_ref() == Some(api) && release.id != *current {
                gone_is_done(account::delete(aws, &DROP, kind, &release.id).await)?;
            }
        }
        Ok(())
    }
}

impl Resource for Stage {
    type Output = StageOutput;
    const KIND: Kind = Kind::new(
        "Toys::Stage",
        "stage",
        HoldsData::No,
        &[&LIST, &CREATE, &UPDATE, &DELETE, &DROP, &RELEASES],
    );

    one_call_each!();

    fn name(&self) -> String {
        "stage".to_owned()
    }

    fn container(&self) -> Option<&str> {
        self.api.source()
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.is_same_declaration(&observed.state.tags)
    }

    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let things = super::things(seen.look, &LIST, Self::KIND.type_name).await?;
        let mut marked = Vec::new();
        for (id, api) in seen.all::<super::Api>() {
            let stages = things
                .iter()
                .filter(|thing| thing.within.as_ref() == Some(&api.id));
            for stage in stages {
                marked.push(Marked {
                    within: Some(id.to_owned()),
                    ..Marked::new("stage", Observed::ours(stage.read(), Self::output(stage)))
                });
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
        Ok(found.map(|thing| {
            let mut state: Self = thing.read();
            state.tags = self.tags.declared_part(&state.tags.0);
            Observed::ours(state, Self::output(thing))
        }))
    }

    async fn create(&self, aws: &Aws) -> Result<StageOutput> {
        self.release.get()?;
        let fields = serde_json::to_value(self)?;
        let thing = Thing::new(Self::KIND.type_name, &self.key()?, fields);
        let thing = account::create(aws, &CREATE, thing.within(self.api.get()?)).await?;
        Ok(Self::output(&thing))
    }

    async fn update(&self, aws: &Aws, _: Observed<Self>, _: &Changes) -> Result<StageOutput> {
        let fields = serde_json::to_value(self)?;
        let kind = Self::KIND.type_name;
        let thing = account::update(aws, &UPDATE, kind, &self.key()?, fields).await?;
        self.drop_old_releases(aws).await?;
        Ok(Self::output(&thing))
    }

    async fn delete(&self, aws: &Aws, _: Observed<Self>) -> Result<()> {
        let kind = Self::KIND.type_name;
        gone_is_done(account::delete(aws, &DELETE, kind, &self.key()?).await)
    }
}
