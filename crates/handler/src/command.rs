//! The operation and parameters of an event, refused with Python's messages.

use crate::failure::Failure;
use crate::json::{Json, Object};
use crate::python;
use crate::shape::{DELETE_ITEM, GET_ITEM, Operation, PUT_ITEM, SCAN, UPDATE_ITEM};

/// The request in an event.
pub(crate) enum Command {
    Echo(Json),
    Ping,
    Call {
        operation: &'static Operation,
        parameters: Object,
    },
}

const OPERATIONS: &[&str] = &["create", "read", "update", "delete", "list", "echo", "ping"];

/// Returns the name of the event's operation for the log, if it is a known one.
pub(crate) fn known_name(event: &Json) -> Option<&'static str> {
    let name = event.get("operation")?.as_str()?;
    OPERATIONS.iter().find(|known| **known == name).copied()
}

impl Command {
    /// Reads an event.
    pub(crate) fn read(event: Json) -> Result<Self, Failure> {
        let Json::Object(mut event) = event else {
            return Err(not_an_object(&event));
        };
        let Some(operation) = event.get("operation") else {
            return Err(Failure::caller("KeyError", "'operation'"));
        };
        if event.get("tableName") == Some(&Json::Null) {
            return Err(Failure::caller(
                "ValueError",
                "Required parameter name not set",
            ));
        }
        if matches!(operation, Json::Array(_) | Json::Object(_)) {
            let message = format!("unhashable type: '{}'", python::type_name(operation));
            return Err(Failure::caller("TypeError", message));
        }
        let call = match operation.as_str() {
            Some("create") => &PUT_ITEM,
            Some("read") => &GET_ITEM,
            Some("update") => &UPDATE_ITEM,
            Some("delete") => &DELETE_ITEM,
            Some("list") => &SCAN,
            Some("echo") => {
                return Ok(Self::Echo(event.remove("payload").unwrap_or(Json::Null)));
            }
            Some("ping") => return Ok(Self::Ping),
            _ => {
                let message = format!("Unrecognized operation \"{}\"", python::str(operation));
                return Err(Failure::caller("ValueError", message));
            }
        };
        let Some(table) = event.remove("tableName") else {
            let message = "cannot access free variable 'dynamo' where it is not associated with a value in enclosing scope";
            return Err(Failure::caller("NameError", message));
        };
        let parameters = parameters(table, event.remove("payload").unwrap_or(Json::Null))?;
        Ok(Self::Call {
            operation: call,
            parameters,
        })
    }
}

/// Returns the payload with the table's name. The payload's own `TableName` takes precedence, as in boto3; the role
/// restricts callers to one table.
fn parameters(table: Json, payload: Json) -> Result<Object, Failure> {
    let Json::Object(mut payload) = payload else {
        let message = format!(
            "boto3.resources.factory.ResourceFactory._create_action.<locals>.do_action() argument after ** must be a \
             mapping, not {}",
            python::type_name(&payload)
        );
        return Err(Failure::caller("TypeError", message));
    };
    for (name, function) in [
        (
            "self",
            "ResourceFactory._create_action.<locals>.do_action()",
        ),
        ("parent", "ServiceAction.__call__()"),
    ] {
        if payload.contains_key(name) {
            let message = format!("{function} got multiple values for argument '{name}'");
            return Err(Failure::caller("TypeError", message));
        }
    }
    let table = payload.remove("TableName").unwrap_or(table);
    Ok([("TableName".into(), table)]
        .into_iter()
        .chain(payload)
        .collect())
}

fn not_an_object(event: &Json) -> Failure {
    Failure::caller(
        "TypeError",
        match event {
            Json::Array(_) => "list indices must be integers or slices, not str".to_owned(),
            Json::String(_) => "string indices must be integers, not 'str'".to_owned(),
            _ => format!("'{}' object is not subscriptable", python::type_name(event)),
        },
    )
}
