//! The rights of Parameter Store's operations.

use serde_json::Value;

use super::{Need, action, has_any, text};
use crate::answer::Refusal;
use crate::call::Call;
use crate::ssm::arn_of_text;

pub(super) fn needs(call: &Call) -> Result<Vec<Need>, Refusal> {
    let body = call.json()?;
    let named = |member: &str| {
        text(&body, member).map_or_else(|| "*".to_owned(), |name| arn_of_text(&call.place, name))
    };
    Ok(match call.operation {
        // AWS tells it as everything of the account's SSM.
        "DescribeParameters" => vec![Need::new(action(call), call.place.arn("ssm", "*"))],
        "GetParameters" | "DeleteParameters" => names(call, &body),
        "GetParametersByPath" => {
            let path = text(&body, "Path").unwrap_or_default();
            let is_recursive = body["Recursive"].as_bool() == Some(true);
            let arn = arn_of_text(&call.place, path);
            let need = Need {
                action: action(call),
                resources: vec![arn.clone(), arn.trim_end_matches('/').to_owned()],
                context: vec![],
            };
            vec![need.with("ssm:Recursive", is_recursive.to_string())]
        }
        "AddTagsToResource" | "RemoveTagsFromResource" | "ListTagsForResource" => {
            vec![Need::new(action(call), named("ResourceId"))]
        }
        "PutParameter" => {
            let overwrites = body["Overwrite"].as_bool() == Some(true);
            let put = Need::new(action(call), named("Name"))
                .with("ssm:Overwrite", overwrites.to_string());
            let tagging = has_any(body.get("Tags"))
                .then(|| Need::new("ssm:AddTagsToResource", named("Name")));
            [put].into_iter().chain(tagging).collect()
        }
        _ => vec![Need::new(action(call), named("Name"))],
    })
}

/// Each parameter needs the right.
fn names(call: &Call, body: &Value) -> Vec<Need> {
    let names = body["Names"].as_array().into_iter().flatten();
    let needs: Vec<Need> = names
        .filter_map(Value::as_str)
        .map(|name| Need::new(action(call), arn_of_text(&call.place, name)))
        .collect();
    if needs.is_empty() {
        // The operation itself refuses a request about nothing.
        return vec![Need::new(action(call), "*")];
    }
    needs
}
