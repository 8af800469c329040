//! An API key.

use provision_aws::apigateway;
use provision_aws::arn::KeyId;
use provision_aws::handles::ApiKeyHandle as _;
use provision_engine::input::{Handle, Input};
use provision_engine::owner::Tags;
use provision_engine::stack::{Construct, Output, Stack};

use crate::name_on_aws;

/// An API key. AWS makes its value, which is shown only where it is asked for.
#[must_use = "`Stack::add` declares it"]
#[derive(Debug, Default)]
pub struct ApiKey {
    name: Option<String>,
    description: String,
}

named!(ApiKey);
described!(ApiKey);

impl ApiKey {
    /// A key.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Construct for ApiKey {
    type Handle = ApiKeyHandle;

    fn declare(self, id: &str, stack: &mut Stack) -> ApiKeyHandle {
        let key = apigateway::ApiKey {
            name: name_on_aws(self.name, id, stack),
            description: self.description,
            enabled: true,
            tags: Tags::default(),
        };
        ApiKeyHandle {
            key: stack.add(id, key),
        }
    }
}

/// A key that is in the stack.
#[derive(Clone, Debug)]
pub struct ApiKeyHandle {
    /// The resource.
    pub key: Handle<apigateway::ApiKey>,
}

impl ApiKeyHandle {
    /// Returns the key's id, which is no secret.
    pub fn key_id(&self) -> Input<KeyId> {
        self.key.key_id()
    }

    /// Returns the key's value for an output, which hides it unless it is asked for. It fits nowhere else.
    pub fn value(&self) -> KeyValue {
        KeyValue(self.key.id().to_owned())
    }
}

/// The secret value of a key.
#[derive(Clone, Debug)]
pub struct KeyValue(String);

impl From<KeyValue> for Output {
    fn from(value: KeyValue) -> Self {
        Self::Secret(value.0)
    }
}
