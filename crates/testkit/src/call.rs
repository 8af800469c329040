//! Which AWS call an HTTP request is.

use std::time::Duration;

use hyper::body::Bytes;
use hyper::{HeaderMap, Method};

/// One request as the proxy took it in.
#[derive(Clone, Debug)]
pub struct Request {
    /// HTTP method.
    pub method: Method,
    /// Path, still percent-encoded.
    pub path: String,
    /// Query without the question mark; empty if there is none.
    pub query: String,
    /// Headers as they came.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Signing name of the service, `execute-api` for the data plane, empty if it cannot be told.
    pub service: String,
    /// The API's name for the operation; method and path if it is in no table.
    pub operation: String,
}

/// One request as it was answered.
#[derive(Clone, Debug)]
pub struct Call {
    /// Since the proxy's start.
    pub started: Duration,
    /// Since the proxy's start; the answer is handed to the connection then.
    pub ended: Duration,
    /// Signing name of the service.
    pub service: String,
    /// The API's name for the operation.
    pub operation: String,
    /// Method and path.
    pub line: String,
    /// Whether it changes something an account holds.
    pub write: bool,
    /// `None` if the connection was closed instead.
    pub status: Option<u16>,
}

impl Call {
    /// From its arrival to its answer.
    pub fn took(&self) -> Duration {
        self.ended.saturating_sub(self.started)
    }
}

impl Request {
    pub(crate) fn new(
        method: Method,
        path: String,
        query: String,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        let service = service(&headers, &path);
        let operation = operation(&service, &method, &path, &headers, &body);
        Self {
            method,
            path,
            query,
            headers,
            body,
            service,
            operation,
        }
    }

    /// Whether it changes something an account holds; requests through the public endpoint never count.
    pub fn is_write(&self) -> bool {
        const READS: [&str; 7] = [
            "Get", "List", "Describe", "Head", "Scan", "Query", "BatchGet",
        ];
        self.service != "execute-api"
            && self.operation != "Invoke"
            && self.operation != "FilterLogEvents"
            && !READS
                .iter()
                .any(|prefix| self.operation.starts_with(prefix))
    }
}

fn service(headers: &HeaderMap, path: &str) -> String {
    if path.contains("/_user_request_") {
        return "execute-api".to_owned();
    }
    // AWS4-HMAC-SHA256 Credential=KEY/20260102/eu-west-1/iam/aws4_request, SignedHeaders=…
    headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential="))
        .and_then(|(_, scope)| scope.split('/').nth(3))
        .unwrap_or_default()
        .to_owned()
}

fn operation(
    service: &str,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> String {
    if service == "execute-api" {
        return method.to_string();
    }
    if let Some(target) = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
    {
        return target.rsplit('.').next().unwrap_or(target).to_owned();
    }
    let table = match service {
        "lambda" => LAMBDA,
        "apigateway" => API_GATEWAY,
        _ => &[],
    };
    let known = table
        .iter()
        .find(|(verb, pattern, _)| *verb == method.as_str() && matches(pattern, path));
    if let Some((_, _, name)) = known {
        return (*name).to_owned();
    }
    action(body).unwrap_or_else(|| format!("{method} {path}"))
}

fn action(body: &[u8]) -> Option<String> {
    std::str::from_utf8(body)
        .ok()?
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
        .map(str::to_owned)
}

/// `*` stands for one segment, a last `**` for the rest.
fn matches(pattern: &str, path: &str) -> bool {
    let mut segments = path.trim_matches('/').split('/');
    for part in pattern.split('/') {
        if part == "**" {
            return segments.next().is_some();
        }
        match segments.next() {
            Some(segment) if part == "*" || part == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

type Table = &'static [(&'static str, &'static str, &'static str)];

const LAMBDA: Table = &[
    ("GET", "2015-03-31/functions", "ListFunctions"),
    ("POST", "2015-03-31/functions", "CreateFunction"),
    ("GET", "2015-03-31/functions/*", "GetFunction"),
    ("DELETE", "2015-03-31/functions/*", "DeleteFunction"),
    (
        "GET",
        "2015-03-31/functions/*/configuration",
        "GetFunctionConfiguration",
    ),
    (
        "PUT",
        "2015-03-31/functions/*/configuration",
        "UpdateFunctionConfiguration",
    ),
    ("PUT", "2015-03-31/functions/*/code", "UpdateFunctionCode"),
    ("POST", "2015-03-31/functions/*/invocations", "Invoke"),
    ("GET", "2015-03-31/functions/*/policy", "GetPolicy"),
    ("POST", "2015-03-31/functions/*/policy", "AddPermission"),
    (
        "DELETE",
        "2015-03-31/functions/*/policy/*",
        "RemovePermission",
    ),
    ("POST", "2015-03-31/functions/*/versions", "PublishVersion"),
    (
        "GET",
        "2015-03-31/functions/*/versions",
        "ListVersionsByFunction",
    ),
    ("POST", "2015-03-31/functions/*/aliases", "CreateAlias"),
    ("GET", "2015-03-31/functions/*/aliases", "ListAliases"),
    ("GET", "2015-03-31/functions/*/aliases/*", "GetAlias"),
    ("PUT", "2015-03-31/functions/*/aliases/*", "UpdateAlias"),
    ("DELETE", "2015-03-31/functions/*/aliases/*", "DeleteAlias"),
    (
        "PUT",
        "2017-10-31/functions/*/concurrency",
        "PutFunctionConcurrency",
    ),
    (
        "GET",
        "2019-09-30/functions/*/concurrency",
        "GetFunctionConcurrency",
    ),
    (
        "DELETE",
        "2017-10-31/functions/*/concurrency",
        "DeleteFunctionConcurrency",
    ),
    ("GET", "2016-08-19/account-settings", "GetAccountSettings"),
    (
        "GET",
        "2020-06-30/functions/*/code-signing-config",
        "GetFunctionCodeSigningConfig",
    ),
    ("GET", "2021-10-31/functions/*/url", "GetFunctionUrlConfig"),
    (
        "GET",
        "2021-10-31/functions/*/urls",
        "ListFunctionUrlConfigs",
    ),
    (
        "GET",
        "2021-07-20/functions/*/runtime-management-config",
        "GetRuntimeManagementConfig",
    ),
    (
        "GET",
        "2015-03-31/event-source-mappings",
        "ListEventSourceMappings",
    ),
    ("GET", "2017-03-31/tags/**", "ListTags"),
    ("POST", "2017-03-31/tags/**", "TagResource"),
    ("DELETE", "2017-03-31/tags/**", "UntagResource"),
];

const API_GATEWAY: Table = &[
    ("GET", "restapis", "GetRestApis"),
    ("POST", "restapis", "CreateRestApi"),
    ("GET", "restapis/*", "GetRestApi"),
    ("PUT", "restapis/*", "PutRestApi"),
    ("PATCH", "restapis/*", "UpdateRestApi"),
    ("DELETE", "restapis/*", "DeleteRestApi"),
    ("GET", "restapis/*/resources", "GetResources"),
    ("GET", "restapis/*/resources/*", "GetResource"),
    ("POST", "restapis/*/resources/*", "CreateResource"),
    ("PATCH", "restapis/*/resources/*", "UpdateResource"),
    ("DELETE", "restapis/*/resources/*", "DeleteResource"),
    ("GET", "restapis/*/resources/*/methods/*", "GetMethod"),
    ("PUT", "restapis/*/resources/*/methods/*", "PutMethod"),
    ("PATCH", "restapis/*/resources/*/methods/*", "UpdateMethod"),
    ("DELETE", "restapis/*/resources/*/methods/*", "DeleteMethod"),
    (
        "POST",
        "restapis/*/resources/*/methods/*",
        "TestInvokeMethod",
    ),
    (
        "GET",
        "restapis/*/resources/*/methods/*/integration",
        "GetIntegration",
    ),
    (
        "PUT",
        "restapis/*/resources/*/methods/*/integration",
        "PutIntegration",
    ),
    (
        "PATCH",
        "restapis/*/resources/*/methods/*/integration",
        "UpdateIntegration",
    ),
    (
        "DELETE",
        "restapis/*/resources/*/methods/*/integration",
        "DeleteIntegration",
    ),
    (
        "PUT",
        "restapis/*/resources/*/methods/*/responses/*",
        "PutMethodResponse",
    ),
    (
        "GET",
        "restapis/*/resources/*/methods/*/responses/*",
        "GetMethodResponse",
    ),
    (
        "PATCH",
        "restapis/*/resources/*/methods/*/responses/*",
        "UpdateMethodResponse",
    ),
    (
        "DELETE",
        "restapis/*/resources/*/methods/*/responses/*",
        "DeleteMethodResponse",
    ),
    (
        "PUT",
        "restapis/*/resources/*/methods/*/integration/responses/*",
        "PutIntegrationResponse",
    ),
    (
        "GET",
        "restapis/*/resources/*/methods/*/integration/responses/*",
        "GetIntegrationResponse",
    ),
    (
        "PATCH",
        "restapis/*/resources/*/methods/*/integration/responses/*",
        "UpdateIntegrationResponse",
    ),
    (
        "DELETE",
        "restapis/*/resources/*/methods/*/integration/responses/*",
        "DeleteIntegrationResponse",
    ),
    ("GET", "restapis/*/deployments", "GetDeployments"),
    ("POST", "restapis/*/deployments", "CreateDeployment"),
    ("GET", "restapis/*/deployments/*", "GetDeployment"),
    ("PATCH", "restapis/*/deployments/*", "UpdateDeployment"),
    ("DELETE", "restapis/*/deployments/*", "DeleteDeployment"),
    ("GET", "restapis/*/stages", "GetStages"),
    ("POST", "restapis/*/stages", "CreateStage"),
    ("GET", "restapis/*/stages/*", "GetStage"),
    ("PATCH", "restapis/*/stages/*", "UpdateStage"),
    ("DELETE", "restapis/*/stages/*", "DeleteStage"),
    ("GET", "restapis/*/models", "GetModels"),
    ("GET", "restapis/*/models/*", "GetModel"),
    ("GET", "restapis/*/gatewayresponses", "GetGatewayResponses"),
    ("GET", "apikeys", "GetApiKeys"),
    ("POST", "apikeys", "CreateApiKey"),
    ("GET", "apikeys/*", "GetApiKey"),
    ("PATCH", "apikeys/*", "UpdateApiKey"),
    ("DELETE", "apikeys/*", "DeleteApiKey"),
    ("GET", "usageplans", "GetUsagePlans"),
    ("POST", "usageplans", "CreateUsagePlan"),
    ("GET", "usageplans/*", "GetUsagePlan"),
    ("PATCH", "usageplans/*", "UpdateUsagePlan"),
    ("DELETE", "usageplans/*", "DeleteUsagePlan"),
    ("GET", "usageplans/*/keys", "GetUsagePlanKeys"),
    ("POST", "usageplans/*/keys", "CreateUsagePlanKey"),
    ("GET", "usageplans/*/keys/*", "GetUsagePlanKey"),
    ("DELETE", "usageplans/*/keys/*", "DeleteUsagePlanKey"),
    ("GET", "usageplans/*/usage", "GetUsage"),
    ("GET", "account", "GetAccount"),
    ("PATCH", "account", "UpdateAccount"),
    ("GET", "tags/**", "GetTags"),
    ("PUT", "tags/**", "TagResource"),
    ("DELETE", "tags/**", "UntagResource"),
];

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn signed(service: &str) -> HeaderMap {
        let value = format!(
            "AWS4-HMAC-SHA256 Credential=000000000001/20260102/eu-west-1/{service}/aws4_request, S=x"
        );
        let mut headers = HeaderMap::new();
        headers.insert(
            "authorization",
            HeaderValue::from_str(&value).expect("ASCII"),
        );
        headers
    }

    fn request(method: Method, path: &str, headers: HeaderMap, body: &'static str) -> Request {
        Request::new(
            method,
            path.to_owned(),
            String::new(),
            headers,
            Bytes::from_static(body.as_bytes()),
        )
    }

    #[test]
    fn names_the_operation_of_each_protocol() {
        let rest = request(
            Method::PUT,
            "/restapis/a1/resources/r1/methods/POST/integration",
            signed("apigateway"),
            "{}",
        );
        assert_eq!(
            (rest.operation.as_str(), rest.is_write()),
            ("PutIntegration", true)
        );

        let query = request(
            Method::POST,
            "/",
            signed("iam"),
            "Version=2010-05-08&Action=GetRole&RoleName=x",
        );
        assert_eq!(
            (query.operation.as_str(), query.is_write()),
            ("GetRole", false)
        );

        let mut headers = signed("dynamodb");
        headers.insert(
            "x-amz-target",
            HeaderValue::from_static("DynamoDB_20120810.CreateTable"),
        );
        let json = request(Method::POST, "/", headers, "{}");
        assert_eq!(
            (json.service.as_str(), json.operation.as_str()),
            ("dynamodb", "CreateTable")
        );
    }

    #[test]
    fn parameters_and_tags_are_read_and_written() {
        for (service, target, operation, is_write) in [
            ("ssm", "AmazonSSM.PutParameter", "PutParameter", true),
            (
                "ssm",
                "AmazonSSM.AddTagsToResource",
                "AddTagsToResource",
                true,
            ),
            ("ssm", "AmazonSSM.GetParameters", "GetParameters", false),
            (
                "ssm",
                "AmazonSSM.DescribeParameters",
                "DescribeParameters",
                false,
            ),
            (
                "tagging",
                "ResourceGroupsTaggingAPI_20170126.GetResources",
                "GetResources",
                false,
            ),
            (
                "tagging",
                "ResourceGroupsTaggingAPI_20170126.UntagResources",
                "UntagResources",
                true,
            ),
        ] {
            let mut headers = signed(service);
            headers.insert("x-amz-target", HeaderValue::from_static(target));
            let call = request(Method::POST, "/", headers, "{}");
            assert_eq!(
                (call.service.as_str(), call.operation.as_str()),
                (service, operation)
            );
            assert_eq!(call.is_write(), is_write, "{operation}");
        }
    }

    #[test]
    fn a_function_in_a_tag_path_is_one_resource() {
        let arn = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af";
        assert_eq!(
            request(Method::GET, arn, signed("lambda"), "").operation,
            "ListTags"
        );
        assert!(request(Method::POST, arn, signed("lambda"), "").is_write());
    }

    #[test]
    fn the_public_endpoint_is_its_own_service() {
        let call = request(
            Method::POST,
            "/restapis/a1/Prod/_user_request_/x",
            HeaderMap::new(),
            "{}",
        );
        assert_eq!(
            (call.service.as_str(), call.is_write()),
            ("execute-api", false)
        );
    }

    #[test]
    fn an_unknown_call_counts_as_a_write() {
        let call = request(Method::POST, "/2031-01-01/novelties", signed("lambda"), "");
        assert!(call.is_write());
        assert_eq!(call.operation, "POST /2031-01-01/novelties");
    }
}
