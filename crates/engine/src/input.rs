//! Inputs: known values, and references to the outputs of other resources.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A known value, or an expression over outputs of other resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input<T> {
    /// An expression that is not resolved yet.
    Expr(Expr),
    /// A value.
    Known(T),
}

/// References as plain data, so that plans can be stored and edges read from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expr {
    /// The output `id.name` of another resource.
    #[serde(rename = "$ref")]
    Ref(String),
    /// The concatenation of the parts.
    #[serde(rename = "$join")]
    Join(Vec<Value>),
    /// The SHA-256 (hex) of the parts, in order.
    #[serde(rename = "$digest")]
    Digest(Vec<Value>),
}

/// An input that was needed before the resource that produces it exists.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not known yet")]
pub struct Unresolved(String);

impl<T> Input<T> {
    /// Returns the value, once references are resolved.
    pub fn get(&self) -> Result<&T, Unresolved> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Expr(Expr::Ref(path)) => Err(Unresolved(format!("`{path}`"))),
            Self::Expr(_) => Err(Unresolved("a value computed from other resources".into())),
        }
    }
}

impl<T> Input<T> {
    /// An input that cannot be made, for the reason in `text`: a declaration with it is refused.
    pub fn mistake(text: &str) -> Self {
        Self::Expr(Expr::Ref(format!("!{text}")))
    }

    /// Returns the id of the resource that this refers to, if it refers to one.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Expr(Expr::Ref(path)) => path.rsplit_once('.').map(|(id, _)| id),
            _ => None,
        }
    }
}

impl<T: Serialize> Input<T> {
    /// Returns the input as JSON, for places with another type, such as policy documents.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("inputs serialise to JSON")
    }

    /// Returns this input as a text.
    pub fn text(&self) -> Input<String> {
        match self {
            Self::Expr(expr) => Input::Expr(expr.clone()),
            Self::Known(_) => self.join(""),
        }
    }

    /// Returns this input followed by `tail`.
    pub fn join<U>(&self, tail: &str) -> Input<U> {
        Input::Expr(Expr::Join(vec![self.to_value(), tail.into()]))
    }
}

impl<T> From<T> for Input<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

/// Returns the digest of several inputs, which changes when any of them does.
pub fn digest<T: Serialize, U>(parts: impl IntoIterator<Item = Input<T>>) -> Input<U> {
    Input::Expr(Expr::Digest(
        parts.into_iter().map(|part| part.to_value()).collect(),
    ))
}

/// A collection without an order on AWS: equal whatever the order of its items.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Set<T>(Vec<T>);

impl<T: Serialize> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items: Vec<T> = items.into_iter().collect();
        items.sort_by_cached_key(|item| serde_json::to_string(item).unwrap_or_default());
        Self(items)
    }
}

impl<'de, T: Serialize + Deserialize<'de>> Deserialize<'de> for Set<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

impl<T> std::ops::Deref for Set<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

/// A reference to a resource that is in a stack, or that exists already and belongs to others.
pub struct Handle<R> {
    id: String,
    source: Source,
    kind: PhantomData<fn() -> R>,
}

/// The place that a handle's outputs come from.
#[derive(Clone, Debug, PartialEq)]
enum Source {
    /// The stack with this number.
    Stack(u32),
    /// Outputs of a resource that exists already.
    Existing(BTreeMap<&'static str, Value>),
}

impl<R> Handle<R> {
    /// Refers to the resource `id` of a stack.
    pub(crate) fn new(stack: u32, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            source: Source::Stack(stack),
            kind: PhantomData,
        }
    }

    /// Refers to a resource that exists already: it is used, and never created, changed or deleted. `outputs` are its outputs by
    /// name, among them `name`.
    pub fn existing(outputs: impl IntoIterator<Item = (&'static str, Input<String>)>) -> Self {
        let outputs: BTreeMap<&str, Value> = outputs
            .into_iter()
            .map(|(name, value)| (name, value.to_value()))
            .collect();
        let name = outputs.get("name").and_then(Value::as_str);
        Self {
            id: name.unwrap_or("existing").to_owned(),
            source: Source::Existing(outputs),
            kind: PhantomData,
        }
    }

    /// The resource's id within the stack; of a resource that exists already, its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns true if the resource is not part of a stack, but exists already.
    pub fn is_existing(&self) -> bool {
        matches!(self.source, Source::Existing(_))
    }

    /// The number of the stack that the resource is part of.
    pub(crate) fn stack(&self) -> Option<u32> {
        match self.source {
            Source::Stack(number) => Some(number),
            Source::Existing(_) => None,
        }
    }

    /// Returns the resource's name, which is known from its declaration.
    pub fn name(&self) -> Input<String> {
        self.output("name")
    }

    /// Returns an output of this resource by its name. Kinds wrap this in methods with the output's type.
    pub fn output<T>(&self, name: &str) -> Input<T> {
        let id = &self.id;
        match &self.source {
            Source::Stack(number) => Input::Expr(Expr::Ref(format!("#{number}#{id}.{name}"))),
            Source::Existing(outputs) => match outputs.get(name) {
                Some(value) => Input::Expr(Expr::Join(vec![value.clone()])),
                None => Input::mistake(&format!(
                    "nothing is known of the `{name}` of `{id}`, which exists already"
                )),
            },
        }
    }
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            source: self.source.clone(),
            kind: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("id", &self.id)
            .field("source", &self.source)
            .finish()
    }
}

/// The id whose outputs tell of the account that is deployed to: `{"$ref": "aws.region"}`.
pub(crate) const TARGET: &str = "aws";
pub(crate) const TARGET_OUTPUTS: [&str; 3] = ["account", "partition", "region"];

/// The known outputs of each resource, by its id.
#[derive(Clone, Debug, Default)]
pub struct Outputs(BTreeMap<String, serde_json::Map<String, Value>>);

impl Outputs {
    /// Adds the fields of `outputs` to the known outputs of `id`; `null` is not known yet. Returns true if one is new or differs.
    pub fn learn(&mut self, id: &str, outputs: &Value) -> bool {
        let known = self.0.entry(id.to_owned()).or_default();
        let mut is_new = false;
        for (name, value) in outputs.as_object().into_iter().flatten() {
            if !value.is_null() && known.get(name) != Some(value) {
                known.insert(name.clone(), value.clone());
                is_new = true;
            }
        }
        is_new
    }

    /// Keeps the outputs of the resources that `is_meant` selects, and those of the account.
    #[must_use]
    pub fn of(mut self, is_meant: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|id, _| id == TARGET || is_meant(id));
        self
    }

    /// Returns all known outputs of a resource.
    pub fn of_resource(&self, id: &str) -> Option<Value> {
        self.0.get(id).cloned().map(Value::Object)
    }

    /// Returns the output at `id.name`, if it is known.
    pub fn lookup(&self, path: &str) -> Option<&Value> {
        let (id, name) = path.rsplit_once('.')?;
        self.0.get(id)?.get(name)
    }

    /// Returns `value` with every known reference replaced; the others stay.
    pub fn resolve(&self, value: &Value) -> Value {
        if let Some(expr) = as_expr(value) {
            return self.evaluate(&expr).unwrap_or_else(|| value.clone());
        }
        match value {
            Value::Array(items) => items.iter().map(|item| self.resolve(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| (name.clone(), self.resolve(field)))
                .collect(),
            other => other.clone(),
        }
    }

    fn evaluate(&self, expr: &Expr) -> Option<Value> {
        match expr {
            Expr::Ref(path) => self.lookup(path).cloned(),
            Expr::Join(parts) => self.texts(parts).map(|texts| texts.concat().into()),
            Expr::Digest(parts) => {
                let mut hash = Sha256::new();
                for text in self.texts(parts)? {
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text);
                }
                Some(hex(&hash.finalize()).into())
            }
        }
    }

    /// The parts as text, once all of them are known: numbers and truth values as they are written.
    fn texts(&self, parts: &[Value]) -> Option<Vec<String>> {
        let text = |part: &Value| match self.resolve(part) {
            Value::String(text) => Some(text),
            value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
            _ => None,
        };
        parts.iter().map(text).collect()
    }
}

/// Formats bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Returns true if no reference is left in `value`.
pub fn is_resolved(value: &Value) -> bool {
    references(value).is_empty()
}

/// Returns the `id.name` paths that `value` refers to.
pub fn references(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found
}

/// Returns `value` with each `id.name` path replaced by what `rename` makes of it.
///
/// # Errors
///
/// The first error of `rename`.
pub fn map_references<E>(
    value: &Value,
    rename: &mut impl FnMut(&str) -> Result<String, E>,
) -> Result<Value, E> {
    if let Some(Expr::Ref(path)) = as_expr(value) {
        return Ok(serde_json::json!({ "$ref": rename(&path)? }));
    }
    Ok(match value {
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| map_references(item, rename))
                .collect::<Result<_, E>>()?,
        ),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), map_references(field, rename)?)))
                .collect::<Result<_, E>>()?,
        ),
        other => other.clone(),
    })
}

/// Returns `value` for people: each reference as `${id.name}`, and joins as one text.
pub fn with_placeholders(value: &Value) -> Value {
    match as_expr(value) {
        Some(Expr::Ref(path)) => {
            let own = path.strip_prefix('#').and_then(|rest| rest.split_once('#'));
            let path = own.map_or(path.as_str(), |(_, path)| path);
            format!("${{{path}}}").into()
        }
        Some(Expr::Join(parts)) => {
            let parts = parts.iter().map(|part| match with_placeholders(part) {
                Value::String(text) => text,
                other => other.to_string(),
            });
            parts.collect::<String>().into()
        }
        Some(Expr::Digest(_)) => value.clone(),
        None => match value {
            Value::Array(items) => items.iter().map(with_placeholders).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| (name.clone(), with_placeholders(field)))
                .collect(),
            other => other.clone(),
        },
    }
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match as_expr(value) {
        Some(Expr::Ref(path)) => {
            found.insert(path);
        }
        Some(Expr::Join(parts) | Expr::Digest(parts)) => {
            for part in &parts {
                collect(part, found);
            }
        }
        None => match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
            _ => {}
        },
    }
}

/// Returns `value` as an expression, if it is one: an object whose only key begins with `$`.
pub fn as_expr(value: &Value) -> Option<Expr> {
    let fields = value.as_object()?;
    let only = fields
        .keys()
        .next()
        .filter(|key| fields.len() == 1 && key.starts_with('$'))?;
    matches!(only.as_str(), "$ref" | "$join" | "$digest")
        .then(|| Expr::deserialize(value).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outputs() -> Outputs {
        let mut outputs = Outputs::default();
        outputs.learn(
            "table",
            &json!({"arn": "arn:aws:dynamodb:eu-west-1:1:table/t"}),
        );
        outputs
    }

    #[test]
    fn known_references_are_replaced_and_others_stay() {
        let value = json!({"a": {"$ref": "table.arn"}, "b": [{"$ref": "api.id"}], "c": 1});
        assert_eq!(
            outputs().resolve(&value),
            json!({"a": "arn:aws:dynamodb:eu-west-1:1:table/t", "b": [{"$ref": "api.id"}], "c": 1})
        );
    }

    #[test]
    fn a_join_is_known_when_all_of_it_is() {
        let known = json!({"$join": [{"$ref": "table.arn"}, "/*"]});
        assert_eq!(
            outputs().resolve(&known),
            json!("arn:aws:dynamodb:eu-west-1:1:table/t/*")
        );
        let unknown = json!({"$join": [{"$ref": "api.id"}, "/*"]});
        assert_eq!(outputs().resolve(&unknown), unknown);
        assert_eq!(references(&unknown), BTreeSet::from(["api.id".to_owned()]));
    }

    #[test]
    fn a_digest_tells_the_borders_of_its_parts_apart() {
        let digest = |parts: Value| outputs().resolve(&json!({ "$digest": parts }));
        assert_ne!(digest(json!(["ab", "c"])), digest(json!(["a", "bc"])));
        assert_eq!(digest(json!(["ab", "c"])).as_str().map(str::len), Some(64));
    }

    #[test]
    fn sets_have_no_order() {
        let set = |items: Value| serde_json::from_value::<Set<String>>(items).unwrap();
        assert_eq!(set(json!(["b", "a"])), set(json!(["a", "b"])));
        assert_eq!(
            serde_json::to_value(set(json!(["b", "a"]))).unwrap(),
            json!(["a", "b"])
        );
    }

    #[test]
    fn inputs_survive_a_round_trip() {
        let known: Input<String> = serde_json::from_value(json!("x")).unwrap();
        assert_eq!(known.get().unwrap(), "x");
        let unknown: Input<String> = serde_json::from_value(json!({"$ref": "api.id"})).unwrap();
        assert_eq!(
            unknown.get().unwrap_err().to_string(),
            "`api.id` is not known yet"
        );
    }
}
