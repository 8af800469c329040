//! A REST API: routes, and one stage that serves them.

use std::collections::BTreeMap;

use provision_aws::Unusual;
use provision_aws::apigateway::{self, Deployment, Integration, Path, Stage, Throttle};
use provision_aws::arn::{ApiId, Arn, PathId};
use provision_aws::handles::{
    DeploymentHandle as _, MethodHandle, PathHandle as _, RestApiHandle as _, StageHandle as _,
};
use provision_aws::lambda::Permission;
use provision_engine::input::{Handle, Input, digest};
use provision_engine::owner::Tags;
use provision_engine::stack::{Check, Construct, IntoCheck, Stack};
use provision_link::{Method, Route};

use crate::{ApiKeyHandle, FunctionHandle, name_on_aws};

/// A REST API whose routes are functions: itself `id`, `id/path/…` and `id/METHOD/…` for its routes, `id/permission/…` for the
/// functions, `id/deployment` and `id/stage`.
///
/// A change of a route makes a new deployment. The stage's name, by default `live`, is part of its URLs.
#[must_use = "`Stack::add` declares it"]
#[derive(Debug, Default)]
pub struct RestApi {
    name: Option<String>,
    description: String,
    stage: Option<String>,
    stage_description: String,
    throttle: Option<Throttle>,
    permission_sid: Option<String>,
    binary_media_types: Vec<String>,
    compression_from: Option<i32>,
    is_keyed: bool,
    routes: Vec<Declared>,
}

/// A route that is to be declared.
#[derive(Debug)]
struct Declared {
    route: Route,
    function: FunctionHandle,
    /// True if no key is asked for where the others take one.
    is_open: bool,
}

named!(RestApi);
described!(RestApi);

impl RestApi {
    /// An API that anybody may call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks callers for an API key, which a [usage plan](crate::UsagePlan) over the API lets in.
    pub fn require_key(self) -> Self {
        Self {
            is_keyed: true,
            ..self
        }
    }

    /// Adds a route, answered by `function`.
    pub fn route(mut self, route: Route, function: &FunctionHandle) -> Self {
        self.routes.push(Declared {
            route,
            function: function.clone(),
            is_open: false,
        });
        self
    }

    /// Adds a route that asks for no key, beside those that do.
    pub fn open_route(mut self, route: Route, function: &FunctionHandle) -> Self {
        self.routes.push(Declared {
            route,
            function: function.clone(),
            is_open: true,
        });
        self
    }

    /// Sets the stage's name.
    pub fn stage(self, name: &str) -> Self {
        Self {
            stage: Some(name.to_owned()),
            ..self
        }
    }

    /// Sets the stage's description.
    pub fn stage_description(self, description: &str) -> Self {
        Self {
            stage_description: description.to_owned(),
            ..self
        }
    }

    /// Limits the requests to each method, all clients together; by default the account's limits. A client's own limit is its usage
    /// plan's.
    pub fn throttle(self, throttle: Throttle) -> Self {
        Self {
            throttle: Some(throttle),
            ..self
        }
    }

    /// Sets the media types that reach functions as base64, and that they answer with as base64; `*/*` for all. By default none.
    pub fn binary_media_types<'a>(self, types: impl IntoIterator<Item = &'a str>) -> Self {
        let mut types: Vec<String> = types.into_iter().map(str::to_owned).collect();
        types.sort();
        types.dedup();
        Self {
            binary_media_types: types,
            ..self
        }
    }

    /// Compresses answers of at least this size in bytes, for callers that accept it; by default none.
    pub fn compress_from(self, bytes: i32) -> Self {
        Self {
            compression_from: Some(bytes),
            ..self
        }
    }

    /// Sets the text that statement ids in the functions' policies begin with; by default `apigateway-` and the API's id.
    pub fn permission_sid(self, sid: &str) -> Self {
        Self {
            permission_sid: Some(sid.to_owned()),
            ..self
        }
    }
}

impl Construct for RestApi {
    type Handle = RestApiHandle;

    fn declare(self, id: &str, stack: &mut Stack) -> RestApiHandle {
        let api = {
            let api = self.api(id, stack);
            stack.add(id, api)
        };
        let frozen = self.has_frozen_settings().then(|| api.shape());
        let stage_name = self.stage.unwrap_or_else(|| "live".to_owned());
        let mut paths = Paths::new(id, &api);
        let mut methods = Vec::new();
        let mut routes: BTreeMap<Route, Answering> = BTreeMap::new();
        let mut functions: Vec<(FunctionHandle, Vec<Route>)> = Vec::new();
        for declared in self.routes {
            let Declared {
                route,
                function,
                is_open,
            } = declared;
            if let Some(first) = routes.get(&route) {
                stack.mistake(format!(
                    "REST API `{id}` has the route `{route}` twice: for `{}` and for `{}`",
                    first.function,
                    function.id()
                ));
                continue;
            }
            let needs_key = self.is_keyed && !is_open;
            let path = paths.declare(route, stack);
            let method = apigateway::Method {
                api: api.api_id(),
                path,
                full_path: route.path().to_owned(),
                http_method: route.method().to_string(),
                key_required: needs_key,
                authorization: "NONE".to_owned(),
                operation: String::new(),
                integration: Some(Integration::lambda_proxy(function.invoke_arn())),
                unusual: Unusual::default(),
            };
            let method_id = format!("{id}/{}{}", route.method(), route.path());
            methods.push(stack.add(&method_id, method));
            let answering = Answering {
                function: function.id().to_owned(),
                needs_key,
            };
            routes.insert(route, answering);
            match functions
                .iter_mut()
                .find(|(known, _)| known.id() == function.id())
            {
                Some((_, routes)) => routes.push(route),
                None => functions.push((function, vec![route])),
            }
        }
        if methods.is_empty() {
            stack.mistake(format!(
                "REST API `{id}` has no route: there is nothing to deploy"
            ));
        }
        let sid = self.permission_sid;
        let sid = sid.unwrap_or_else(|| format!("apigateway-{}", id.replace('/', "-")));
        for (function, routes) in &functions {
            let source = api.execute_arn().join(&invocations(&stage_name, routes));
            let permission = permission(function, &sid, source);
            stack.add(&format!("{id}/permission/{}", function.id()), permission);
        }
        let shapes = methods.iter().map(MethodHandle::shape).chain(frozen);
        let deployment = stack.add(
            &format!("{id}/deployment"),
            Deployment {
                api: api.api_id(),
                shape: digest(shapes),
            },
        );
        let stage = stack.add(
            &format!("{id}/stage"),
            Stage {
                api: api.api_id(),
                name: stage_name,
                deployment: deployment.deployment_id(),
                description: self.stage_description,
                variables: BTreeMap::new(),
                tracing: false,
                throttle: self.throttle,
                unusual: Unusual::default(),
                superseded: Vec::new(),
                tags: Tags::default(),
            },
        );
        RestApiHandle {
            api,
            deployment,
            stage,
            routes,
        }
    }
}

impl RestApi {
    fn api(&self, id: &str, stack: &Stack) -> apigateway::RestApi {
        apigateway::RestApi {
            name: name_on_aws(self.name.clone(), id, stack),
            description: self.description.clone(),
            endpoint: "REGIONAL".to_owned(),
            disable_execute_api: false,
            binary_media_types: self.binary_media_types.clone(),
            compression_from: self.compression_from,
            unusual: Unusual::default(),
            tags: Tags::default(),
        }
    }

    /// Returns true if a deployment freezes more than the routes.
    fn has_frozen_settings(&self) -> bool {
        !self.binary_media_types.is_empty() || self.compression_from.is_some()
    }
}

/// The paths of an API, each declared once.
struct Paths<'a> {
    id: &'a str,
    api: &'a Handle<apigateway::RestApi>,
    declared: BTreeMap<String, Handle<Path>>,
}

impl<'a> Paths<'a> {
    fn new(id: &'a str, api: &'a Handle<apigateway::RestApi>) -> Self {
        Self {
            id,
            api,
            declared: BTreeMap::new(),
        }
    }

    /// Declares what is missing of a route's path, and returns the id of its last segment.
    fn declare(&mut self, route: Route, stack: &mut Stack) -> Input<PathId> {
        let mut parent = self.api.root();
        let mut full = String::new();
        for part in route.segments() {
            let within = full.clone();
            full = format!("{full}/{part}");
            if let Some(known) = self.declared.get(&full) {
                parent = known.path_id();
                continue;
            }
            if let Some(other) = self.other_parameter(&within, part) {
                stack.mistake(format!(
                    "REST API `{}`: `{full}` and `{other}` name one parameter in two ways",
                    self.id
                ));
            }
            let path = Path {
                api: self.api.api_id(),
                parent,
                part: part.to_owned(),
                full: full.clone(),
            };
            let path = stack.add(&format!("{}/path{full}", self.id), path);
            parent = path.path_id();
            self.declared.insert(full.clone(), path);
        }
        parent
    }

    /// Returns the path with another parameter in the place of `part`, of which API Gateway takes one only.
    fn other_parameter(&self, within: &str, part: &str) -> Option<&String> {
        let is_parameter = |part: &str| part.starts_with('{');
        let is_sibling = |path: &&String| {
            let tail = path
                .strip_prefix(within)
                .and_then(|tail| tail.strip_prefix('/'));
            tail.is_some_and(|tail| is_parameter(tail) && !tail.contains('/'))
        };
        self.declared
            .keys()
            .find(|path| is_parameter(part) && is_sibling(path))
    }
}

/// The right of the API to invoke `function`.
fn permission(function: &FunctionHandle, sid: &str, source: Input<Arn>) -> Permission {
    Permission::to_invoke(function.name(), sid, "apigateway.amazonaws.com", source)
}

/// The requests for which a function is invoked, in an ARN: its route or, where it has several, all of the stage. Each statement
/// is a call of its own, and a function's policy holds about fifty of them.
fn invocations(stage: &str, routes: &[Route]) -> String {
    let [route] = routes else {
        return format!("/{stage}/*");
    };
    let method = match route.method() {
        Method::Any => "*",
        method => method.as_str(),
    };
    let segments = route.segments();
    let segments = segments.map(|part| if part.starts_with('{') { "*" } else { part });
    let path = segments.collect::<Vec<_>>().join("/");
    format!("/{stage}/{method}/{path}")
}

/// A REST API that is in the stack.
#[derive(Clone, Debug)]
pub struct RestApiHandle {
    /// The resource.
    pub api: Handle<apigateway::RestApi>,
    /// The deployment of its routes.
    pub deployment: Handle<Deployment>,
    /// The stage that serves it.
    pub stage: Handle<Stage>,
    routes: BTreeMap<Route, Answering>,
}

/// The function that answers a route.
#[derive(Clone, Debug)]
struct Answering {
    function: String,
    needs_key: bool,
}

impl RestApiHandle {
    /// Returns the id that AWS gives it.
    pub fn api_id(&self) -> Input<ApiId> {
        self.api.api_id()
    }

    /// Returns the stage's name.
    pub fn stage_name(&self) -> Input<String> {
        self.stage.name()
    }

    /// Returns the URL of a route, which the API has to have.
    pub fn url(&self, route: Route) -> Input<String> {
        if self.routes.contains_key(&route) {
            self.stage.url().join(route.path().trim_end_matches('/'))
        } else {
            Input::mistake(&self.unknown(route))
        }
    }

    /// Returns the URL that the paths of all routes follow.
    pub fn base_url(&self) -> Input<String> {
        self.stage.url()
    }

    /// Returns the check that a request to `route` is answered, which `up` makes at its end.
    pub fn answers(&self, route: Route) -> Answers {
        let answering = self.routes.get(&route);
        let mut mistakes = Vec::new();
        if answering.is_none() {
            mistakes.push(self.unknown(route));
        }
        Answers {
            route,
            base: self.stage.url(),
            path: None,
            body: String::new(),
            key: None,
            needs_key: answering.is_some_and(|answering| answering.needs_key),
            function: answering.map(|answering| answering.function.clone()),
            mistakes,
        }
    }

    /// Returns true if a route asks for a key.
    pub(crate) fn asks_for_key(&self) -> bool {
        let mut routes = self.routes.values();
        routes.any(|answering| answering.needs_key)
    }

    fn unknown(&self, route: Route) -> String {
        let known: Vec<String> = self
            .routes
            .keys()
            .map(|route| format!("`{route}`"))
            .collect();
        format!(
            "REST API `{}` has no route `{route}`; there is {}",
            self.api.id(),
            known.join(", ")
        )
    }
}

/// The check that a route answers: with 200, and without its key with 403.
#[must_use = "`Stack::check` takes it"]
#[derive(Debug)]
pub struct Answers {
    route: Route,
    base: Input<String>,
    path: Option<String>,
    body: String,
    key: Option<Input<String>>,
    needs_key: bool,
    function: Option<String>,
    mistakes: Vec<String>,
}

impl Answers {
    /// Sends the request with a key.
    pub fn key(self, key: &ApiKeyHandle) -> Self {
        Self {
            key: Some(key.key_id().text()),
            ..self
        }
    }

    /// Sends a body, in JSON.
    pub fn body(self, body: &str) -> Self {
        Self {
            body: body.to_owned(),
            ..self
        }
    }

    /// Sends the request to this path, for routes with parameters: `/orders/1`.
    pub fn at(self, path: &str) -> Self {
        Self {
            path: Some(path.to_owned()),
            ..self
        }
    }
}

impl IntoCheck for Answers {
    fn into_check(mut self, stack: &mut Stack) -> Check {
        let route = self.route;
        if self.needs_key && self.key.is_none() {
            self.mistakes.push(format!(
                "the check of `{route}` needs a key, because the route does: `.key(&key)`"
            ));
        }
        let path = self.path.as_deref().unwrap_or(route.path());
        if path.contains('{') {
            self.mistakes.push(format!(
                "the check of `{route}` needs a path without parameters: `.at(\"/…\")`"
            ));
        } else if !route.has_path(path) {
            self.mistakes.push(format!(
                "the check of `{route}` asks for `{path}`, which is not the route's path"
            ));
        }
        for text in self.mistakes {
            stack.mistake(text);
        }
        Check {
            method: match route.method() {
                Method::Any => Method::Get,
                method => method,
            }
            .to_string(),
            url: self.base.join(path.trim_end_matches('/')),
            body: self.body,
            key: self.key,
            proves: self.function.into_iter().collect(),
        }
    }
}
