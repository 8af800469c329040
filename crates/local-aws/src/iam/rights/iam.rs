//! The rights of IAM's own operations.

use super::{Need, action};
use crate::answer::Refusal;
use crate::call::Call;
use crate::iam::input;
use crate::store::Tx;

pub(super) fn needs(call: &Call, tx: &Tx) -> Result<Vec<Need>, Refusal> {
    let resource = resource(call, tx)?;
    let mut need = Need::new(action(call), resource.as_str());
    if let Some(arn) = call.parameter("PolicyArn") {
        need = need.with("iam:PolicyARN", arn);
    }
    if let Some(arn) = call.parameter("PermissionsBoundary") {
        need = need.with("iam:PermissionsBoundary", arn);
    }
    for tag in input::structures(call, "Tags") {
        if let (Some(key), Some(value)) = (tag.get("Key"), tag.get("Value")) {
            need = need
                .with(&format!("aws:RequestTag/{key}"), *value)
                .with("aws:TagKeys", *key);
        }
    }
    let tagging = match call.operation {
        _ if input::structures(call, "Tags").is_empty() => None,
        "CreateRole" => Some("iam:TagRole"),
        "CreatePolicy" => Some("iam:TagPolicy"),
        "CreateUser" => Some("iam:TagUser"),
        "CreateInstanceProfile" => Some("iam:TagInstanceProfile"),
        _ => None,
    };
    let tagging = tagging.map(|action| Need {
        action: action.to_owned(),
        resources: vec![resource],
        context: need.context.clone(),
    });
    Ok([need].into_iter().chain(tagging).collect())
}

fn resource(call: &Call, tx: &Tx) -> Result<String, Refusal> {
    let arn = |resource: String| call.place.global_arn("iam", &resource);
    let path = call.parameter("Path").unwrap_or("/");
    if let Some(name) = call.parameter("InstanceProfileName") {
        return Ok(arn(format!("instance-profile{path}{name}")));
    }
    if let Some(name) = call.parameter("GroupName") {
        return Ok(match crate::iam::group::find(tx, &call.place, name)? {
            Some(group) => group.arn(&call.place),
            None => arn(format!("group{path}{name}")),
        });
    }
    if let Some(name) = call.parameter("UserName") {
        return Ok(match crate::iam::user::find(tx, &call.place, name)? {
            Some(user) => user.arn(&call.place),
            None => arn(format!("user{path}{name}")),
        });
    }
    if let Some(name) = call.parameter("RoleName") {
        // The right is one to the role as it is, with its path; one that is not there has the path it would get.
        return Ok(match crate::iam::role::find(tx, &call.place, name)? {
            Some(role) => role.arn,
            None => arn(format!("role{path}{name}")),
        });
    }
    if let Some(policy) = call.parameter("PolicyArn") {
        return Ok(policy.to_owned());
    }
    Ok(match call.operation {
        "CreatePolicy" => {
            let name = call.parameter("PolicyName").unwrap_or_default();
            arn(format!("policy{path}{name}"))
        }
        "GetUser" => arn("user/".to_owned()),
        "SimulatePrincipalPolicy" => call.parameter("PolicySourceArn").unwrap_or("*").to_owned(),
        // Lists, among others: the reference has no resource for them.
        _ => "*".to_owned(),
    })
}
