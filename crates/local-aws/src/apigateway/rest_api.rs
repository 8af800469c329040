//! REST APIs: what is said of one as a whole. Its resources are in `resource`.

use serde::{Deserialize, Serialize};

use super::auth;
use super::authorizer::Authorizer;
use super::deployment::Deployment;
use super::documentation::Documentation;
use super::patch::{self, ADD_REMOVE_REPLACE, Kind, Op, Operation, REPLACE, Rule, Wording, rule};
use super::refusal::{Violations, bad_request, no_api, not_found, unsupported};
use super::resource::Tree;
use super::stage::Stage;
use super::tags::{self, Tags};
use super::{page, shown, usage_plan};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RestApi {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) created_date: Moment,
    pub(super) version: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) binary_media_types: Vec<String>,
    pub(super) minimum_compression_size: Option<i64>,
    pub(super) api_key_source: String,
    endpoint_configuration: EndpointConfiguration,
    /// The resource policy.
    pub(super) policy: Option<String>,
    #[serde(default)]
    pub(super) tags: Tags,
    pub(super) disable_execute_api_endpoint: bool,
    pub(super) root_resource_id: String,
    security_policy: Option<String>,
    endpoint_access_mode: Option<String>,
}

impl Record for RestApi {
    const KIND: &'static str = "rest-api";

    fn key(&self) -> String {
        self.id.clone()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EndpointConfiguration {
    types: Vec<String>,
    ip_address_type: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    vpc_endpoint_ids: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    name: Option<String>,
    description: Option<String>,
    version: Option<String>,
    clone_from: Option<String>,
    binary_media_types: Option<Vec<String>>,
    minimum_compression_size: Option<serde_json::Value>,
    api_key_source: Option<String>,
    endpoint_configuration: Option<SentConfiguration>,
    policy: Option<String>,
    tags: Option<Tags>,
    disable_execute_api_endpoint: Option<bool>,
    security_policy: Option<String>,
    endpoint_access_mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentConfiguration {
    types: Option<Vec<String>>,
    ip_address_type: Option<String>,
    #[serde(default)]
    vpc_endpoint_ids: Vec<String>,
}

const TYPES: &[&str] = &["PRIVATE", "EDGE", "REGIONAL"];
const IP_ADDRESS_TYPES: &[&str] = &["ipv4", "dualstack"];
const KEY_SOURCES: &[&str] = &["HEADER", "AUTHORIZER"];
const LARGEST_COMPRESSION: i64 = 10_485_760;

const RULES: &[Rule] = &[
    rule("/name", REPLACE, Kind::Text),
    rule("/description", ADD_REMOVE_REPLACE, Kind::Text),
    rule("/version", REPLACE, Kind::Text),
    rule("/apiKeySource", REPLACE, Kind::Text),
    rule("/policy", ADD_REMOVE_REPLACE, Kind::Text),
    rule("/disableExecuteApiEndpoint", REPLACE, Kind::Flag),
    rule("/endpointConfiguration/ipAddressType", REPLACE, Kind::Text),
];

impl RestApi {
    /// Refuses what is no resource policy.
    pub(super) fn write_policy_in_full(&mut self, place: &Place) -> Result<(), Refusal> {
        if let Some(policy) = &mut self.policy {
            *policy = auth::policy::in_full(policy, place, &self.id)?;
        }
        Ok(())
    }
}

/// A new API for a definition, with the default endpoint if `kinds` is empty.
pub(super) fn imported(now: Moment, name: String, kinds: Vec<String>) -> Result<RestApi, Refusal> {
    let configuration = SentConfiguration {
        types: Some(kinds),
        ip_address_type: None,
        vpc_endpoint_ids: Vec::new(),
    };
    let creation = Creation {
        name: Some(name),
        endpoint_configuration: Some(configuration)
            .filter(|sent| sent.types.as_ref().is_some_and(|kinds| !kinds.is_empty())),
        ..Creation::default()
    };
    created(now, creation)
}

/// The API that a call names, whether or not it can be read yet.
pub(super) fn named(tx: &Tx, call: &Call) -> Result<RestApi, Refusal> {
    tx.get(&call.place, call.label("restapi_id"))?
        .ok_or_else(|| no_api(call))
}

pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let creation: Creation = call.input()?;
    let mut api = created(cloud.now(), creation)?;
    api.write_policy_in_full(&call.place)?;
    let tree = Tree::new(&api.id, &api.root_resource_id);
    cloud.store.transact(|tx| {
        tx.put(&call.place, &tree)?;
        tx.put(&call.place, &api)
    })?;
    let shown = shown::record(&api, shown::Tags::IfAny)?;
    Ok(Answer::json(201, shown.into()))
}

fn created(now: Moment, creation: Creation) -> Result<RestApi, Refusal> {
    let configuration = creation.endpoint_configuration;
    let (types, ip_address_type, vpc_endpoint_ids) = match configuration {
        Some(sent) => (sent.types, sent.ip_address_type, sent.vpc_endpoint_ids),
        None => (None, None, Vec::new()),
    };
    let mut violations = Violations::default();
    let input = |member: &str| format!("createRestApiInput.{member}");
    if let Some(types) = &types {
        violations.each_of(types, &input("endpointConfiguration.types"), TYPES);
    }
    if let Some(kind) = &ip_address_type {
        let at = input("endpointConfiguration.ipAddressType");
        violations.one_of(kind, &at, IP_ADDRESS_TYPES);
    }
    if let Some(source) = &creation.api_key_source {
        violations.one_of(source, &input("apiKeySource"), KEY_SOURCES);
    }
    violations.refuse()?;
    if creation.description.as_deref() == Some("") {
        return Err(bad_request("Description cannot be an empty string"));
    }
    if creation.clone_from.is_some_and(|api| !api.is_empty()) {
        return Err(unsupported("cloneFrom of REST APIs"));
    }
    if !vpc_endpoint_ids.is_empty() {
        return Err(unsupported("vpcEndpointIds of REST APIs"));
    }
    if is_set(creation.security_policy.as_deref()) {
        return Err(unsupported("securityPolicy of REST APIs"));
    }
    if is_set(creation.endpoint_access_mode.as_deref()) {
        return Err(unsupported("endpointAccessMode of REST APIs"));
    }
    let minimum_compression_size = creation
        .minimum_compression_size
        .filter(|size| !size.is_null())
        .map(|size| compression(size.as_i64()))
        .transpose()?;
    let types = types.unwrap_or_else(|| vec!["EDGE".to_owned()]);
    let is_private = types.iter().any(|kind| kind == "PRIVATE");
    let default = if is_private { "dualstack" } else { "ipv4" };
    let tags = creation.tags.unwrap_or_default();
    tags::check(&tags)?;
    let api = RestApi {
        id: ids::lower(10),
        name: creation.name.unwrap_or_default(),
        description: creation.description,
        created_date: now,
        version: creation.version,
        binary_media_types: creation.binary_media_types.unwrap_or_default(),
        minimum_compression_size,
        api_key_source: creation
            .api_key_source
            .unwrap_or_else(|| "HEADER".to_owned()),
        endpoint_configuration: EndpointConfiguration {
            types,
            ip_address_type: ip_address_type.unwrap_or_else(|| default.to_owned()),
            vpc_endpoint_ids: Vec::new(),
        },
        policy: creation.policy.filter(|policy| !policy.is_empty()),
        tags,
        disable_execute_api_endpoint: creation.disable_execute_api_endpoint.unwrap_or(false),
        root_resource_id: ids::lower(10),
        security_policy: None,
        endpoint_access_mode: None,
    };
    check(&api)?;
    Ok(api)
}

fn is_set(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

pub(super) fn check(api: &RestApi) -> Result<(), Refusal> {
    if api.name.trim().is_empty() {
        return Err(bad_request("API name must not be empty"));
    }
    let configuration = &api.endpoint_configuration;
    match configuration.types.as_slice() {
        [] => {
            return Err(bad_request(
                "REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.",
            ));
        }
        [kind] if kind == "PRIVATE" && configuration.ip_address_type == "ipv4" => {
            return Err(bad_request(
                "Only dualstack ipAddressType is supported for Private APIs.",
            ));
        }
        [_] => {}
        _ => {
            return Err(bad_request(
                "Cannot create an api with multiple Endpoint Types.",
            ));
        }
    }
    if !IP_ADDRESS_TYPES.contains(&configuration.ip_address_type.as_str()) {
        return Err(bad_request(
            "ipAddressType must be either ipv4 or dualstack.",
        ));
    }
    if !KEY_SOURCES.contains(&api.api_key_source.as_str()) {
        return Err(bad_request(
            "Invalid API key source specified. Valid options are HEADER,AUTHORIZER",
        ));
    }
    Ok(())
}

fn compression(size: Option<i64>) -> Result<i64, Refusal> {
    size.filter(|size| (0..=LARGEST_COMPRESSION).contains(size))
        .ok_or_else(|| {
            bad_request(format!(
                "Invalid minimum compression size, must be between 0 and {LARGEST_COMPRESSION}"
            ))
        })
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let api = cloud.store.transact(|tx| named(tx, call))?;
    if !cloud.is_visible(api.created_date) {
        return Err(no_api(call));
    }
    Ok(Answer::ok(shown::record(&api, shown::Tags::Always)?.into()))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let apis: Vec<RestApi> = cloud.store.transact(|tx| tx.list(&call.place, ""))?;
    let entries = apis
        .iter()
        .filter(|api| cloud.is_visible(api.created_date))
        .map(|api| Ok((api.id.clone(), shown::record(api, shown::Tags::IfAny)?)))
        .collect::<Result<_, Refusal>>()?;
    page::answer(call, entries)
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let api = cloud.store.transact(|tx| {
        let mut api = named(tx, call)?;
        for operation in &operations {
            patched(&mut api, operation)?;
        }
        check(&api)?;
        api.write_policy_in_full(&call.place)?;
        tx.put(&call.place, &api)?;
        Ok(api)
    })?;
    Ok(Answer::ok(shown::record(&api, shown::Tags::Always)?.into()))
}

fn patched(api: &mut RestApi, operation: &Operation) -> Result<(), Refusal> {
    let types = &mut api.binary_media_types;
    match operation.parts().as_slice() {
        // The path names the type that is there; a replacement goes to the end (recorded by localstack,
        // `test_update_rest_api_operation_add_remove`).
        ["binaryMediaTypes", kind] => {
            let at = types.iter().position(|there| there == kind);
            match (operation.op, at) {
                (Op::Add, None) => types.push((*kind).to_owned()),
                (Op::Add, Some(_)) => {}
                (Op::Remove, Some(at)) => {
                    types.remove(at);
                }
                (Op::Replace, Some(at)) => {
                    types.remove(at);
                    types.push(operation.text().to_owned());
                }
                (Op::Remove | Op::Replace, None) => {
                    return Err(not_found("Invalid binary media type specified"));
                }
                _ => return operation.only(ADD_REMOVE_REPLACE),
            }
            Ok(())
        }
        // An empty text takes the policy away.
        ["policy"] if operation.op == Op::Replace && operation.text().is_empty() => {
            api.policy = None;
            Ok(())
        }
        ["minimumCompressionSize"] => {
            operation.only(REPLACE)?;
            // Without a value, nothing is compressed.
            api.minimum_compression_size = match operation.text() {
                "" => None,
                text => Some(compression(text.parse().ok())?),
            };
            Ok(())
        }
        ["endpointConfiguration", "types", _] => {
            if operation.op != Op::Replace {
                return Err(bad_request(
                    "Invalid patch operation specified. Must be 'add'|'remove'|'replace'",
                ));
            }
            let kind = operation.text();
            if !TYPES.contains(&kind) {
                return Err(bad_request(
                    "Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE",
                ));
            }
            let configuration = &mut api.endpoint_configuration;
            if kind == "PRIVATE" {
                "dualstack".clone_into(&mut configuration.ip_address_type);
            }
            configuration.types = vec![kind.to_owned()];
            Ok(())
        }
        ["endpointConfiguration", "vpcEndpointIds", ..] => {
            Err(unsupported("vpcEndpointIds of REST APIs"))
        }
        [name @ ("securityPolicy" | "endpointAccessMode")] => {
            Err(unsupported(&format!("{name} of REST APIs")))
        }
        _ => operation.apply(api, RULES, Wording::Plain),
    }
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let id = call.label("restapi_id");
    let children = format!("{id}/");
    cloud.store.transact(|tx| {
        named(tx, call)?;
        tx.remove::<RestApi>(&call.place, id)?;
        tx.remove::<Tree>(&call.place, id)?;
        tx.remove::<Documentation>(&call.place, id)?;
        for stage in tx.list::<Stage>(&call.place, &children)? {
            tx.remove::<Stage>(&call.place, &stage.key())?;
        }
        for authorizer in tx.list::<Authorizer>(&call.place, &children)? {
            tx.remove::<Authorizer>(&call.place, &authorizer.key())?;
        }
        for deployment in tx.list::<Deployment>(&call.place, &children)? {
            tx.remove::<Deployment>(&call.place, &deployment.key())?;
        }
        usage_plan::unlink(tx, &call.place, |linked| linked.api_id == id)
    })?;
    Ok(Answer::empty(202))
}
