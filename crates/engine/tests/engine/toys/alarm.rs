//! An alarm: a kind from outside that states no more than it must. It is found by its own name, whatever it refers to.

use anyhow::Result;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::input::Input;
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, Tags};
use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource, gone_is_done};
use serde::{Deserialize, Serialize};

use crate::account::{self, Thing};

operations!(
    "Alarm",
    "arn:{partition}:toys:{region}:{account}:alarm/{watches}"
);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Alarm {
    pub name: String,
    pub watches: Input<String>,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct AlarmOutput {}

impl Alarm {
    pub fn on(name: &str, watches: impl Into<Input<String>>) -> Self {
        Self {
            name: name.to_owned(),
            watches: watches.into(),
            tags: Tags::default(),
        }
    }

    fn output(_: &Thing) -> AlarmOutput {
        AlarmOutput {}
    }
}

impl Resource for Alarm {
    type Output = AlarmOutput;
    const KIND: Kind = Kind {
        stands_alone: true,
        ..Kind::new(
            "Outside::Alarm",
            "alarm",
            HoldsData::No,
            &[&LIST, &CREATE, &UPDATE, &DELETE],
        )
    };

    one_call_each!();
    found_by_name!();

    async fn create(&self, aws: &Aws) -> Result<AlarmOutput> {
        self.watches.get()?;
        let thing = Thing::new(
            Self::KIND.type_name,
            &self.name,
            serde_json::to_value(self)?,
        );
        Ok(Self::output(&account::create(aws, &CREATE, thing).await?))
    }
}
