//! An API key: found by its tags, since names may repeat. Its value is never part of any state.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use aws_sdk_apigateway::primitives::DateTime;
use aws_sdk_apigateway::types;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::fault::Code;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, STACK, Tags};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, HoldsData, Kind, Marked, Observed, Resource, check_tags, gone_is_done,
};
use provision_engine::secret::Secret;
use serde::{Deserialize, Serialize};

use super::lists::{self, LIST_KEYS, candidates, oldest};
use super::patch::{replace, stated};
use super::tags::{TAG, tag};
use super::{API_GATEWAY, KEY, KEYS, TAGS};
use crate::arn::KeyId;
use crate::calls::Calls;
use crate::connection::GET_CALLER_IDENTITY;

/// Reads a key's value, for `outputs --show-secrets` and `invoke`.
const GET: Operation =
    Operation::read(API_GATEWAY, "GetApiKey", &[KEY.allow("apigateway:GET")]).for_deployers();
const CREATE: Operation = Operation::create(
    API_GATEWAY,
    "CreateApiKey",
    &[
        KEYS.allow("apigateway:POST"),
        TAGS.allow("apigateway:POST"),
        TAGS.allow("apigateway:PUT"),
    ],
)
.rate(5, std::time::Duration::from_millis(200));
const UPDATE: Operation = Operation::write(
    API_GATEWAY,
    "UpdateApiKey",
    &[KEY.allow("apigateway:PATCH")],
);
const DELETE: Operation = Operation::write(
    API_GATEWAY,
    "DeleteApiKey",
    &[KEY.allow("apigateway:DELETE")],
)
.rate(5, std::time::Duration::from_millis(200));

/// An API key: `AWS::ApiGateway::ApiKey`. API Gateway generates its value, which [`key_value`](super::key_value) reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// The name, of at most 1024 characters. It may repeat in an account: the mark decides which key is meant.
    pub name: String,
    /// The description, for people; empty for none.
    pub description: String,
    /// True if callers may use the key; API Gateway answers requests with a disabled one with 403.
    pub enabled: bool,
    /// The tags that the declaration asks for; the stack adds its mark. Other tags of the resource are ignored.
    pub tags: Tags,
}

/// The outputs of an [`ApiKey`].
#[derive(Debug, Serialize, Deserialize)]
pub struct ApiKeyOutput {
    /// The id that API Gateway gave. It is not the value.
    pub id: KeyId,
}

/// The outputs of a declared [`ApiKey`].
pub trait ApiKeyHandle {
    /// Returns the key's id, for usage plans and checks.
    fn key_id(&self) -> Input<KeyId>;
}

impl ApiKeyHandle for Handle<ApiKey> {
    fn key_id(&self) -> Input<KeyId> {
        self.output("id")
    }
}

impl Resource for ApiKey {
    type Output = ApiKeyOutput;
    const KIND: Kind = Kind {
        search: &[&LIST_KEYS],
        may_repeat: true,
        ..Kind::new(
            "AWS::ApiGateway::ApiKey",
            "API key",
            HoldsData::No,
            &[
                &LIST_KEYS,
                &GET,
                &CREATE,
                &TAG,
                &UPDATE,
                &DELETE,
                &GET_CALLER_IDENTITY,
            ],
        )
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => vec![&CREATE],
            Act::Update(changes) => changes.calls(&[
                (&["name", "description", "enabled"], &UPDATE),
                (&["tags"], &TAG),
            ]),
            Act::Delete => vec![&DELETE],
        }
    }

    fn validate(&self, refusals: &mut Refusals) {
        refusals.ensure(
            self.name.len() <= 1024,
            "an API key's name has at most 1024 characters",
        );
        refusals.check(check_tags(&self.tags));
    }

    async fn prefetch(look: &Look) -> Result<()> {
        lists::api_keys(look).await.map(|_| ())
    }

    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let keys = lists::api_keys(seen.look).await?;
        let ours = keys.iter().filter(|key| is_of_stack(key, seen.stack()));
        Ok(ours
            .filter_map(|key| {
                let id = key.id.clone()?;
                let tags = key.tags.clone().unwrap_or_default();
                let state = Self::of(key, Tags(tags.into_iter().collect()));
                let output = ApiKeyOutput {
                    id: KeyId(id.clone()),
                };
                Some(Marked::new(id, Observed::ours(state, output)))
            })
            .collect())
    }

    async fn secret(&self, aws: &Aws, output: &ApiKeyOutput) -> Result<Option<Secret>> {
        value(aws, &output.id).await.map(Some)
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.is_same_declaration(&observed.state.tags)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let all = lists::api_keys(look).await?;
        let found = candidates(&all, &self.name, &self.tags, look);
        let Some(key) = counting(found) else {
            return Ok(None);
        };
        let tags = key.tags.clone().unwrap_or_default().into_iter().collect();
        let id = key
            .id
            .clone()
            .context(Code::Incomplete.fault("AWS returned an API key without its id"))?;
        Ok(Some(Observed::ours(
            Self::of(key, self.tags.declared_part(&tags)),
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
            aws.call(&UPDATE, || {
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

/// The tag of a key that a rotation made, with the id of the key that it is to replace.
pub(crate) const REPLACES: &str = "provision:replaces";

/// Returns the key that counts among those with one declaration: the oldest that is not waiting to replace another one.
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

/// Returns true if `key` carries the tag of the stack `stack`.
pub(super) fn is_of_stack(key: &types::ApiKey, stack: &str) -> bool {
    let tags = key.tags();
    tags.is_some_and(|tags| tags.get(STACK).map(String::as_str) == Some(stack))
}

/// Returns the value of the API key `id`: as kept from an earlier answer, or read now.
pub async fn value(aws: &Aws, id: &KeyId) -> Result<Secret> {
    if let Some(value) = aws.kept_secret(&id.0) {
        return Ok(value);
    }
    let gateway = aws.apigateway();
    let key = aws
        .call(&GET, || {
            gateway
                .get_api_key()
                .api_key(&id.0)
                .include_value(true)
                .send()
        })
        .await
        .with_context(|| format!("reading the value of API key `{id}`"))?;
    let value = key
        .value
        .context(Code::Incomplete.fault("AWS returned no value for the API key"))?;
    let value = Secret::new(value);
    aws.keep_secret(&id.0, value.clone());
    Ok(value)
}

impl ApiKey {
    /// The key in the shape of a declaration, with these tags.
    fn of(key: &types::ApiKey, tags: Tags) -> Self {
        Self {
            name: key.name.clone().unwrap_or_default(),
            description: key.description.clone().unwrap_or_default(),
            enabled: key.enabled,
            tags,
        }
    }

    pub(crate) async fn create_key(&self, aws: &Aws) -> Result<KeyId> {
        let created = aws
            .call(&CREATE, || {
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
            aws.keep_secret(&id, Secret::new(value));
        }
        Ok(KeyId(id))
    }

    pub(crate) async fn delete_by_id(aws: &Aws, id: &KeyId) -> Result<()> {
        let request = || aws.apigateway().delete_api_key().api_key(&id.0).send();
        gone_is_done(aws.call(&DELETE, request).await)
    }
}
