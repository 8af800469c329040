//! Which actions on which resources a call needs (AWS: "Service Authorization Reference").

mod apigateway;
mod dynamodb;
mod iam;
mod lambda;
mod logs;

use serde_json::Value;

use crate::answer::Refusal;
use crate::call::Call;
use crate::service::Service;
use crate::store::Tx;

/// One right that a call needs.
#[derive(Debug, PartialEq)]
pub(super) struct Need {
    pub(super) action: String,
    /// All ARNs that the thing goes by; the first is the one that AWS tells.
    pub(super) resources: Vec<String>,
    pub(super) context: Vec<(String, String)>,
}

impl Need {
    fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resources: vec![resource.into()],
            context: Vec::new(),
        }
    }

    fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.push((key.to_owned(), value.into()));
        self
    }

    /// Handing a role to a service.
    fn pass_role(role: &str, service: &str) -> Self {
        Self::new("iam:PassRole", role).with("iam:PassedToService", service)
    }
}

/// The action that a call is, in policies.
pub(super) fn action(call: &Call) -> String {
    let name = match (call.service, call.operation) {
        (Service::ApiGateway, _) => call.method.as_str(),
        (Service::Lambda, "Invoke" | "InvokeAsync" | "InvokeWithResponseStream") => {
            "InvokeFunction"
        }
        (_, operation) => operation,
    };
    format!("{}:{name}", call.service.name())
}

/// Empty where AWS asks for no right.
pub(super) fn needs(call: &Call, tx: &Tx) -> Result<Vec<Need>, Refusal> {
    match call.service {
        Service::DynamoDb => dynamodb::needs(call),
        Service::Lambda => lambda::needs(call),
        Service::ApiGateway => Ok(apigateway::needs(call)),
        Service::Logs => logs::needs(call),
        Service::Iam => iam::needs(call, tx),
        Service::Sts => Ok(match call.operation {
            // AWS tells everybody who they are.
            "GetCallerIdentity" | "GetSessionToken" => vec![],
            _ => vec![Need::new(
                action(call),
                call.parameter("RoleArn").unwrap_or("*"),
            )],
        }),
    }
}

/// A member of the body that is a text.
fn text<'a>(body: &'a Value, member: &str) -> Option<&'a str> {
    body.get(member).and_then(Value::as_str)
}

/// Whether a list or map of tags has any.
fn has_any(tags: Option<&Value>) -> bool {
    match tags {
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        _ => false,
    }
}
