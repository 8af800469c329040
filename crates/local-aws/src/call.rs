//! One call of an API: who asks what of which service, where.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::Refusal;
use crate::apigateway;
use crate::place::Place;
use crate::service::{Protocol, Service};

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) place: Place,
    pub(crate) caller: Caller,
    /// True if Lambda gave the credentials to a function.
    pub(crate) is_function: bool,
    pub(crate) request_id: String,
    /// Of the API's model, such as `CreateRestApi`.
    pub(crate) operation: &'static str,
    /// The labels in a REST operation's path, decoded.
    pub(crate) labels: BTreeMap<&'static str, String>,
    /// A REST operation's query, decoded, in order; a query-protocol operation's form.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) method: Method,
    /// Encoded, without the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Whose credentials signed a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Credentials of nobody in particular: everything is theirs.
    Account,
    /// A function with its role's credentials.
    Role { name: String, session: String },
}

impl Caller {
    /// As STS names them.
    pub(crate) fn arn(&self, place: &Place) -> String {
        match self {
            Self::Account => place.global_arn("iam", "root"),
            Self::Role { name, session } => {
                place.global_arn("sts", &format!("assumed-role/{name}/{session}"))
            }
        }
    }
}

impl Call {
    /// A label of the path; the route has it.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// The first parameter of this name in the query or form.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All parameters of this name.
    pub(crate) fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; an empty one is an empty object.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        if self.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        let value: Value = serde_json::from_slice(&self.body).map_err(|_| self.unreadable())?;
        if value.is_object() {
            Ok(value)
        } else {
            Err(self.unreadable())
        }
    }

    /// The body as an operation's input; members that nobody knows are passed over, as AWS does it.
    pub(crate) fn input<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_value(self.json()?).map_err(|error| self.malformed(&error.to_string()))
    }

    fn unreadable(&self) -> Refusal {
        self.malformed("Could not parse request body into json.")
    }

    /// The service's refusal of a body that is not of the operation's form.
    pub(crate) fn malformed(&self, why: &str) -> Refusal {
        match self.service {
            Service::Lambda => Refusal::new(
                400,
                "InvalidRequestContentException",
                format!("Could not parse request body into json: {why}"),
            ),
            Service::ApiGateway => apigateway::malformed(why),
            _ if self.service.protocol() == Protocol::Query => {
                Refusal::new(400, "MalformedInput", why)
            }
            _ => Refusal::new(400, "SerializationException", why),
        }
    }
}

/// `a=1&b=%20` decoded, `+` as a space; what is no UTF-8 is replaced.
pub(crate) fn form(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}
