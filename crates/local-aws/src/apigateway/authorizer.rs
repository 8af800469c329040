//! Lambda authorizers of an API: what is kept of each, and the operations on them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::refusal::{Violations, bad_request, conflict, not_found};
use super::resource::Tree;
use super::{page, rest_api, shown};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::ids;
use crate::store::{Record, Tx};

/// "Amazon API Gateway quotas": per API, can be raised.
const MOST: usize = 10;
/// Seconds that a result is kept when nothing else is said.
const DEFAULT_TTL: i64 = 300;
const LARGEST_TTL: i64 = 3600;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorizer {
    api: String,
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) auth_type: Option<String>,
    #[serde(rename = "authorizerUri")]
    pub(super) uri: Option<String>,
    #[serde(rename = "authorizerCredentials")]
    pub(super) credentials: Option<String>,
    /// Comma-separated.
    pub(super) identity_source: Option<String>,
    pub(super) identity_validation_expression: Option<String>,
    /// Seconds.
    #[serde(rename = "authorizerResultTtlInSeconds")]
    pub(super) result_ttl: Option<i64>,
}

impl Record for Authorizer {
    const KIND: &'static str = "api-authorizer";

    fn key(&self) -> String {
        format!("{}/{}", self.api, self.id)
    }
}

/// An authorizer as a call or an API definition describes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Definition {
    pub(super) name: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(rename = "providerARNs", default)]
    pub(super) provider_arns: Vec<String>,
    pub(super) auth_type: Option<String>,
    pub(super) authorizer_uri: Option<String>,
    pub(super) authorizer_credentials: Option<String>,
    pub(super) identity_source: Option<String>,
    pub(super) identity_validation_expression: Option<String>,
    pub(super) authorizer_result_ttl_in_seconds: Option<i64>,
}

const TYPES: &[&str] = &["TOKEN", "REQUEST", "COGNITO_USER_POOLS"];
const PATHS: &[&str] = &[
    "/name",
    "/type",
    "/authorizerUri",
    "/authorizerCredentials",
    "/authorizerResultTtlInSeconds",
    "/authType",
    "/identitySource",
    "/identityValidationExpression",
];

const RULES: &[Rule] = &[
    rule("/name", REPLACE, Kind::Text),
    rule("/type", REPLACE, Kind::Text),
    rule("/authorizerUri", REPLACE, Kind::Text),
    rule("/authorizerCredentials", REPLACE, Kind::Text),
    rule("/authorizerResultTtlInSeconds", REPLACE, Kind::Integer),
    rule("/authType", REPLACE, Kind::Text),
    rule("/identitySource", REPLACE, Kind::Text),
    rule("/identityValidationExpression", REPLACE, Kind::Text),
];

impl Authorizer {
    /// A new authorizer of `api`, or the refusal of its definition.
    pub(super) fn new(api: &str, definition: Definition) -> Result<Self, Refusal> {
        if !definition.provider_arns.is_empty() {
            return Err(no_user_pools());
        }
        let authorizer = Self {
            api: api.to_owned(),
            id: ids::lower(6),
            name: definition.name.unwrap_or_default(),
            kind: definition.kind.unwrap_or_default(),
            auth_type: Some(definition.auth_type.unwrap_or_else(|| "custom".to_owned())),
            uri: definition.authorizer_uri,
            credentials: definition.authorizer_credentials,
            identity_source: definition.identity_source,
            identity_validation_expression: definition.identity_validation_expression,
            result_ttl: definition.authorizer_result_ttl_in_seconds,
        };
        authorizer.check()?;
        Ok(authorizer)
    }

    /// The same under the id of the one that it replaces.
    pub(super) fn with_id(self, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..self
        }
    }

    /// Seconds that a result is kept; 0 for not at all.
    pub(super) fn ttl(&self) -> u64 {
        let seconds = self.result_ttl.unwrap_or(DEFAULT_TTL);
        u64::try_from(seconds).unwrap_or_default()
    }

    /// The mapping expressions that name what identifies a caller.
    pub(super) fn identity_sources(&self) -> impl Iterator<Item = &str> {
        self.identity_source
            .as_deref()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|source| !source.is_empty())
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.kind == "COGNITO_USER_POOLS" {
            return Err(no_user_pools());
        }
        if !TYPES.contains(&self.kind.as_str()) {
            return Err(bad_request(format!(
                "Invalid authorizer type specified. Valid options are {}",
                TYPES.join(",")
            )));
        }
        if self.name.is_empty() {
            return Err(bad_request("Authorizer name must not be empty"));
        }
        let uri = self.uri.as_deref().unwrap_or_default();
        if !is_function_uri(uri) {
            return Err(bad_request(format!(
                "Invalid Authorizer URI: {uri}. Authorizer URI should be a valid API Gateway ARN that represents a Lambda \
                 function invocation."
            )));
        }
        if let Some(ttl) = self.result_ttl
            && !(0..=LARGEST_TTL).contains(&ttl)
        {
            return Err(bad_request(format!(
                "Authorizer result TTL must be between 0 and {LARGEST_TTL} seconds"
            )));
        }
        self.check_sources()?;
        if let Some(pattern) = &self.identity_validation_expression
            && regex_lite::Regex::new(pattern).is_err()
        {
            return Err(bad_request(format!(
                "Invalid identity validation expression specified: {pattern}"
            )));
        }
        Ok(())
    }

    /// A token comes in one header. What identifies a request may be in its headers, its query, the stage's variables and
    /// the request's context; without it, results cannot be kept.
    fn check_sources(&self) -> Result<(), Refusal> {
        let sources: Vec<&str> = self.identity_sources().collect();
        let places: &[&str] = if self.kind == "TOKEN" {
            &["method.request.header."]
        } else {
            &[
                "method.request.header.",
                "method.request.querystring.",
                "stageVariables.",
                "context.",
            ]
        };
        let wrong = sources.iter().find(|source| {
            !places.iter().any(|place| {
                source
                    .strip_prefix(place)
                    .is_some_and(|name| !name.is_empty())
            })
        });
        if let Some(source) = wrong {
            return Err(bad_request(format!(
                "Invalid identity source specified: {source}"
            )));
        }
        match (self.kind.as_str(), sources.len()) {
            ("TOKEN", 1) => Ok(()),
            ("TOKEN", _) => Err(bad_request(
                "Invalid identity source specified. A TOKEN authorizer requires exactly one header",
            )),
            (_, 0) if self.ttl() > 0 => Err(bad_request(
                "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)",
            )),
            _ => Ok(()),
        }
    }

    fn shown(&self) -> Result<Map<String, Value>, Refusal> {
        shown::record(self, shown::Tags::IfAny)
    }
}

/// `arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{functionArn}/invocations`.
fn is_function_uri(uri: &str) -> bool {
    let parts: Vec<&str> = uri.splitn(6, ':').collect();
    let ["arn", _, "apigateway", region, "lambda", path] = parts.as_slice() else {
        return false;
    };
    !region.is_empty()
        && path.starts_with("path/")
        && path.contains("/functions/")
        && path.ends_with("/invocations")
}

fn no_user_pools() -> Refusal {
    bad_request("The local AWS does not support authorizers of type COGNITO_USER_POOLS")
}

fn no_authorizer() -> Refusal {
    not_found("Invalid Authorizer identifier specified")
}

/// All authorizers of `api`, by id.
pub(super) fn all(tx: &Tx, call: &Call, api: &str) -> Result<Vec<Authorizer>, Refusal> {
    tx.list(&call.place, &format!("{api}/"))
}

/// The authorizer that a call names.
pub(super) fn named(tx: &Tx, call: &Call) -> Result<Authorizer, Refusal> {
    let api = rest_api::named(tx, call)?;
    let key = format!("{}/{}", api.id, call.label("authorizer_id"));
    tx.get(&call.place, &key)?.ok_or_else(no_authorizer)
}

/// The ids of the authorizers of the API that a call names; empty without the API.
pub(super) fn ids_of(cloud: &Cloud, call: &Call) -> Result<Vec<String>, Refusal> {
    let all = cloud
        .store
        .transact(|tx| all(tx, call, call.label("restapi_id")))?;
    Ok(all.into_iter().map(|authorizer| authorizer.id).collect())
}

pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let definition: Definition = call.input()?;
    let mut violations = Violations::default();
    if definition.name.is_none() {
        violations.missing("createAuthorizerInput.name");
    }
    match &definition.kind {
        None => violations.missing("createAuthorizerInput.type"),
        Some(kind) => violations.one_of(kind, "createAuthorizerInput.type", TYPES),
    }
    violations.refuse()?;
    // The definition is looked at before the API (recorded by localstack, `test_authorizer_crud_no_api`).
    let authorizer = Authorizer::new(call.label("restapi_id"), definition)?;
    cloud.store.transact(|tx| {
        rest_api::named(tx, call).map_err(|_| {
            conflict(
                "Unable to complete operation due to concurrent modification. Please try again later.",
            )
        })?;
        let others = all(tx, call, &authorizer.api)?;
        if others.iter().any(|other| other.name == authorizer.name) {
            return Err(conflict("Authorizer name must be unique within the API"));
        }
        if others.len() >= MOST {
            return Err(Refusal::new(
                429,
                "LimitExceededException",
                "Maximum number of Authorizers for this API has been reached. Please contact AWS if you need additional \
                 Authorizers.",
            ));
        }
        tx.put(&call.place, &authorizer)
    })?;
    Ok(Answer::json(201, authorizer.shown()?.into()))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let authorizer = cloud.store.transact(|tx| named(tx, call))?;
    Ok(Answer::ok(authorizer.shown()?.into()))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let authorizers = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        all(tx, call, &api.id)
    })?;
    let entries = authorizers
        .iter()
        .map(|authorizer| {
            let key = format!("{}\0{}", authorizer.name, authorizer.id);
            Ok((key, authorizer.shown()?))
        })
        .collect::<Result<_, Refusal>>()?;
    page::answer(call, entries)
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let authorizer = cloud.store.transact(|tx| {
        let mut authorizer = named(tx, call)?;
        for operation in &operations {
            if operation.parts().first() == Some(&"providerARNs") {
                return Err(no_user_pools());
            }
            if !PATHS.contains(&operation.path.as_str()) {
                return Err(operation.unlisted(PATHS));
            }
            operation.apply(&mut authorizer, RULES, Wording::Listing)?;
        }
        authorizer.check()?;
        tx.put(&call.place, &authorizer)?;
        Ok(authorizer)
    })?;
    Ok(Answer::ok(authorizer.shown()?.into()))
}

/// Refused while a method needs it (hashicorp/terraform-provider-aws#14812).
pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    cloud.store.transact(|tx| {
        let authorizer = named(tx, call)?;
        let tree: Option<Tree> = tx.get(&call.place, &authorizer.api)?;
        let user = tree
            .iter()
            .flat_map(|tree| tree.resources.values())
            .find_map(|resource| {
                let method = resource.methods.values().find(|method| {
                    method.authorizer_id.as_deref() == Some(authorizer.id.as_str())
                })?;
                Some(format!("{}/{}", method.name, resource.path))
            });
        if let Some(user) = user {
            return Err(conflict(format!(
                "Cannot delete authorizer '{}', is referenced in method: {user}",
                authorizer.name
            )));
        }
        tx.remove::<Authorizer>(&call.place, &authorizer.key())
    })?;
    Ok(Answer::empty(202))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/\
                       arn:aws:lambda:eu-west-1:000000000000:function:f/invocations";

    fn refusal(kind: &str, uri: &str, source: &str, ttl: Option<i64>) -> Option<String> {
        let definition = Definition {
            name: Some("a".to_owned()),
            kind: Some(kind.to_owned()),
            authorizer_uri: Some(uri.to_owned()),
            identity_source: Some(source.to_owned()),
            authorizer_result_ttl_in_seconds: ttl,
            ..Definition::default()
        };
        Authorizer::new("api", definition)
            .err()
            .map(|refusal| refusal.message)
    }

    #[test]
    fn what_identifies_a_caller_depends_on_the_type() {
        let header = "method.request.header.Authorization";
        assert_eq!(refusal("TOKEN", URI, header, None), None);
        let two = "method.request.querystring.a, context.identity.sourceIp";
        assert_eq!(refusal("REQUEST", URI, two, None), None);
        assert!(refusal("TOKEN", URI, two, None).is_some());
        assert!(refusal("REQUEST", URI, "method.request.path.a", None).is_some());
        assert!(refusal("REQUEST", URI, "", None).is_some());
        assert_eq!(refusal("REQUEST", URI, "", Some(0)), None);
        assert!(refusal("TOKEN", URI, header, Some(3601)).is_some());
        assert!(
            refusal("COGNITO_USER_POOLS", URI, header, None)
                .is_some_and(|text| text.contains("COGNITO_USER_POOLS"))
        );
        let uri = "arn:aws:lambda:eu-west-1:000000000000:function:f";
        assert_eq!(
            refusal("TOKEN", uri, header, None),
            Some(format!(
                "Invalid Authorizer URI: {uri}. Authorizer URI should be a valid API Gateway ARN that represents a Lambda \
                 function invocation."
            ))
        );
    }
}
