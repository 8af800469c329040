//! A resource of any kind, as the engine handles it.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::LocalBoxFuture;
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::kinds::Entry;
use super::{Act, ForeignPart, Kind, Observation, Observed, Resource};
use crate::aws::Aws;
use crate::cost::Charge;
use crate::declaration::Declaration;
use crate::diff::Changes;
use crate::look::Look;
use crate::observe::Seen;
use crate::operation::Operation;
use crate::owner::Mark;
use crate::refusals::Refusals;
use crate::secret::Secret;
use crate::target::Target;
use crate::warning::Warning;

/// A resource of any kind.
pub struct AnyResource(Box<dyn Erased>);

/// [`Resource`] without its types.
trait Erased {
    fn entry(&self) -> &'static Entry;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn boxed(&self) -> Box<dyn Erased>;
    fn as_debug(&self) -> &dyn fmt::Debug;
    fn name(&self) -> String;
    fn fields(&self) -> Value;
    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation>;
    fn mark(&mut self, mark: &Mark<'_>);
    fn is_last_declared(&self, observed: &Observation) -> bool;
    fn is_protected(&self, observed: &Observation) -> bool;
    fn validate(&self, refusals: &mut Refusals);
    fn validate_among(&self, id: &str, declaration: &Declaration, refusals: &mut Refusals);
    fn warnings(&self, declaration: &Declaration) -> Vec<Warning>;
    fn computed(&self, target: &Target) -> Value;
    fn container(&self) -> Option<&str>;
    fn lane(&self) -> Option<String>;
    fn typical_wait(&self, act: Act<'_>) -> Duration;
    fn cost(&self, region: &str) -> Vec<Charge>;
    fn observe(&self, look: Look) -> LocalBoxFuture<'_, Result<Option<Observation>>>;
    fn create(&self, aws: Aws) -> LocalBoxFuture<'_, Result<Value>>;
    fn update<'a>(
        &'a self,
        aws: Aws,
        observed: &'a Observation,
        changes: &'a Changes,
    ) -> LocalBoxFuture<'a, Result<Value>>;
    fn delete<'a>(&'a self, aws: Aws, observed: &'a Observation) -> LocalBoxFuture<'a, Result<()>>;
    fn retire<'a>(&'a self, aws: Aws, observed: &'a Observation) -> LocalBoxFuture<'a, Result<()>>;
    fn settle(&self, aws: Aws) -> LocalBoxFuture<'_, Result<()>>;
    fn foreign_parts<'a>(
        &'a self,
        observed: &'a Observation,
        seen: &'a Seen<'a>,
    ) -> LocalBoxFuture<'a, Result<Vec<ForeignPart>>>;
    fn obstacles<'a>(&'a self, seen: &'a Seen<'a>) -> LocalBoxFuture<'a, Result<Vec<ForeignPart>>>;
    fn losses(&self, aws: Aws) -> LocalBoxFuture<'_, Result<Option<String>>>;
    fn secret<'a>(
        &'a self,
        aws: Aws,
        output: &'a Value,
    ) -> LocalBoxFuture<'a, Result<Option<Secret>>>;
}

impl<R: Resource> Erased for R {
    fn entry(&self) -> &'static Entry {
        Entry::of::<R>()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn boxed(&self) -> Box<dyn Erased> {
        Box::new(self.clone())
    }

    fn as_debug(&self) -> &dyn fmt::Debug {
        self
    }

    fn name(&self) -> String {
        Resource::name(self)
    }

    fn fields(&self) -> Value {
        to_value(self)
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        Resource::calls(self, act)
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        Resource::mark(self, mark);
    }

    fn is_last_declared(&self, observed: &Observation) -> bool {
        restore(observed).is_ok_and(|observed| Resource::is_last_declared(self, &observed))
    }

    fn is_protected(&self, observed: &Observation) -> bool {
        restore(observed).is_ok_and(|observed| R::is_protected(&observed))
    }

    fn validate(&self, refusals: &mut Refusals) {
        Resource::validate(self, refusals);
    }

    fn validate_among(&self, id: &str, declaration: &Declaration, refusals: &mut Refusals) {
        Resource::validate_among(self, id, declaration, refusals);
    }

    fn warnings(&self, declaration: &Declaration) -> Vec<Warning> {
        Resource::warnings(self, declaration)
    }

    fn computed(&self, target: &Target) -> Value {
        Resource::computed(self, target)
    }

    fn container(&self) -> Option<&str> {
        Resource::container(self)
    }

    fn lane(&self) -> Option<String> {
        Resource::lane(self)
    }

    fn typical_wait(&self, act: Act<'_>) -> Duration {
        Resource::typical_wait(self, act)
    }

    fn cost(&self, region: &str) -> Vec<Charge> {
        Resource::cost(self, region)
    }

    fn observe(&self, look: Look) -> LocalBoxFuture<'_, Result<Option<Observation>>> {
        Box::pin(async move { Ok(Resource::observe(self, &look).await?.map(erase)) })
    }

    fn create(&self, aws: Aws) -> LocalBoxFuture<'_, Result<Value>> {
        Box::pin(async move { Ok(to_value(&Resource::create(self, &aws).await?)) })
    }

    fn update<'a>(
        &'a self,
        aws: Aws,
        observed: &'a Observation,
        changes: &'a Changes,
    ) -> LocalBoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            let observed = restore(observed)?;
            let updated = Resource::update(self, &aws, observed, changes).await?;
            Ok(to_value(&updated))
        })
    }

    fn delete<'a>(&'a self, aws: Aws, observed: &'a Observation) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move { Resource::delete(self, &aws, restore(observed)?).await })
    }

    fn retire<'a>(&'a self, aws: Aws, observed: &'a Observation) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move { Resource::retire(self, &aws, restore(observed)?).await })
    }

    fn settle(&self, aws: Aws) -> LocalBoxFuture<'_, Result<()>> {
        Box::pin(async move { Resource::settle(self, &aws).await })
    }

    fn foreign_parts<'a>(
        &'a self,
        observed: &'a Observation,
        seen: &'a Seen<'a>,
    ) -> LocalBoxFuture<'a, Result<Vec<ForeignPart>>> {
        Box::pin(async move { Resource::foreign_parts(self, &restore(observed)?, seen).await })
    }

    fn obstacles<'a>(&'a self, seen: &'a Seen<'a>) -> LocalBoxFuture<'a, Result<Vec<ForeignPart>>> {
        Box::pin(async move { Resource::obstacles(self, seen).await })
    }

    fn losses(&self, aws: Aws) -> LocalBoxFuture<'_, Result<Option<String>>> {
        Box::pin(async move { Resource::losses(self, &aws).await })
    }

    fn secret<'a>(
        &'a self,
        aws: Aws,
        output: &'a Value,
    ) -> LocalBoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(async move { Resource::secret(self, &aws, &from_value(output)?).await })
    }
}

impl AnyResource {
    /// The facts of its kind.
    pub fn kind(&self) -> &'static Kind {
        &self.entry().kind
    }

    /// CloudFormation's name of its kind.
    pub fn type_name(&self) -> &'static str {
        self.kind().type_name
    }

    /// The common noun of its kind.
    pub fn noun(&self) -> &'static str {
        self.kind().noun
    }

    pub(crate) fn entry(&self) -> &'static Entry {
        self.0.entry()
    }

    /// Returns it as an `R`, if it is one.
    pub fn get<R: Resource>(&self) -> Option<&R> {
        self.0.as_any().downcast_ref()
    }

    /// Returns it as an `R` that can be changed, if it is one.
    pub fn get_mut<R: Resource>(&mut self) -> Option<&mut R> {
        self.0.as_any_mut().downcast_mut()
    }

    /// Returns true if it is an `R`.
    pub fn is<R: Resource>(&self) -> bool {
        self.get::<R>().is_some()
    }

    /// The name that people know it by.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Noun and name: ``log group `x` ``.
    pub fn label(&self) -> String {
        format!("{} `{}`", self.noun(), self.name())
    }

    /// The declaration's fields as data, references included.
    pub fn fields(&self) -> Value {
        self.0.fields()
    }

    /// Returns a resource of the same kind with other fields, as after resolving references.
    pub fn with_fields(&self, fields: &Value) -> Result<Self> {
        (self.entry().restore)(fields)
    }

    /// See [`Resource::calls`].
    pub fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        self.0.calls(act)
    }

    /// See [`Resource::mark`].
    pub fn mark(&mut self, mark: &Mark<'_>) {
        self.0.mark(mark);
    }

    /// See [`Resource::is_last_declared`].
    pub fn is_last_declared(&self, observed: &Observation) -> bool {
        self.0.is_last_declared(observed)
    }

    /// See [`Resource::is_protected`].
    pub fn is_protected(&self, observed: &Observation) -> bool {
        self.0.is_protected(observed)
    }

    /// See [`Resource::validate`].
    pub fn validate(&self, refusals: &mut Refusals) {
        self.0.validate(refusals);
    }

    /// See [`Resource::validate_among`].
    pub fn validate_among(&self, id: &str, declaration: &Declaration, refusals: &mut Refusals) {
        self.0.validate_among(id, declaration, refusals);
    }

    /// See [`Resource::warnings`].
    pub fn warnings(&self, declaration: &Declaration) -> Vec<Warning> {
        self.0.warnings(declaration)
    }

    /// See [`Resource::computed`].
    pub fn computed(&self, target: &Target) -> Value {
        self.0.computed(target)
    }

    /// See [`Resource::container`].
    pub fn container(&self) -> Option<&str> {
        self.0.container()
    }

    /// See [`Resource::lane`].
    pub fn lane(&self) -> Option<String> {
        self.0.lane()
    }

    /// See [`Resource::typical_wait`].
    pub fn typical_wait(&self, act: Act<'_>) -> Duration {
        self.0.typical_wait(act)
    }

    /// See [`Resource::cost`].
    pub fn cost(&self, region: &str) -> Vec<Charge> {
        self.0.cost(region)
    }

    /// See [`Resource::observe`].
    pub async fn observe(&self, look: &Look) -> Result<Option<Observation>> {
        self.0.observe(look.for_kind(self.kind().operations)).await
    }

    /// See [`Resource::create`].
    pub async fn create(&self, aws: &Aws) -> Result<Value> {
        self.0.create(self.connection(aws)).await
    }

    /// See [`Resource::update`].
    pub async fn update(
        &self,
        aws: &Aws,
        observed: &Observation,
        changes: &Changes,
    ) -> Result<Value> {
        let aws = self.connection(aws);
        self.0.update(aws, observed, changes).await
    }

    /// See [`Resource::delete`].
    pub async fn delete(&self, aws: &Aws, observed: &Observation) -> Result<()> {
        self.0.delete(self.connection(aws), observed).await
    }

    /// See [`Resource::retire`].
    pub async fn retire(&self, aws: &Aws, observed: &Observation) -> Result<()> {
        self.0.retire(self.connection(aws), observed).await
    }

    /// See [`Resource::settle`].
    pub async fn settle(&self, aws: &Aws) -> Result<()> {
        self.0.settle(self.connection(aws)).await
    }

    /// See [`Resource::foreign_parts`].
    pub async fn foreign_parts(
        &self,
        observed: &Observation,
        seen: &Seen<'_>,
    ) -> Result<Vec<ForeignPart>> {
        self.0.foreign_parts(observed, seen).await
    }

    /// See [`Resource::obstacles`].
    pub async fn obstacles(&self, seen: &Seen<'_>) -> Result<Vec<ForeignPart>> {
        self.0.obstacles(seen).await
    }

    /// See [`Resource::losses`].
    pub async fn losses(&self, aws: &Aws) -> Result<Option<String>> {
        self.0.losses(self.connection(aws)).await
    }

    /// See [`Resource::secret`].
    pub async fn secret(&self, aws: &Aws, output: &Value) -> Result<Option<Secret>> {
        self.0.secret(self.connection(aws), output).await
    }

    fn connection(&self, aws: &Aws) -> Aws {
        aws.for_kind(self.kind().operations)
    }

    /// The names of all outputs that others can refer to.
    pub(crate) fn output_names(&self) -> BTreeSet<String> {
        let given = (self.entry().outputs)().iter();
        let given = given.map(|name| (*name).to_owned());
        given.chain(self.computed_names()).collect()
    }

    /// The names of the outputs that are known without AWS.
    pub(crate) fn computed_names(&self) -> BTreeSet<String> {
        let computed = self.computed(&Target::longest());
        let computed = computed.as_object().into_iter().flatten();
        let computed = computed.map(|(name, _)| name.clone());
        computed.chain(["name".to_owned()]).collect()
    }
}

impl<R: Resource> From<R> for AnyResource {
    fn from(resource: R) -> Self {
        Self(Box::new(resource))
    }
}

impl Clone for AnyResource {
    fn clone(&self) -> Self {
        Self(self.0.boxed())
    }
}

impl fmt::Debug for AnyResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_debug().fmt(f)
    }
}

impl PartialEq for AnyResource {
    fn eq(&self, other: &Self) -> bool {
        self.type_name() == other.type_name() && self.fields() == other.fields()
    }
}

/// `{"type": "AWS::…", …fields}`, as [`Kinds::read`](super::Kinds::read) reads it.
impl Serialize for AnyResource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::Map::new();
        value.insert("type".to_owned(), self.type_name().into());
        value.extend(self.fields().as_object().cloned().unwrap_or_default());
        value.serialize(serializer)
    }
}

pub(super) fn erase<R: Resource>(observed: Observed<R>) -> Observation {
    Observation {
        state: to_value(&observed.state),
        output: to_value(&observed.output),
        ownership: observed.ownership,
        settled: observed.settled,
    }
}

pub(crate) fn restore<R: Resource>(observation: &Observation) -> Result<Observed<R>> {
    Ok(Observed {
        state: from_value(&observation.state)?,
        output: from_value(&observation.output)?,
        ownership: observation.ownership.clone(),
        settled: observation.settled,
    })
}

fn to_value<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("resources serialise to JSON")
}

pub(super) fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value).context("a resource's fields do not have the declared types")
}

/// Returns the names of a struct's fields, as its `Deserialize` lists them.
pub fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    struct Names<'a>(&'a mut &'static [&'static str]);

    impl<'de> Deserializer<'de> for Names<'_> {
        type Error = serde::de::value::Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(serde::de::Error::custom("only the names are wanted"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = fields;
            self.deserialize_any(visitor)
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut names: &'static [&'static str] = &[];
    let _ = T::deserialize(Names(&mut names));
    names
}
