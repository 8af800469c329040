//! Which actions on which resources a call needs (AWS: "Service Authorization Reference").

mod apigateway;
mod dynamodb;
mod iam;
mod lambda;
mod logs;
mod ssm;

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
    format!("{}:{name}", call.service.action_prefix())
}

/// Empty where AWS asks for no right.
pub(super) fn needs(call: &Call, tx: &Tx) -> Result<Vec<Need>, Refusal> {
    match call.service {
        Service::DynamoDb => dynamodb::needs(call),
        Service::Lambda => lambda::needs(call, tx),
        Service::ApiGateway => Ok(apigateway::needs(call)),
        Service::Logs => logs::needs(call),
        Service::Ssm => ssm::needs(call),
        // None is about single resources; tags are changed with the rights of the resources' services besides.
        Service::Tagging => Ok(vec![Need::new(action(call), "*")]),
        Service::Iam => iam::needs(call, tx),
        Service::Sts => Ok(match call.operation {
            // AWS tells everybody who they are.
            "GetCallerIdentity" | "GetSessionToken" => vec![],
            "AssumeRole" => assume_role(call),
            _ => vec![Need::new(
                action(call),
                call.parameter("RoleArn").unwrap_or("*"),
            )],
        }),
    }
}

/// Tags and a source's identity need rights of their own.
fn assume_role(call: &Call) -> Vec<Need> {
    let role = call.parameter("RoleArn").unwrap_or("*");
    let has_tags = !crate::iam::input::structures(call, "Tags").is_empty();
    let has_source = call.parameter("SourceIdentity").is_some();
    let needs = [
        ("sts:AssumeRole", true),
        ("sts:TagSession", has_tags),
        ("sts:SetSourceIdentity", has_source),
    ];
    needs
        .into_iter()
        .filter(|(_, is_needed)| *is_needed)
        .map(|(action, _)| Need::new(action, role))
        .collect()
}

/// A member of the body that is a text.
fn text<'a>(body: &'a Value, member: &str) -> Option<&'a str> {
    body.get(member).and_then(Value::as_str)
}

/// Returns true if a list or map of tags has any.
fn has_any(tags: Option<&Value>) -> bool {
    match tags {
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};
    use serde_json::json;

    use super::*;
    use crate::call::{Caller, form};
    use crate::place::Place;
    use crate::store::Store;

    /// Action and first resource of each right that a call needs.
    fn needed(
        service: Service,
        operation: &'static str,
        method: &str,
        target: &str,
        body: &Value,
    ) -> Vec<(String, String)> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let call = Call {
            service,
            place: Place {
                account: "1".into(),
                region: "r".into(),
            },
            caller: Caller::Account,
            is_function: false,
            request_id: String::new(),
            operation,
            labels: std::collections::BTreeMap::new(),
            query: form(query),
            method: Method::from_bytes(method.as_bytes()).expect("a method"),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: body.to_string().into(),
        };
        let store = Store::open(None).expect("a store in memory");
        let needs = store.transact(|tx| needs(&call, tx)).expect("needs");
        needs
            .into_iter()
            .map(|need| (need.action, need.resources[0].clone()))
            .collect()
    }

    fn assert_needed(found: &[(String, String)], expected: &[(&str, &str)]) {
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(action, resource)| (action.as_str(), resource.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn dynamodb_is_about_tables() {
        let of = |operation, body: Value| needed(Service::DynamoDb, operation, "POST", "/", &body);
        let table = "arn:aws:dynamodb:r:1:table/t";
        assert_needed(
            &of("PutItem", json!({ "TableName": "t" })),
            &[("dynamodb:PutItem", table)],
        );
        assert_needed(
            &of("GetItem", json!({ "TableName": table })),
            &[("dynamodb:GetItem", table)],
        );
        assert_needed(
            &of("Query", json!({ "TableName": "t", "IndexName": "i" })),
            &[("dynamodb:Query", "arn:aws:dynamodb:r:1:table/t/index/i")],
        );
        assert_needed(
            &of(
                "BatchGetItem",
                json!({ "RequestItems": { "t": {}, "u": {} } }),
            ),
            &[
                ("dynamodb:BatchGetItem", table),
                ("dynamodb:BatchGetItem", "arn:aws:dynamodb:r:1:table/u"),
            ],
        );
        let items = json!([
            { "Put": { "TableName": "t" } },
            { "ConditionCheck": { "TableName": "t" } },
        ]);
        assert_needed(
            &of("TransactWriteItems", json!({ "TransactItems": items })),
            &[
                ("dynamodb:PutItem", table),
                ("dynamodb:ConditionCheckItem", table),
            ],
        );
        for (statement, action, resource) in [
            (
                "SELECT * FROM \"t\".\"i\" WHERE a = 1",
                "dynamodb:PartiQLSelect",
                "arn:aws:dynamodb:r:1:table/t/index/i",
            ),
            ("insert into t value {}", "dynamodb:PartiQLInsert", table),
            ("UPDATE \"t\" SET a = 1", "dynamodb:PartiQLUpdate", table),
            ("DELETE FROM t", "dynamodb:PartiQLDelete", table),
            ("nonsense", "dynamodb:PartiQLSelect", "*"),
        ] {
            assert_needed(
                &of("ExecuteStatement", json!({ "Statement": statement })),
                &[(action, resource)],
            );
        }
        assert_needed(
            &of("ListTables", json!({})),
            &[("dynamodb:ListTables", "*")],
        );
        assert_needed(
            &of("BatchWriteItem", json!({})),
            &[("dynamodb:BatchWriteItem", "*")],
        );
    }

    #[test]
    fn lambda_is_about_functions_and_the_roles_they_get() {
        let function = "arn:aws:lambda:r:1:function:f";
        let role = "arn:aws:iam::1:role/x";
        let layer = "arn:aws:lambda:r:1:layer:l:2";
        let body =
            json!({ "FunctionName": "f", "Role": role, "Tags": { "a": "b" }, "Layers": [layer] });
        assert_needed(
            &needed(
                Service::Lambda,
                "CreateFunction",
                "POST",
                "/2015-03-31/functions",
                &body,
            ),
            &[
                ("lambda:CreateFunction", function),
                ("iam:PassRole", role),
                ("lambda:GetLayerVersion", layer),
                ("lambda:TagResource", function),
            ],
        );
        for (operation, action, path, resource) in [
            (
                "Invoke",
                "lambda:InvokeFunction",
                "/2015-03-31/functions/f/invocations",
                function,
            ),
            (
                "Invoke",
                "lambda:InvokeFunction",
                "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ar%3A1%3Afunction%3Af/invocations",
                function,
            ),
            (
                "GetFunction",
                "lambda:GetFunction",
                "/2015-03-31/functions/1:function:f?Qualifier=v",
                "arn:aws:lambda:r:1:function:f:v",
            ),
            (
                "ListFunctions",
                "lambda:ListFunctions",
                "/2015-03-31/functions/",
                "*",
            ),
            (
                "ListTags",
                "lambda:ListTags",
                "/2017-03-31/tags/arn%3Aaws%3Alambda%3Ar%3A1%3Afunction%3Af",
                function,
            ),
            (
                "GetLayerVersion",
                "lambda:GetLayerVersion",
                "/2018-10-31/layers/l/versions/2",
                "arn:aws:lambda:r:1:layer:l:2",
            ),
            (
                "PublishLayerVersion",
                "lambda:PublishLayerVersion",
                "/2018-10-31/layers/l/versions",
                "arn:aws:lambda:r:1:layer:l",
            ),
            (
                "GetLayerVersionByArn",
                "lambda:GetLayerVersion",
                "/2018-10-31/layers?find=LayerVersion&Arn=arn%3Aaws%3Alambda%3Ar%3A1%3Alayer%3Al%3A2",
                "arn:aws:lambda:r:1:layer:l:2",
            ),
            (
                "GetEventSourceMapping",
                "lambda:GetEventSourceMapping",
                "/2015-03-31/event-source-mappings/u",
                "arn:aws:lambda:r:1:event-source-mapping:u",
            ),
        ] {
            assert_needed(
                &needed(Service::Lambda, operation, "GET", path, &json!({})),
                &[(action, resource)],
            );
        }
    }

    #[test]
    fn api_gateway_is_about_verbs_and_paths() {
        let tags = "arn:aws:apigateway:r::/tags/arn%3Aaws%3Aapigateway%3Ar%3A%3A%2Frestapis";
        assert_needed(
            &needed(
                Service::ApiGateway,
                "CreateRestApi",
                "POST",
                "/restapis",
                &json!({ "tags": { "a": "b" } }),
            ),
            &[
                ("apigateway:POST", "arn:aws:apigateway:r::/restapis"),
                ("apigateway:PUT", tags),
                ("apigateway:POST", tags),
            ],
        );
        assert_needed(
            &needed(
                Service::ApiGateway,
                "GetStage",
                "GET",
                "/restapis/a/stages/Prod",
                &json!({}),
            ),
            &[(
                "apigateway:GET",
                "arn:aws:apigateway:r::/restapis/a/stages/Prod",
            )],
        );
    }

    #[test]
    fn ssm_is_about_parameters() {
        let of = |operation, body: Value| needed(Service::Ssm, operation, "POST", "/", &body);
        let arn = "arn:aws:ssm:r:1:parameter/a/b";
        assert_needed(
            &of("GetParameter", json!({ "Name": "/a/b:live" })),
            &[("ssm:GetParameter", arn)],
        );
        assert_needed(
            &of("GetParameters", json!({ "Names": ["/a/b", "x"] })),
            &[
                ("ssm:GetParameters", arn),
                ("ssm:GetParameters", "arn:aws:ssm:r:1:parameter/x"),
            ],
        );
        assert_needed(
            &of("GetParametersByPath", json!({ "Path": "/a/" })),
            &[("ssm:GetParametersByPath", "arn:aws:ssm:r:1:parameter/a/")],
        );
        let tags = json!([{ "Key": "k", "Value": "v" }]);
        assert_needed(
            &of("PutParameter", json!({ "Name": "/a/b", "Tags": tags })),
            &[("ssm:PutParameter", arn), ("ssm:AddTagsToResource", arn)],
        );
        assert_needed(
            &of("ListTagsForResource", json!({ "ResourceId": "/a/b" })),
            &[("ssm:ListTagsForResource", arn)],
        );
        assert_needed(
            &of("DescribeParameters", json!({})),
            &[("ssm:DescribeParameters", "arn:aws:ssm:r:1:*")],
        );
    }

    #[test]
    fn the_tagging_api_is_about_everything() {
        let found = needed(Service::Tagging, "GetResources", "POST", "/", &json!({}));
        assert_needed(&found, &[("tag:GetResources", "*")]);
    }

    #[test]
    fn logs_are_about_groups_and_streams() {
        let of = |operation, body: Value| needed(Service::Logs, operation, "POST", "/", &body);
        let group = "arn:aws:logs:r:1:log-group:g:log-stream:";
        assert_needed(
            &of(
                "PutLogEvents",
                json!({ "logGroupName": "g", "logStreamName": "s" }),
            ),
            &[(
                "logs:PutLogEvents",
                "arn:aws:logs:r:1:log-group:g:log-stream:s",
            )],
        );
        assert_needed(
            &of(
                "CreateLogGroup",
                json!({ "logGroupName": "g", "tags": { "a": "b" } }),
            ),
            &[("logs:CreateLogGroup", group), ("logs:TagResource", group)],
        );
        let arn = json!({ "logGroupIdentifier": "arn:aws:logs:r:1:log-group:g:*" });
        assert_needed(
            &of("FilterLogEvents", arn),
            &[("logs:FilterLogEvents", group)],
        );
        assert_needed(
            &of("DescribeLogGroups", json!({ "logGroupNamePrefix": "g" })),
            &[("logs:DescribeLogGroups", "*")],
        );
    }
}
