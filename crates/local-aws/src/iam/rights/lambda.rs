//! The rights of Lambda's operations.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Need, action, has_any, text};
use crate::answer::Refusal;
use crate::call::Call;
use crate::lambda;
use crate::store::Tx;

const LAMBDA: &str = "lambda.amazonaws.com";

pub(super) fn needs(call: &Call, tx: &Tx) -> Result<Vec<Need>, Refusal> {
    let action = match call.operation {
        // No action of its own.
        "GetLayerVersionByArn" => "lambda:GetLayerVersion".to_owned(),
        _ => action(call),
    };
    let mut need = Need::new(action, resource(call)?);
    if let Some(auth_type) = url_auth_type(call, tx)? {
        need = need.with("lambda:FunctionUrlAuthType", auth_type);
    }
    let mut needs = vec![need];
    if let "CreateFunction" | "UpdateFunctionConfiguration" = call.operation {
        let body = call.json()?;
        if let Some(role) = text(&body, "Role") {
            needs.push(Need::pass_role(role, LAMBDA));
        }
        let layers = body.get("Layers").and_then(Value::as_array);
        for layer in layers.into_iter().flatten().filter_map(Value::as_str) {
            needs.push(Need::new("lambda:GetLayerVersion", layer));
        }
        if call.operation == "CreateFunction" && has_any(body.get("Tags")) {
            needs.push(Need::new("lambda:TagResource", resource(call)?));
        }
    }
    Ok(needs)
}

/// The auth type that a call gives a URL or a permission, or that the URL has which it is about.
fn url_auth_type(call: &Call, tx: &Tx) -> Result<Option<String>, Refusal> {
    let member = match call.operation {
        "CreateFunctionUrlConfig" | "UpdateFunctionUrlConfig" => "AuthType",
        "AddPermission" => "FunctionUrlAuthType",
        "GetFunctionUrlConfig" | "DeleteFunctionUrlConfig" => {
            return lambda::url::auth_type(tx, call);
        }
        _ => return Ok(None),
    };
    let body = call.json()?;
    match text(&body, member) {
        Some(asked) => Ok(Some(asked.to_owned())),
        None if call.operation == "UpdateFunctionUrlConfig" => lambda::url::auth_type(tx, call),
        None => Ok(None),
    }
}

fn resource(call: &Call) -> Result<String, Refusal> {
    if call.operation == "CreateFunction" {
        let body = call.json()?;
        return Ok(function(
            call,
            text(&body, "FunctionName").unwrap_or("*"),
            None,
        ));
    }
    if call.operation == "GetLayerVersionByArn" {
        return Ok(call.parameter("Arn").unwrap_or("*").to_owned());
    }
    // Of `/2015-03-31/functions/{name}/…` and `/2017-03-31/tags/{arn}`, whatever the version.
    let mut segments = call.path.trim_start_matches('/').split('/').skip(1);
    let kind = segments.next().unwrap_or_default();
    let named = segments
        .next()
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy());
    let third = segments.nth(1).filter(|segment| !segment.is_empty());
    Ok(match (kind, named) {
        // `/2018-10-31/layers/{name}/versions/{number}`
        ("layers", Some(name)) => {
            let layer = if name.starts_with("arn:") {
                name.into_owned()
            } else {
                call.place.arn("lambda", &format!("layer:{name}"))
            };
            match third {
                Some(version) => format!("{layer}:{version}"),
                None => layer,
            }
        }
        ("event-source-mappings", Some(id)) => call
            .place
            .arn("lambda", &format!("event-source-mapping:{id}")),
        ("functions", Some(name)) => function(call, &name, call.parameter("Qualifier")),
        ("tags" | "code-signing-configs", Some(arn)) => arn.into_owned(),
        _ => "*".to_owned(),
    })
}

/// The ARN of what goes by a name, a partial ARN or a whole one.
fn function(call: &Call, name: &str, qualifier: Option<&str>) -> String {
    let arn = if name.starts_with("arn:") {
        name.to_owned()
    } else {
        let name = name
            .split_once(":function:")
            .map_or(name, |(_, name)| name.trim());
        call.place.arn("lambda", &format!("function:{name}"))
    };
    match qualifier {
        Some(qualifier) => format!("{arn}:{qualifier}"),
        None => arn,
    }
}
