//! An API as it is served: its stages, compiled for routing, with the keys that open each.

use std::collections::HashMap;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::access_log::{AccessLog, Level, Logging};
use super::account;
use super::api_key::ApiKey;
use super::auth::Access;
use super::caching::Caching;
use super::compiled::Compiled;
use super::deployment::{Deployment, Snapshot};
use super::gateway::Gateway;
use super::gateway_response::GatewayResponses;
use super::method::Method;
use super::plan_key::PlanKey;
use super::request_check::{self, RequestCheck};
use super::resource::is_variable;
use super::rest_api::RestApi;
use super::stage::{Stage, Variables};
use super::stage_patch;
use super::throttle::Limiter;
use super::usage::Counter;
use super::usage_plan::{Quota, Throttle, UsagePlan};
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::place::Place;
use crate::store::Tx;

pub(super) struct Served {
    pub(super) place: Place,
    /// The name of the account's role for logs.
    pub(super) log_role: Option<String>,
    pub(super) stages: HashMap<String, ServedStage>,
}

pub(super) struct ServedStage {
    pub(super) variables: Option<Variables>,
    pub(super) access_log: Option<AccessLog>,
    deployed_at: Moment,
    current: Version,
    former: Option<Version>,
    /// By value.
    keys: HashMap<String, Key>,
}

/// One deployment under one stage.
pub(super) struct Version {
    pub(super) deployment: String,
    pub(super) binary_media_types: Vec<String>,
    pub(super) is_disabled: bool,
    /// True if keys come in the header `x-api-key`.
    pub(super) takes_header_keys: bool,
    pub(super) gateway_responses: Arc<GatewayResponses>,
    pub(super) access: Access,
    /// From so many bytes on, answers are compressed.
    pub(super) compression_from: Option<i64>,
    root: Node,
}

/// One method of one resource.
pub(super) struct Route {
    pub(super) resource_id: String,
    /// With its variables in braces.
    pub(super) path: String,
    pub(super) method: Method,
    pub(super) compiled: Option<Compiled>,
    pub(super) settings: Applied,
    pub(super) check: Option<RequestCheck>,
    /// `{path}/{method}`, as usage plans name methods.
    name: String,
}

/// A stage's settings for one method.
#[derive(Default)]
pub(super) struct Applied {
    pub(super) limiter: Option<Arc<Limiter>>,
    pub(super) logging: Logging,
    pub(super) caching: Option<Caching>,
}

/// A key in the plan through which it opens the stage.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) value: String,
    pub(super) enabled: bool,
    pub(super) linked: Moment,
    pub(super) quota: Option<Quota>,
    pub(super) counter: Arc<Counter>,
    limiter: Option<Arc<Limiter>>,
    method_limiters: HashMap<String, Arc<Limiter>>,
}

#[derive(Default)]
struct Node {
    fixed: HashMap<String, Node>,
    variable: Option<(String, Box<Node>)>,
    greedy: Option<(String, Box<Node>)>,
    methods: HashMap<String, Arc<Route>>,
}

/// Path variables and what was in their place.
pub(super) type Parameters = Vec<(String, String)>;

impl ServedStage {
    /// What callers see `lag` after a deployment: nothing of a new stage, and of a moved one what was there before.
    pub(super) fn version(&self, now: Moment, lag: u64) -> Option<&Version> {
        if self.deployed_at.saturating_add(lag) <= now {
            Some(&self.current)
        } else {
            self.former.as_ref()
        }
    }

    pub(super) fn key(&self, value: &str) -> Option<&Key> {
        self.keys.get(value)
    }
}

impl Key {
    /// The plan's limits for the method before those for all.
    pub(super) fn admits(&self, route: &Route) -> bool {
        let of_method = self.method_limiters.get(&route.name);
        of_method
            .into_iter()
            .chain(&self.limiter)
            .all(|limiter| limiter.admits())
    }
}

impl Version {
    /// `settings_of` gives the stage's settings for a method, by its path and name.
    pub(super) fn new(
        deployment: &str,
        snapshot: &Snapshot,
        variables: Option<&Variables>,
        settings_of: impl Fn(&str, &str) -> Applied,
    ) -> Self {
        let mut root = Node::default();
        let schemas = request_check::schemas(&snapshot.tree);
        for resource in snapshot.tree.resources.values() {
            let node = root.place(&resource.path);
            for (name, method) in &resource.methods {
                let integration = method.integration.as_ref();
                let route = Route {
                    resource_id: resource.id.clone(),
                    path: resource.path.clone(),
                    method: method.clone(),
                    compiled: integration.map(|integration| Compiled::of(integration, variables)),
                    settings: settings_of(&resource.path, name),
                    check: RequestCheck::of(&snapshot.tree, method, &schemas),
                    name: format!("{}/{name}", resource.path.trim_end_matches('/')),
                };
                node.methods.insert(name.clone(), Arc::new(route));
            }
        }
        Self {
            deployment: deployment.to_owned(),
            binary_media_types: snapshot.binary_media_types.clone(),
            is_disabled: snapshot.disabled,
            takes_header_keys: snapshot.key_source == "HEADER",
            gateway_responses: Arc::new(snapshot.tree.gateway_responses.clone()),
            access: Access::of(snapshot, variables),
            compression_from: snapshot.minimum_compression_size,
            root,
        }
    }

    /// The method of a resource, by its path with the variables in braces.
    pub(super) fn route(&self, path: &str, method: &str) -> Option<&Arc<Route>> {
        let mut node = &self.root;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let slot = match part.strip_prefix('{') {
                Some(name) if name.ends_with("+}") => &node.greedy,
                Some(_) => &node.variable,
                None => {
                    node = node.fixed.get(part)?;
                    continue;
                }
            };
            node = &slot.as_ref()?.1;
        }
        node.methods.get(method)
    }

    /// The method for a path as it was sent, without its stage. A slash at the end makes no difference. Values of parameters stay as
    /// they were sent (recorded by localstack, `test_apigateway_lambda`).
    pub(super) fn find(&self, method: &str, path: &str) -> Option<(&Arc<Route>, Parameters)> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = if path.is_empty() {
            Vec::new()
        } else {
            path.split('/').collect()
        };
        let mut parameters = Parameters::new();
        let route = self.root.find(method, &segments, &mut parameters)?;
        Some((route, parameters))
    }
}

impl Node {
    /// The node of a resource's path.
    fn place(&mut self, path: &str) -> &mut Self {
        let mut node = self;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if !is_variable(part) {
                node = node.fixed.entry(part.to_owned()).or_default();
                continue;
            }
            let name = part.trim_matches(['{', '}']);
            let (slot, name) = match name.strip_suffix('+') {
                Some(name) => (&mut node.greedy, name),
                None => (&mut node.variable, name),
            };
            node = &mut slot
                .get_or_insert_with(|| (name.to_owned(), Box::default()))
                .1;
        }
        node
    }

    fn route(&self, method: &str) -> Option<&Arc<Route>> {
        self.methods.get(method).or_else(|| self.methods.get("ANY"))
    }

    /// The method of the most specific resource that has it.
    fn find(
        &self,
        method: &str,
        segments: &[&str],
        parameters: &mut Parameters,
    ) -> Option<&Arc<Route>> {
        let [first, rest @ ..] = segments else {
            return self.route(method);
        };
        let part = percent_decode_str(first).decode_utf8_lossy();
        if let Some(node) = self.fixed.get(part.as_ref())
            && let Some(found) = node.find(method, rest, parameters)
        {
            return Some(found);
        }
        if let Some((name, node)) = &self.variable
            && !first.is_empty()
        {
            let before = parameters.len();
            parameters.push((name.clone(), (*first).to_owned()));
            if let Some(found) = node.find(method, rest, parameters) {
                return Some(found);
            }
            parameters.truncate(before);
        }
        let (name, node) = self.greedy.as_ref()?;
        let found = node.route(method)?;
        parameters.push((name.clone(), segments.join("/")));
        Some(found)
    }
}

/// What the store has of an API, ready to serve.
pub(super) fn load(tx: &Tx, gateway: &Gateway, id: &str) -> Result<Option<Served>, Refusal> {
    let Some((place, api)) = tx.find::<RestApi>(id)? else {
        return Ok(None);
    };
    let mut stages = HashMap::new();
    for stage in tx.list::<Stage>(&place, &format!("{}/", api.id))? {
        let version = |deployment: &str| -> Result<Option<Version>, Refusal> {
            let deployment = tx.get::<Deployment>(&place, &format!("{id}/{deployment}"))?;
            Ok(deployment.map(|deployment| {
                Version::new(
                    &deployment.id,
                    &deployment.snapshot,
                    stage.variables.as_ref(),
                    |path, method| method_settings(gateway, &stage, path, method),
                )
            }))
        };
        let Some(current) = version(&stage.deployment_id)? else {
            continue;
        };
        let former = match &stage.former {
            Some(former) => version(former)?,
            None => None,
        };
        let served = ServedStage {
            deployed_at: stage.deployed_at,
            current,
            former,
            keys: keys(tx, gateway, &place, &stage)?,
            access_log: stage.access_log_settings.as_ref().and_then(AccessLog::of),
            variables: stage.variables,
        };
        stages.insert(stage.name, served);
    }
    let log_role = account::log_role(tx, &place)?;
    Ok(Some(Served {
        place,
        log_role,
        stages,
    }))
}

/// The stage's own settings of a method, or those that it has for all.
fn method_settings(gateway: &Gateway, stage: &Stage, path: &str, method: &str) -> Applied {
    let settings = &stage.method_settings;
    let own = settings
        .iter()
        .find(|(key, _)| stage_patch::names(key, path, method))
        .map(|(_, setting)| setting);
    let Some(setting) = own.or_else(|| settings.get("*/*")) else {
        return Applied::default();
    };
    let throttle = Throttle {
        burst_limit: Some(setting.throttling_burst_limit).filter(|burst| *burst >= 0),
        rate_limit: Some(setting.throttling_rate_limit).filter(|rate| *rate >= 0.0),
    };
    let scope = format!("stage/{}/{}{path}/{method}", stage.api, stage.name);
    Applied {
        limiter: Some(gateway.limiters.get(scope, throttle)),
        logging: Logging {
            level: Level::named(setting.logging_level.as_deref()),
            data: setting.data_trace_enabled,
        },
        caching: Caching::of(setting, own.is_none(), method)
            .filter(|_| stage.cache_cluster_enabled),
    }
}

fn keys(
    tx: &Tx,
    gateway: &Gateway,
    place: &Place,
    stage: &Stage,
) -> Result<HashMap<String, Key>, Refusal> {
    let mut keys = HashMap::new();
    for plan in tx.list::<UsagePlan>(place, "")? {
        let Some(linked) = plan
            .api_stages
            .iter()
            .find(|linked| linked.api_id == stage.api && linked.stage == stage.name)
        else {
            continue;
        };
        for link in tx.list::<PlanKey>(place, &format!("{}/", plan.id))? {
            let Some(key) = tx.get::<ApiKey>(place, &link.key_id)? else {
                continue;
            };
            let scope = format!("plan/{}/{}", plan.id, key.id);
            let method_limiters = linked
                .throttle
                .iter()
                .map(|(method, throttle)| {
                    let scope = format!("{scope}/{}/{}{method}", stage.api, stage.name);
                    (method.clone(), gateway.limiters.get(scope, *throttle))
                })
                .collect();
            let limiter = plan
                .throttle
                .map(|throttle| gateway.limiters.get(scope, throttle));
            keys.insert(
                key.value.clone(),
                Key {
                    counter: gateway.usage.counter(tx, place, &plan.id, &key.id)?,
                    id: key.id,
                    value: key.value,
                    enabled: key.enabled,
                    linked: link.linked,
                    quota: plan.quota.clone(),
                    limiter,
                    method_limiters,
                },
            );
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resource without the method lets a less specific one answer that has it (recorded by localstack,
    /// `test_lambda_rest_api_routing`).
    #[test]
    fn the_most_specific_resource_with_the_method_wins() {
        let version = version(&[
            ("/zap", "POST"),
            ("/{id}", "GET"),
            ("/{proxy+}", "ANY"),
            ("/only/post", "POST"),
        ]);
        let found = |method, path| {
            let (route, _) = version.find(method, path)?;
            Some(route.path.clone())
        };
        assert_eq!(found("POST", "/zap").as_deref(), Some("/zap"));
        assert_eq!(found("OPTIONS", "/zap").as_deref(), Some("/{proxy+}"));
        assert_eq!(found("GET", "/zap").as_deref(), Some("/{id}"));
        assert_eq!(found("PUT", "/only/post").as_deref(), Some("/{proxy+}"));
        let alone = self::version(&[("/zap", "POST")]);
        assert!(alone.find("GET", "/zap").is_none());
    }

    fn version(routes: &[(&str, &str)]) -> Version {
        let mut root = Node::default();
        for (path, verb) in routes {
            let method = serde_json::from_value(serde_json::json!({
                "httpMethod": verb, "authorizationType": "NONE", "apiKeyRequired": false,
            }));
            let route = Route {
                resource_id: (*path).to_owned(),
                path: (*path).to_owned(),
                method: method.expect("a method"),
                compiled: None,
                settings: Applied::default(),
                check: None,
                name: String::new(),
            };
            root.place(path)
                .methods
                .insert((*verb).into(), Arc::new(route));
        }
        Version {
            deployment: String::new(),
            binary_media_types: vec![],
            is_disabled: false,
            takes_header_keys: true,
            gateway_responses: Arc::default(),
            access: Access::default(),
            compression_from: None,
            root,
        }
    }

    #[test]
    fn the_most_specific_resource_wins() {
        let paths = ["/", "/a", "/a/b", "/a/{id}", "/a/{id}/c", "/{proxy+}"];
        let version = version(&paths.map(|path| (path, "ANY")));
        let found = |path| {
            let (route, parameters) = version.find("GET", path)?;
            let values: Vec<String> = parameters.into_iter().map(|(_, value)| value).collect();
            Some((route.path.clone(), values.join(",")))
        };
        for (path, resource, values) in [
            ("", "/", ""),
            ("/", "/", ""),
            ("/a/", "/a", ""),
            ("/a/b", "/a/b", ""),
            ("/a/x%20y", "/a/{id}", "x%20y"),
            ("/%61/b", "/a/b", ""),
            ("/a/b/c", "/a/{id}/c", "b"),
            ("/a/b/d", "/{proxy+}", "a/b/d"),
            ("/A", "/{proxy+}", "A"),
        ] {
            assert_eq!(
                found(path),
                Some((resource.to_owned(), values.to_owned())),
                "{path}"
            );
        }
    }
}
