//! A parameter of SSM's Parameter Store: a text, or a secret that is declared by its source (AWS: "Systems Manager endpoints
//! and quotas" for rates).
//!
//! A secret is read from the environment of the person who deploys and sent to AWS. It is never part of a declaration, a plan,
//! a log or an output. A tag of the parameter keeps a salted digest of it together with the version that it was written as:
//!
//! - The digest tells that the secret in the environment is another one than the last `up` wrote; the version tells that
//!   somebody else wrote a value since.
//! - The alternative, to read the value back with decryption, needs `kms:Decrypt` and gives the secret to everybody who may
//!   plan. The digest needs no right beyond those for tags.
//! - Whoever may read tags can test guesses against the digest, so it is made slowly. A secret that can be guessed is not safe
//!   from them.

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{
    Parameter as Found, ParameterMetadata, ParameterStringFilter, ParameterTier, ParameterType,
    ResourceTypeForTagging, Tag,
};
use hmac::{Hmac, KeyInit, Mac};
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::error::AwsError;
use provision_engine::events::Event;
use provision_engine::fault::Code;
use provision_engine::input::{Handle, Input, hex};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::{Meaning, Operation, Reading, Scope, Service};
use provision_engine::owner::{Mark, Tags};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, HoldsData, Kind, Marked, Observed, Resource, check_tags, gone_is_done,
};
use provision_engine::secret::Secret;
use provision_engine::target::Target;
use provision_engine::wait::Wait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::arn::Arn;
use crate::calls::Calls;
use crate::tagging::{GET_RESOURCES, tagged};

const SSM: Service = Service::new(
    "Systems Manager",
    &[
        Reading::of("ParameterNotFound", Meaning::NotFound),
        // The tag operations' word for a parameter that does not exist.
        Reading::of("InvalidResourceId", Meaning::NotFound),
        Reading::of("ParameterAlreadyExists", Meaning::Exists),
        Reading::of("TooManyUpdates", Meaning::ConcurrentChange),
    ],
);

/// Names begin with a slash, which ARNs do not double.
const PARAMETER: Scope = Scope::new(
    "Parameter",
    &["arn:{partition}:ssm:{region}:{account}:parameter{name}"],
);
/// `ssm:DescribeParameters` is allowed on all parameters or on none.
const PARAMETERS: Scope = Scope::new("Parameters", &["*"]);

const GET: Operation = Operation::read(SSM, "GetParameter", &[PARAMETER.allow("ssm:GetParameter")])
    .rate(40, Duration::from_millis(25));
/// AWS documents no rate for it.
const DESCRIBE: Operation = Operation::read(
    SSM,
    "DescribeParameters",
    &[PARAMETERS.allow("ssm:DescribeParameters")],
)
.rate(10, Duration::from_millis(100));
const LIST_TAGS: Operation = Operation::read(
    SSM,
    "ListTagsForResource",
    &[PARAMETER.allow("ssm:ListTagsForResource")],
);
/// Creates a parameter, or overwrites one. Each call makes a version, so the engine looks before it repeats one.
///
/// The right to encrypt with a key of one's own (`kms:Encrypt`; `kms:GenerateDataKey` in the advanced tier) comes from the
/// key's policy: a scope here would grant it to stacks whose parameters have no such key, too.
const PUT: Operation = Operation::create(
    SSM,
    "PutParameter",
    &[
        PARAMETER.allow("ssm:PutParameter"),
        PARAMETER.allow("ssm:AddTagsToResource"),
    ],
)
.rate(3, Duration::from_millis(334));
const TAG: Operation = Operation::write(
    SSM,
    "AddTagsToResource",
    &[PARAMETER.allow("ssm:AddTagsToResource")],
);
const DELETE: Operation = Operation::write(
    SSM,
    "DeleteParameter",
    &[PARAMETER.allow("ssm:DeleteParameter")],
);

/// The tag with the version and the digest of the secret that the last `up` wrote: `3/0f1e…`.
const WRITTEN: &str = "provision:value";
/// The key that AWS takes where none is given.
const DEFAULT_KEY: &str = "alias/aws/ssm";
/// The value of a parameter whose secret an earlier `up` wrote.
const EARLIER: &str = "**** (of an earlier `up`)";
/// The value of a parameter whose secret somebody else wrote.
const FOREIGN: &str = "**** (of somebody else)";

/// A parameter of SSM's Parameter Store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parameter {
    /// The full name. Begins with a slash: `/shop/orders/table`.
    pub name: String,
    /// The type. AWS cannot change it.
    pub kind: ParameterKind,
    /// The text, or the source of the secret.
    pub value: ParameterValue,
    /// Up to 1024 characters; empty for none.
    pub description: String,
    /// The tier, which limits the size of the value.
    pub tier: Tier,
    /// The KMS key that encrypts a secret, by id, alias or ARN; `None` is AWS's own key. Its policy has to allow the person who
    /// deploys to encrypt with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Input<String>>,
    /// The tags that the declaration asks for; the stack adds its mark. Other tags of the resource are ignored.
    pub tags: Tags,
    /// Observed only: the parameter is in the advanced tier and declared in the standard one. AWS cannot change that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_tier_above_declared: bool,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterKind {
    /// A text.
    String,
    /// Texts with commas between them.
    StringList,
    /// An encrypted text.
    SecureString,
}

/// The tier of a parameter (AWS: "Managing parameter tiers").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tier {
    /// Values of up to 4096 characters, without charge.
    #[default]
    Standard,
    /// Values of up to 8192 characters, at a monthly price.
    Advanced,
    /// The standard tier, and the advanced one for values that need it.
    #[serde(rename = "Intelligent-Tiering")]
    IntelligentTiering,
}

/// The value of a parameter, as it is declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// The source of a secret.
    Secure(SecureValue),
    /// A text. In an observed `SecureString`, a note in the place of a secret that is not the declared one.
    Text(Input<String>),
}

/// The source of a secret. Does not contain the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecureValue {
    /// The environment variable of the person who deploys.
    pub environment: String,
}

/// The outputs of a [`Parameter`].
#[derive(Debug, Serialize, Deserialize)]
pub struct ParameterOutput {
    /// `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`.
    pub arn: Arn,
}

/// The outputs of a declared [`Parameter`].
pub trait ParameterHandle {
    /// Returns `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`.
    fn arn(&self) -> Input<Arn>;
}

impl ParameterHandle for Handle<Parameter> {
    fn arn(&self) -> Input<Arn> {
        self.output("arn")
    }
}

/// SSM's client.
trait Ssm {
    /// Returns the client.
    fn ssm(&self) -> Client;
}

impl Ssm for Aws {
    fn ssm(&self) -> Client {
        self.sdk(Client::new)
    }
}

impl Parameter {
    /// Returns a parameter with a text, in the standard tier. A name without a leading slash gets one.
    pub fn string(name: impl Into<String>, value: impl Into<Input<String>>) -> Self {
        let value = ParameterValue::Text(value.into());
        Self::new(name.into(), ParameterKind::String, value)
    }

    /// Returns a parameter with a secret, encrypted by the key that AWS manages for the account. A name without a leading slash
    /// gets one.
    pub fn secure(name: impl Into<String>, source: SecureValue) -> Self {
        let value = ParameterValue::Secure(source);
        Self::new(name.into(), ParameterKind::SecureString, value)
    }

    /// `x` and `/x` are one parameter; the form with the slash is the one in ARNs.
    fn new(name: String, kind: ParameterKind, value: ParameterValue) -> Self {
        Self {
            name: if name.starts_with('/') {
                name
            } else {
                format!("/{name}")
            },
            kind,
            value,
            description: String::new(),
            tier: Tier::Standard,
            key: None,
            tags: Tags::default(),
            is_tier_above_declared: false,
        }
    }
}

impl SecureValue {
    /// The value of the environment variable `name` of the person who deploys. It is read by `plan` and `up`.
    pub fn from_environment(name: impl Into<String>) -> Self {
        Self {
            environment: name.into(),
        }
    }

    /// Returns the secret, and tells every log to hide it; `None` if the variable is not set.
    fn read(&self, aws: &Aws) -> Option<Secret> {
        let secret = self.value()?;
        aws.events().send(&Event::Secret(secret.clone()));
        Some(secret)
    }

    fn value(&self) -> Option<Secret> {
        let value = env::var(&self.environment).ok();
        value.filter(|value| !value.is_empty()).map(Secret::new)
    }
}

impl From<SecureValue> for ParameterValue {
    fn from(source: SecureValue) -> Self {
        Self::Secure(source)
    }
}

/// Fields that `PutParameter` changes.
const PUT_FIELDS: &[&str] = &["value", "description", "tier", "key"];

impl Resource for Parameter {
    type Output = ParameterOutput;
    const KIND: Kind = Kind {
        search: &[&GET_RESOURCES],
        // AWS refuses another type within a hierarchy, and former versions would still show a text that became a secret.
        replace_on: &["kind", "is_tier_above_declared"],
        // A parameter is found by its name.
        stands_alone: true,
        // SSM checks nothing that a value names.
        by_name: &["value"],
        has_unique_name: true,
        ..Kind::new(
            "AWS::SSM::Parameter",
            "parameter",
            // The value is declared, or in the hands of the person who deploys: a later `up` writes it again.
            HoldsData::No,
            &[
                &GET,
                &DESCRIBE,
                &LIST_TAGS,
                &PUT,
                &TAG,
                &DELETE,
                &GET_RESOURCES,
            ],
        )
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => vec![&PUT],
            Act::Update(changes) => {
                // A secret's tag follows each version.
                let tagging: &[&str] = match self.kind {
                    ParameterKind::SecureString => &["value", "description", "tier", "key", "tags"],
                    ParameterKind::String | ParameterKind::StringList => &["tags"],
                };
                changes.calls(&[(PUT_FIELDS, &PUT), (tagging, &TAG)])
            }
            Act::Delete => vec![&DELETE],
        }
    }

    fn validate(&self, refusals: &mut Refusals) {
        refusals.check(check_parameter_name(&self.name));
        let name = &self.name;
        match (self.kind, &self.value) {
            (ParameterKind::SecureString, ParameterValue::Text(_)) => refusals.refuse(format!(
                "the value of the SecureString `{name}` is declared by its source, as in \
                 `SecureValue::from_environment(\"API_KEY\")`"
            )),
            (ParameterKind::String | ParameterKind::StringList, ParameterValue::Secure(_)) => {
                refusals.refuse(format!(
                    "`{name}` has a secret value, so its type must be `SecureString`"
                ));
            }
            (_, ParameterValue::Secure(source)) => {
                let variable = &source.environment;
                refusals.ensure(
                    !variable.is_empty() && !variable.contains(['=', '\0']),
                    format!("`{variable}` is not a valid name of an environment variable"),
                );
            }
            (_, ParameterValue::Text(text)) => {
                if let Ok(text) = text.get() {
                    refusals.check(self.check_value(text));
                }
            }
        }
        refusals.ensure(
            self.key.is_none() || self.kind == ParameterKind::SecureString,
            format!("`{name}` has a KMS key, which only a `SecureString` takes"),
        );
        let length = self.description.chars().count();
        refusals.ensure(
            length <= 1024,
            format!("the description of `{name}` has {length} characters; SSM takes 1024"),
        );
        refusals.check(check_tags(&self.tags));
    }

    // Without a cost: requests to standard parameters are free, and the price of an advanced one (US$ 0.05 a month) does not
    // depend on requests, which is all that a `Charge` can say.

    async fn prefetch(look: &Look) -> Result<()> {
        tagged(look).await.map(|_| ())
    }

    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let mut found = Vec::new();
        for tagged in tagged(seen.look).await?.iter() {
            let name = tagged.name("ssm", "parameter");
            let Some(name) = name.filter(|name| name.starts_with('/')) else {
                continue;
            };
            if seen.look.is_declared_name(Self::KIND.type_name, name) {
                continue;
            }
            let parameter = Self {
                tags: Tags(tagged.tags.clone()),
                ..Self::string(name, String::new())
            };
            let observed = parameter.observe(seen.look).await?;
            found.extend(observed.map(|observed| Marked::new(name, observed)));
        }
        Ok(found)
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        // A secret that changed in the environment is no change of somebody else.
        let is_earlier = observed.state.value == note(EARLIER);
        !is_earlier && self.tags.is_same_declaration(&observed.state.tags)
    }

    fn computed(&self, target: &Target) -> Value {
        json!({ "arn": self.arn_in(target) })
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        /// Lists lag behind a change by some seconds.
        const LISTED: Wait = Wait::new(
            "the parameter to be listed as it is",
            Duration::from_secs(2),
            Duration::from_secs(30),
        );
        let aws = look.aws();
        let doing = || format!("reading parameter `{}`", self.name);
        let read = LISTED.until(aws, async || {
            let Some(found) = self.get(aws).await? else {
                return Ok(Some(None));
            };
            let listed = self.describe(aws).await?;
            let listed = listed.filter(|listed| listed.version == found.version);
            Ok(listed.map(|listed| Some((found, listed))))
        });
        let Some((found, listed)) = read.await.with_context(doing)? else {
            return Ok(None);
        };
        let request = || {
            aws.ssm()
                .list_tags_for_resource()
                .resource_type(ResourceTypeForTagging::Parameter)
                .resource_id(&self.name)
                .send()
        };
        let tags: BTreeMap<String, String> = match aws.call(&LIST_TAGS, request).await {
            Ok(answer) => answer
                .tag_list
                .unwrap_or_default()
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect(),
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error).with_context(doing),
        };
        let arn = self.arn(aws).await?;
        let secret = match &self.value {
            ParameterValue::Secure(source) => source.read(aws),
            ParameterValue::Text(_) => None,
        };
        Ok(Some(Observed {
            ownership: look.ownership(&self.name, &self.tags, &tags),
            settled: true,
            state: self.state_of(&found, &listed, &tags, &arn, secret.as_ref()),
            output: ParameterOutput { arn },
        }))
    }

    async fn create(&self, aws: &Aws) -> Result<ParameterOutput> {
        // The first version, unless AWS goes on from a parameter of this name that was just deleted.
        const FIRST: i64 = 1;
        let value = self.read_value(aws)?;
        let arn = self.arn(aws).await?;
        let tags = self.tags_for(&value, FIRST, &arn);
        let version = self.put(aws, &value, Some(&tags)).await?;
        if version != FIRST && self.kind == ParameterKind::SecureString {
            self.tag(aws, &self.tags_for(&value, version, &arn)).await?;
        }
        Ok(ParameterOutput { arn })
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<ParameterOutput> {
        let mut tags = self.tags.clone();
        let mut is_tagged = changes.touch("tags");
        if PUT_FIELDS.iter().any(|field| changes.touch(field)) {
            let value = self.read_value(aws)?;
            // Tags are refused together with an overwrite.
            let version = self.put(aws, &value, None).await?;
            tags = self.tags_for(&value, version, &observed.output.arn);
            is_tagged |= self.kind == ParameterKind::SecureString;
        }
        if is_tagged {
            self.tag(aws, &tags).await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, _: Observed<Self>) -> Result<()> {
        let request = || aws.ssm().delete_parameter().name(&self.name).send();
        gone_is_done(aws.call(&DELETE, request).await)
    }
}

impl Parameter {
    fn arn_in(&self, target: &Target) -> String {
        target.arn("ssm", &format!("parameter{}", self.name))
    }

    async fn arn(&self, aws: &Aws) -> Result<Arn> {
        Ok(Arn(self.arn_in(aws.target().await?)))
    }

    /// Reads the newest version. A secret's value stays encrypted.
    async fn get(&self, aws: &Aws) -> Result<Option<Found>, AwsError> {
        let request = || aws.ssm().get_parameter().name(&self.name).send();
        match aws.call(&GET, request).await {
            Ok(answer) => Ok(answer.parameter),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads what only lists tell: description, tier and key. Pages may be empty and still have a token.
    async fn describe(&self, aws: &Aws) -> Result<Option<ParameterMetadata>> {
        let bare = &self.name[1..];
        // The filter wants the name as it was written by whoever created the parameter.
        let without_slash = (!bare.contains('/')).then(|| bare.to_owned());
        let names = std::iter::once(self.name.clone()).chain(without_slash);
        let filter = ParameterStringFilter::builder()
            .key("Name")
            .option("Equals")
            .set_values(Some(names.collect()))
            .build()?;
        let mut next: Option<String> = None;
        loop {
            let page = aws
                .call(&DESCRIBE, || {
                    aws.ssm()
                        .describe_parameters()
                        .parameter_filters(filter.clone())
                        .set_next_token(next.clone())
                        .send()
                })
                .await?;
            let mut parameters = page.parameters.unwrap_or_default().into_iter();
            let found = parameters.find(|parameter| {
                let name = parameter.name.as_deref().unwrap_or_default();
                name.strip_prefix('/').unwrap_or(name) == bare
            });
            next = page.next_token.filter(|token| !token.is_empty());
            if found.is_some() || next.is_none() {
                return Ok(found);
            }
        }
    }

    fn state_of(
        &self,
        found: &Found,
        listed: &ParameterMetadata,
        tags: &BTreeMap<String, String>,
        arn: &Arn,
        secret: Option<&Secret>,
    ) -> Self {
        let kind = match found.r#type {
            Some(ParameterType::SecureString) => ParameterKind::SecureString,
            Some(ParameterType::StringList) => ParameterKind::StringList,
            _ => ParameterKind::String,
        };
        let is_secure = |kind| kind == ParameterKind::SecureString;
        let value = if is_secure(kind) {
            let written = tags.get(WRITTEN).map(String::as_str);
            self.secret_of(written, found.version, arn, secret)
        } else if is_secure(self.kind) {
            // A text that is to become a secret may be that secret.
            note(FOREIGN)
        } else {
            ParameterValue::Text(found.value.clone().unwrap_or_default().into())
        };
        let is_advanced = listed.tier == Some(ParameterTier::Advanced);
        let tier = match self.tier {
            // AWS reports the tier that it chose.
            Tier::IntelligentTiering => Tier::IntelligentTiering,
            _ if is_advanced => Tier::Advanced,
            _ => Tier::Standard,
        };
        Self {
            name: self.name.clone(),
            kind,
            value,
            description: listed.description.clone().unwrap_or_default(),
            tier,
            key: self.key_of(listed.key_id.as_deref()),
            tags: self.tags.declared_part(tags),
            is_tier_above_declared: is_advanced && self.tier == Tier::Standard,
        }
    }

    /// Returns the declared source if its secret is what `version` contains, by the tag `written`. Without the secret at hand,
    /// the last one written counts as the declared one: only somebody who has the secret can change it.
    fn secret_of(
        &self,
        written: Option<&str>,
        version: i64,
        arn: &Arn,
        secret: Option<&Secret>,
    ) -> ParameterValue {
        let digest = written
            .and_then(|written| written.split_once('/'))
            .filter(|(of, _)| *of == version.to_string())
            .map(|(_, digest)| digest);
        let Some(digest) = digest else {
            return note(FOREIGN);
        };
        match &self.value {
            ParameterValue::Secure(_)
                if secret.is_none_or(|secret| digest_of(secret, arn) == digest) =>
            {
                self.value.clone()
            }
            _ => note(EARLIER),
        }
    }

    /// Returns the key in the declared form: AWS reports the form that the last writer used.
    fn key_of(&self, actual: Option<&str>) -> Option<Input<String>> {
        let actual = actual.filter(|key| !is_same_key(key, DEFAULT_KEY))?;
        let declared = self.key.as_ref().filter(|declared| {
            let declared = declared.get().ok();
            declared.is_some_and(|declared| is_same_key(declared, actual))
        });
        Some(
            declared
                .cloned()
                .unwrap_or_else(|| actual.to_owned().into()),
        )
    }

    /// Returns the value to write. A text is hidden as well until it is sent.
    fn read_value(&self, aws: &Aws) -> Result<Secret> {
        let value = match &self.value {
            ParameterValue::Text(text) => Secret::new(text.get()?.clone()),
            ParameterValue::Secure(source) => source.read(aws).ok_or_else(|| {
                let variable = &source.environment;
                let fault = Code::Argument.fault(format!(
                    "the environment variable `{variable}`, the source of parameter `{}`, is not set",
                    self.name
                ));
                anyhow!(fault.remedy(format!("set `{variable}` to the secret, and run it again")))
            })?,
        };
        self.check_value(value.reveal())?;
        Ok(value)
    }

    /// Returns an error for a value that SSM would refuse. Does not repeat the value.
    fn check_value(&self, value: &str) -> Result<()> {
        let most = match self.tier {
            Tier::Standard => 4096,
            Tier::Advanced | Tier::IntelligentTiering => 8192,
        };
        let (name, length) = (&self.name, value.chars().count());
        ensure!(
            length > 0,
            "the value of `{name}` is empty, which SSM refuses"
        );
        ensure!(
            length <= most,
            "the value of `{name}` has {length} characters; its tier takes {most}"
        );
        let is_nested = value
            .split_once("{{")
            .is_some_and(|(_, rest)| rest.contains("}}"));
        ensure!(
            !is_nested,
            "the value of `{name}` contains `{{{{…}}}}`, which SSM refuses"
        );
        Ok(())
    }

    /// Returns the tags of the version `version`: a secret's with its digest.
    fn tags_for(&self, value: &Secret, version: i64, arn: &Arn) -> Tags {
        match self.kind {
            ParameterKind::SecureString => {
                let written = format!("{version}/{}", digest_of(value, arn));
                self.tags.clone().with(WRITTEN, &written)
            }
            ParameterKind::String | ParameterKind::StringList => self.tags.clone(),
        }
    }

    /// Writes a version and returns its number. Creates the parameter if there are `tags`, otherwise overwrites it.
    async fn put(&self, aws: &Aws, value: &Secret, tags: Option<&Tags>) -> Result<i64> {
        let is_new = tags.is_some();
        let key = match (self.kind, &self.key) {
            (ParameterKind::SecureString, Some(key)) => Some(key.get()?.clone()),
            // Without it, an overwritten parameter keeps its former key.
            (ParameterKind::SecureString, None) => Some(DEFAULT_KEY.to_owned()),
            (ParameterKind::String | ParameterKind::StringList, _) => None,
        };
        // An empty one removes what there was.
        let description = (!is_new || !self.description.is_empty()).then_some(&self.description);
        let request = || {
            aws.ssm()
                .put_parameter()
                .name(&self.name)
                .value(value.reveal())
                .r#type(self.kind.into())
                .tier(self.tier.into())
                .overwrite(!is_new)
                .set_key_id(key.clone())
                .set_description(description.cloned())
                .set_tags(tags.map(ssm_tags))
                .send()
        };
        Ok(aws.call(&PUT, request).await?.version)
    }

    async fn tag(&self, aws: &Aws, tags: &Tags) -> Result<()> {
        let request = || {
            aws.ssm()
                .add_tags_to_resource()
                .resource_type(ResourceTypeForTagging::Parameter)
                .resource_id(&self.name)
                .set_tags(Some(ssm_tags(tags)))
                .send()
        };
        aws.call(&TAG, request).await?;
        Ok(())
    }
}

impl From<ParameterKind> for ParameterType {
    fn from(kind: ParameterKind) -> Self {
        match kind {
            ParameterKind::String => Self::String,
            ParameterKind::StringList => Self::StringList,
            ParameterKind::SecureString => Self::SecureString,
        }
    }
}

impl From<Tier> for ParameterTier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Standard => Self::Standard,
            Tier::Advanced => Self::Advanced,
            Tier::IntelligentTiering => Self::IntelligentTiering,
        }
    }
}

/// Returns an error for a name that SSM refuses (AWS: "Requirements and constraints for parameter names").
fn check_parameter_name(name: &str) -> Result<()> {
    const LONGEST_ARN: usize = 1011;
    const MOST_LEVELS: usize = 15;
    let Some(bare) = name.strip_prefix('/') else {
        bail!("a parameter's name begins with `/`: `{name}`");
    };
    for level in bare.split('/') {
        ensure!(
            !level.is_empty(),
            "a parameter's name has no empty level: `{name}`"
        );
        let odd = level
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && !"_.-".contains(*c));
        if let Some(odd) = odd {
            bail!("a parameter's name cannot contain `{odd}`: `{name}`");
        }
    }
    let lower = bare.to_ascii_lowercase();
    ensure!(
        !lower.starts_with("aws") && !lower.starts_with("ssm"),
        "a parameter's name cannot begin with `aws` or `ssm`, which are AWS's own: `{name}`"
    );
    let levels = bare.split('/').count();
    ensure!(
        levels <= MOST_LEVELS,
        "a parameter's name has at most {MOST_LEVELS} levels, not {levels}: `{name}`"
    );
    let arn = Target::longest().arn("ssm", &format!("parameter{name}"));
    ensure!(
        arn.len() <= LONGEST_ARN,
        "a parameter's ARN has at most {LONGEST_ARN} characters, not {}: `{name}`",
        arn.len()
    );
    Ok(())
}

/// A text in the place of a secret.
fn note(text: &str) -> ParameterValue {
    ParameterValue::Text(text.to_owned().into())
}

/// Returns true if both name one key: by id or alias, alone or at the end of an ARN.
fn is_same_key(one: &str, other: &str) -> bool {
    let bare = |key: &str| {
        let name = key.rsplit(':').next().unwrap_or(key);
        name.strip_prefix("key/").unwrap_or(name).to_owned()
    };
    bare(one) == bare(other)
}

/// Returns the digest of a secret, salted with the parameter's ARN: equal secrets of two parameters have different digests.
fn digest_of(secret: &Secret, arn: &Arn) -> String {
    /// About 0.1 s of work for each guess.
    const ROUNDS: u32 = 100_000;
    /// Bytes of the digest that are kept.
    const KEPT: usize = 16;
    let digest = pbkdf2(secret.reveal().as_bytes(), arn.0.as_bytes(), ROUNDS);
    hex(&digest[..KEPT])
}

/// Returns the first block of PBKDF2 with HMAC-SHA-256 (RFC 8018).
fn pbkdf2(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 32] {
    let keyed =
        <Hmac<Sha256> as KeyInit>::new_from_slice(password).expect("a key of any length fits");
    let mac = |parts: [&[u8]; 2]| -> [u8; 32] {
        let mut mac = keyed.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    };
    let mut last = mac([salt, &1_u32.to_be_bytes()]);
    let mut block = last;
    for _ in 1..rounds {
        last = mac([&last, &[]]);
        for (byte, other) in block.iter_mut().zip(last) {
            *byte ^= other;
        }
    }
    block
}

fn ssm_tags(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.0.iter().filter_map(|pair| tag(pair).ok()).collect()
}

#[cfg(test)]
mod tests {
    use provision_engine::diff::diff;
    use provision_engine::owner::DECLARATION;

    use super::*;

    const SOURCE: &str = "STRIPE_KEY";

    fn arn() -> Arn {
        Arn("arn:aws:ssm:eu-west-1:111122223333:parameter/shop/key".to_owned())
    }

    fn text() -> Parameter {
        Parameter::string("/shop/key", "v".to_owned())
    }

    fn secure() -> Parameter {
        Parameter::secure("/shop/key", SecureValue::from_environment(SOURCE))
    }

    fn found(kind: ParameterType, value: &str, version: i64) -> Found {
        Found::builder()
            .r#type(kind)
            .value(value)
            .version(version)
            .build()
    }

    fn written(secret: &str, version: i64) -> BTreeMap<String, String> {
        secure().tags_for(&Secret::new(secret), version, &arn()).0
    }

    /// The changes from what exists to `declared`.
    fn changes(
        declared: &Parameter,
        found: &Found,
        listed: &ParameterMetadata,
        tags: &BTreeMap<String, String>,
        secret: Option<&str>,
    ) -> Changes {
        let secret = secret.map(Secret::new);
        let state = declared.state_of(found, listed, tags, &arn(), secret.as_ref());
        diff(
            &fields(&state),
            &fields(declared),
            Parameter::KIND.replace_on,
        )
    }

    fn fields(parameter: &Parameter) -> Value {
        serde_json::to_value(parameter).unwrap()
    }

    fn listed() -> ParameterMetadata {
        ParameterMetadata::builder()
            .tier(ParameterTier::Standard)
            .build()
    }

    #[test]
    fn names_keep_to_the_grammar() {
        let check = |name: &str| check_parameter_name(name).is_ok();
        assert!(check("/shop/Orders_2/table.name-x"));
        assert!(check(&"/a".repeat(15)));
        for name in [
            "", "x", "/", "/a//b", "/a/", "/a b", "/a:1", "/ü", "/aws/x", "/AWSx", "/ssm-x",
        ] {
            assert!(!check(name), "{name}");
        }
        assert!(!check(&"/a".repeat(16)));
        assert!(check(&format!("/{}", "a".repeat(900))));
        assert!(!check(&format!("/{}", "a".repeat(1000))));
    }

    #[test]
    fn a_slash_is_added_once() {
        assert_eq!(Parameter::string("x", "v".to_owned()).name, "/x");
        let target = Target::longest();
        assert!(text().arn_in(&target).ends_with(":parameter/shop/key"));
    }

    fn refusals_of(parameter: &Parameter) -> Vec<String> {
        let mut refusals = Refusals::default();
        parameter.validate(&mut refusals);
        refusals.into_texts()
    }

    #[test]
    fn values_have_the_size_of_their_tier() {
        let of = |tier, length: usize| {
            let mut parameter = Parameter::string("/x", "v".repeat(length));
            parameter.tier = tier;
            refusals_of(&parameter).is_empty()
        };
        assert!(of(Tier::Standard, 4096));
        assert!(!of(Tier::Standard, 4097));
        assert!(of(Tier::Advanced, 8192));
        assert!(of(Tier::IntelligentTiering, 4097));
        assert!(!of(Tier::Advanced, 8193));
        assert!(!of(Tier::Standard, 0));
        let reference = Parameter::string("/x", "{{ssm:y}}".to_owned());
        assert_eq!(refusals_of(&reference).len(), 1);
    }

    #[test]
    fn type_value_and_key_fit_together() {
        assert!(refusals_of(&text()).is_empty());
        assert!(refusals_of(&secure()).is_empty());
        let mut open = secure();
        open.value = note("sk_live");
        let refusals = refusals_of(&open);
        assert_eq!(refusals.len(), 1);
        assert!(!refusals[0].contains("sk_live"), "{refusals:?}");
        let mut plain = text();
        plain.key = Some("alias/shop".to_owned().into());
        assert_eq!(refusals_of(&plain).len(), 1);
        let mut unnamed = secure();
        unnamed.value = SecureValue::from_environment("A=B").into();
        assert_eq!(refusals_of(&unnamed).len(), 1);
        let mut long = text();
        long.description = "d".repeat(1025);
        assert_eq!(refusals_of(&long).len(), 1);
    }

    #[test]
    fn fields_survive_a_round_trip() {
        let reference: Input<String> = serde_json::from_value(json!({ "$ref": "t.arn" })).unwrap();
        let mut keyed = secure();
        keyed.key = Some("alias/shop".to_owned().into());
        for parameter in [text(), keyed, Parameter::string("/x", reference)] {
            let value = fields(&parameter);
            let read: Parameter = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(read.value, parameter.value);
            assert_eq!(fields(&read), value);
        }
        assert_eq!(
            fields(&secure()),
            json!({
                "name": "/shop/key",
                "kind": "SecureString",
                "value": { "environment": "STRIPE_KEY" },
                "description": "",
                "tier": "Standard",
                "tags": {},
            })
        );
    }

    #[test]
    fn a_secret_comes_from_the_environment() {
        // Cargo sets this variable for tests.
        let secret = SecureValue::from_environment("CARGO_PKG_NAME").value();
        let secret = secret.unwrap();
        assert_eq!(secret.reveal(), env!("CARGO_PKG_NAME"));
        assert_eq!(format!("{secret:?}"), "****");
        let missing = SecureValue::from_environment("PROVISION_TEST_NOT_SET");
        assert!(missing.value().is_none());
    }

    #[test]
    fn a_text_is_compared_with_its_value() {
        let (tags, listed) = (BTreeMap::new(), listed());
        let kept = found(ParameterType::String, "v", 2);
        assert!(changes(&text(), &kept, &listed, &tags, None).is_empty());
        let other = found(ParameterType::String, "w", 2);
        assert!(changes(&text(), &other, &listed, &tags, None).touch("value"));
    }

    #[test]
    fn a_secret_is_compared_by_version_and_digest() {
        let declared = secure();
        let exists = found(ParameterType::SecureString, "AQICAHg=", 3);
        let to = |tags: &BTreeMap<String, String>, secret| {
            let changes = changes(&declared, &exists, &listed(), tags, secret);
            let value = changes.0.iter().find(|change| change.field == "value");
            value.map(|change| change.from.as_str().unwrap_or_default().to_owned())
        };
        let tags = written("sk_live", 3);
        assert_eq!(to(&tags, Some("sk_live")), None);
        assert_eq!(to(&tags, None), None, "whoever has no secret keeps it");
        assert_eq!(to(&tags, Some("sk_new")).as_deref(), Some(EARLIER));
        let behind = written("sk_live", 2);
        assert_eq!(to(&behind, Some("sk_live")).as_deref(), Some(FOREIGN));
        assert_eq!(to(&behind, None).as_deref(), Some(FOREIGN));
        assert_eq!(to(&BTreeMap::new(), None).as_deref(), Some(FOREIGN));
        assert!(tags.values().all(|value| !value.contains("sk_live")));
    }

    #[test]
    fn a_secret_that_changed_in_the_environment_is_no_drift() {
        let mut declared = secure();
        declared.tags = declared.tags.with(DECLARATION, "abc");
        let mut tags = written("sk_live", 1);
        tags.insert(DECLARATION.to_owned(), "abc".to_owned());
        let is_last_declared = |version, secret: &str| {
            let exists = found(ParameterType::SecureString, "", version);
            let secret = Secret::new(secret);
            let state = declared.state_of(&exists, &listed(), &tags, &arn(), Some(&secret));
            let output = ParameterOutput { arn: arn() };
            declared.is_last_declared(&Observed::ours(state, output))
        };
        assert!(is_last_declared(1, "sk_live"));
        assert!(!is_last_declared(1, "sk_new"));
        assert!(is_last_declared(2, "sk_live"), "somebody else wrote it");
    }

    #[test]
    fn a_text_that_becomes_a_secret_is_replaced_and_not_shown() {
        let exists = found(ParameterType::String, "sk_live", 1);
        let changes = changes(&secure(), &exists, &listed(), &BTreeMap::new(), None);
        assert!(changes.replace());
        let shown = serde_json::to_string(&changes).unwrap();
        assert!(!shown.contains("sk_live"), "{shown}");
    }

    #[test]
    fn a_tier_is_raised_in_place_and_lowered_by_replacement() {
        let exists = found(ParameterType::String, "v", 1);
        let advanced = ParameterMetadata::builder()
            .tier(ParameterTier::Advanced)
            .build();
        let of = |tier, listed: &ParameterMetadata| {
            let mut declared = text();
            declared.tier = tier;
            changes(&declared, &exists, listed, &BTreeMap::new(), None)
        };
        let raised = of(Tier::Advanced, &listed());
        assert!(raised.touch("tier") && !raised.replace());
        assert!(of(Tier::Standard, &advanced).replace());
        assert!(of(Tier::Advanced, &advanced).is_empty());
        assert!(of(Tier::IntelligentTiering, &advanced).is_empty());
        assert!(of(Tier::IntelligentTiering, &listed()).is_empty());
    }

    #[test]
    fn a_key_has_several_forms() {
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let arn = format!("arn:aws:kms:eu-west-1:111122223333:key/{id}");
        assert!(is_same_key(&arn, id));
        assert!(is_same_key(
            "arn:aws:kms:eu-west-1:111122223333:alias/shop",
            "alias/shop"
        ));
        assert!(!is_same_key(id, "alias/shop"));
        let mut declared = secure();
        declared.key = Some(arn.into());
        assert_eq!(declared.key_of(Some(id)), declared.key);
        assert_eq!(declared.key_of(Some(DEFAULT_KEY)), None);
        assert_eq!(secure().key_of(Some(id)), Some(id.to_owned().into()));
    }

    #[test]
    fn a_written_secret_is_tagged() {
        let value = json!({ "value": 1 });
        let changes = diff(&value, &json!({ "value": 2 }), &[]);
        let names = |parameter: &Parameter| {
            let calls = parameter.calls(Act::Update(&changes));
            calls.iter().map(|call| call.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&text()), ["PutParameter"]);
        assert_eq!(names(&secure()), ["PutParameter", "AddTagsToResource"]);
    }

    #[test]
    fn digests_are_salted_by_the_standard() {
        // RFC 7914, section 11.
        let block = pbkdf2(b"passwd", b"salt", 1);
        assert_eq!(
            hex(&block),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        );
        let block = pbkdf2(b"Password", b"NaCl", 80_000);
        assert_eq!(
            hex(&block),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
        );
        let secret = Secret::new("sk_live");
        let other = Arn("arn:aws:ssm:eu-west-1:111122223333:parameter/other".to_owned());
        assert_ne!(digest_of(&secret, &arn()), digest_of(&secret, &other));
    }
}
