//! The rights of `CloudWatch` Logs' operations.

use serde_json::Value;

use super::{Need, action, has_any, text};
use crate::answer::Refusal;
use crate::call::Call;
use crate::place::Place;

pub(super) fn needs(call: &Call) -> Result<Vec<Need>, Refusal> {
    let body = call.json()?;
    let group = group_name(&body);
    let mut needs = vec![match call.operation {
        // The reference has no resource for it: a policy on groups does not allow it.
        // Policies are the account's, of no group.
        "DescribeLogGroups"
        | "ListLogGroups"
        | "PutResourcePolicy"
        | "DeleteResourcePolicy"
        | "DescribeResourcePolicies"
        | "TestMetricFilter" => Need::new(action(call), "*"),
        "CreateLogStream" | "DeleteLogStream" | "PutLogEvents" | "GetLogEvents" => {
            let stream = text(&body, "logStreamName").unwrap_or_default();
            Need::new(action(call), stream_arn(&call.place, group, stream))
        }
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            let arn = text(&body, "resourceArn").unwrap_or("*");
            Need {
                action: action(call),
                resources: vec![arn.to_owned(), format!("{arn}:*")],
                context: vec![],
            }
        }
        _ => of_group(call, &action(call), group),
    }];
    if call.operation == "PutSubscriptionFilter"
        && let Some(role) = text(&body, "roleArn")
    {
        needs.push(Need::pass_role(role, "logs.amazonaws.com"));
    }
    if call.operation == "CreateLogGroup" && has_any(body.get("tags")) {
        needs.push(of_group(call, "logs:TagResource", group));
    }
    Ok(needs)
}

/// AWS tells a group by the ARN of its streams with an empty name (`log-group:NAME:log-stream:`, as in many reports of
/// denials); policies name it with `:*` or without.
fn of_group(call: &Call, action: &str, group: &str) -> Need {
    Need {
        action: action.to_owned(),
        resources: vec![
            stream_arn(&call.place, group, ""),
            call.place.arn("logs", &format!("log-group:{group}")),
        ],
        context: vec![],
    }
}

fn group_name(body: &Value) -> &str {
    if let Some(name) = text(body, "logGroupName") {
        return name;
    }
    let identifier = text(body, "logGroupIdentifier").unwrap_or_default();
    let name = identifier
        .split_once(":log-group:")
        .map_or(identifier, |(_, name)| name);
    name.trim_end_matches(":*")
}

fn stream_arn(place: &Place, group: &str, stream: &str) -> String {
    place.arn("logs", &format!("log-group:{group}:log-stream:{stream}"))
}
