//! An API key: found by its tags, since names may repeat. Its value is never part of any state.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use aws_sdk_apigateway::primitives::DateTime;
use aws_sdk_apigateway::types;
use serde::{Deserialize, Serialize};

use super::gone_is_done;
use super::look::oldest;
use super::rest_api::{replace, stated, tag};
use super::{KeyId, Look, Observed, Reconcile};
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::diff::Changes;
use crate::fault::Code;
use crate::input::{Handle, Input};
use crate::owner::{Mark, Tags};
use crate::secret::Secret;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    pub name: String,
    pub description: String,
    pub enabled: bool,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ApiKeyOutput {
    pub id: KeyId,
}

impl Handle<ApiKey> {
    pub fn key_id(&self) -> Input<KeyId> {
        self.output("id")
    }
}

impl Reconcile for ApiKey {
    type Output = ApiKeyOutput;
    const TYPE: &'static str = "AWS::ApiGateway::ApiKey";
    const NAMED_BY_AWS: bool = true;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.declare_alike(&observed.state.tags)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let all = look.api_keys().await?;
        let mut found: Vec<_> = all
            .iter()
            .filter(|key| self.tags.marks(key.tags.as_ref()))
            .collect();
        if found.is_empty() && look.adopts(&self.name) {
            found = all
                .iter()
                .filter(|key| key.name.as_deref() == Some(&self.name))
                .collect();
        }
        let Some(key) = counting(found) else {
            return Ok(None);
        };
        let tags = key.tags.clone().unwrap_or_default().into_iter().collect();
        let id = key
            .id
            .clone()
            .context(Code::Incomplete.fault("AWS returned an API key without its id"))?;
        Ok(Some(Observed::inherited(
            Self {
                name: key.name.clone().unwrap_or_default(),
                description: key.description.clone().unwrap_or_default(),
                enabled: key.enabled,
                tags: self.tags.declared_part(&tags),
            },
            ApiKeyOutput { id: KeyId(id) },
        )))
    }

    async fn create(&self, aws: &Aws) -> Result<ApiKeyOutput> {
        let id = self.create_key(aws).await?;
        Ok(ApiKeyOutput { id })
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<ApiKeyOutput> {
        const UPDATE: Operation = Operation::safe("UpdateApiKey");
        let id = &observed.output.id.0;
        let enabled = self.enabled.to_string();
        let patch: Vec<_> = [
            ("name", "/name", &self.name),
            ("description", "/description", &self.description),
            ("enabled", "/enabled", &enabled),
        ]
        .into_iter()
        .filter(|(field, _, _)| changes.touch(field))
        .map(|(_, path, value)| replace(path, value))
        .collect();
        if !patch.is_empty() {
            aws.call(UPDATE, || {
                aws.apigateway()
                    .update_api_key()
                    .api_key(id)
                    .set_patch_operations(Some(patch.clone()))
                    .send()
            })
            .await?;
        }
        if changes.touch("tags") {
            tag(aws, &format!("/apikeys/{id}"), &self.tags).await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        Self::delete_by_id(aws, &observed.output.id).await
    }
}

/// On a key that a rotation made: the id of the one that it is to replace.
pub(crate) const REPLACES: &str = "provision:replaces";

/// Of the keys with one declaration the one that counts: the oldest of those that are not yet to replace another one.
pub(super) fn counting(found: Vec<&types::ApiKey>) -> Option<&types::ApiKey> {
    let ids: BTreeSet<&str> = found.iter().filter_map(|key| key.id()).collect();
    let (waiting, settled): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|key| replaced_by(key).is_some_and(|old| ids.contains(old)));
    first_made(settled).or_else(|| first_made(waiting))
}

/// The oldest, by the same rule in every run.
pub(crate) fn first_made(found: Vec<&types::ApiKey>) -> Option<&types::ApiKey> {
    oldest(found, |key| {
        (key.created_date().map(DateTime::as_nanos), key.id.clone())
    })
}

pub(crate) fn replaced_by(key: &types::ApiKey) -> Option<&str> {
    Some(key.tags()?.get(REPLACES)?.as_str())
}

impl ApiKey {
    pub(crate) async fn create_key(&self, aws: &Aws) -> Result<KeyId> {
        const CREATE: Operation = Operation::look_first("CreateApiKey");
        let created = aws
            .call(CREATE, || {
                aws.apigateway()
                    .create_api_key()
                    .name(&self.name)
                    .set_description(stated(&self.description))
                    .enabled(self.enabled)
                    .set_tags(Some(self.tags.to_map()))
                    .send()
            })
            .await?;
        let id = created
            .id
            .context(Code::Incomplete.fault("AWS returned an API key without its id"))?;
        if let Some(value) = created.value {
            aws.keep_key(&id, Secret::new(value));
        }
        Ok(KeyId(id))
    }

    pub(crate) async fn delete_by_id(aws: &Aws, id: &KeyId) -> Result<()> {
        const DELETE: Operation = Operation::safe("DeleteApiKey");
        let request = || aws.apigateway().delete_api_key().api_key(&id.0).send();
        gone_is_done(aws.call(DELETE, request).await)
    }
}
