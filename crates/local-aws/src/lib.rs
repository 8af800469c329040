//! An AWS of one's own for one machine: IAM, STS, Lambda, API Gateway, `DynamoDB`, `CloudWatch` Logs, SSM Parameter Store
//! and the Resource Groups Tagging API.
//!
//! [`LocalAws::handle`] answers one HTTP request; `server` puts a loopback listener before it, and tests put an SDK's
//! HTTP client before it. A request is an administrator's (`admin`), one to a deployed API (`apigateway::gateway`) or to a
//! function's URL (`lambda::url`), or a call of a service's API (`door`): signed, routed, hit by faults, allowed by IAM, and carried out by its service.

mod account;
mod admin;
mod age;
mod answer;
mod apigateway;
mod body;
mod builder;
mod call;
mod catalogue;
mod clock;
mod cloud;
mod constraints;
mod cors;
mod door;
mod dynamodb;
mod faults;
mod heads;
mod iam;
mod ids;
mod lambda;
mod logs;
mod package;
mod place;
mod quotas;
mod response_body;
mod routes;
#[cfg(feature = "sdk")]
mod sdk;
mod server;
mod service;
mod signature;
mod ssm;
mod store;
mod sts;
mod tagging;
mod trace;
mod unknown;
mod xml;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

pub use account::Account;
pub use builder::{Builder, Running, StartError};
pub use catalogue::{Operation, catalogue};
pub use clock::Clock;
pub use door::operations;
pub use faults::{FaultEvent, FaultKind, Faults};
pub use heads::HeaderNames;
pub use lambda::{FunctionError, Runner, Work, allow_files, run_hidden};
pub use package::package;
pub use place::Place;
pub use store::StoreError;

use cloud::Cloud;
use response_body::{Body, Broken};
use store::Store;

/// Takes a line for each request.
pub type RequestLog = Box<dyn Fn(&str) + Send + Sync>;

/// How an AWS is to be.
pub struct Options {
    /// Where everything is kept; in memory without one.
    pub folder: Option<PathBuf>,
    /// The time it goes by.
    pub clock: Clock,
    /// How functions run.
    pub runner: Runner,
    /// What goes wrong from the start.
    pub faults: Faults,
    /// Whose rights are checked.
    pub enforcement: Enforcement,
    /// Where each request is told, if anywhere.
    pub request_log: Option<RequestLog>,
}

impl Default for Options {
    /// In memory, quick, without faults; functions run as processes.
    fn default() -> Self {
        Self {
            folder: None,
            clock: Clock::System,
            runner: Runner::Processes { shim: None },
            faults: Faults::default(),
            enforcement: Enforcement::Functions,
            request_log: None,
        }
    }
}

/// Whose rights are checked against the policies of their role. Credentials of no role may do everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Nobody's.
    Off,
    /// Those of functions.
    Functions,
    /// Those of functions and of whoever has assumed a role.
    All,
}

/// One AWS. Clones are the same one.
#[derive(Clone)]
pub struct LocalAws(Arc<Cloud>);

/// What becomes of a request.
#[derive(Debug)]
pub enum Outcome<B = Bytes> {
    /// It is answered.
    Answered(Response<B>),
    /// Its connection closes without an answer.
    Dropped,
}

impl LocalAws {
    /// Opens what the folder of `options` holds, or starts with nothing.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let path = options
            .folder
            .as_ref()
            .map(|folder| folder.join("state.sqlite"));
        let store = Store::open(path.as_deref())?;
        Ok(Self(Arc::new(Cloud::new(options, store))))
    }

    /// Answers one request, with a whole body: of an answer that is streamed, when its last byte is there.
    pub async fn handle(&self, request: Request<Bytes>) -> Outcome {
        let Outcome::Answered(response) = self.respond(request).await else {
            return Outcome::Dropped;
        };
        let (parts, body) = response.into_parts();
        match body.whole().await {
            Ok(body) => Outcome::Answered(Response::from_parts(parts, body)),
            Err(Broken) => Outcome::Dropped,
        }
    }

    /// Answers one request, as soon as the head of the answer is known.
    pub(crate) async fn respond(&self, request: Request<Bytes>) -> Outcome<Body> {
        if let Some(target) = lambda::url::target(&request) {
            return Outcome::Answered(lambda::url::answer(&self.0, &target, request).await);
        }
        self.0.resumed.call_once(|| lambda::resume(&self.0));
        let path = request.uri().path();
        if let Some(rest) = path.strip_prefix("/_local/") {
            let rest = rest.to_owned();
            let answer = admin::answer(&self.0, &rest, &request);
            return Outcome::Answered(answer.map(Body::Whole));
        }
        if let Some(target) = apigateway::gateway::target(&request) {
            let answer = apigateway::gateway::answer(&self.0, target, request).await;
            return Outcome::Answered(answer.map(Body::Whole));
        }
        if path.starts_with(lambda::CODE_PATH) {
            let response = lambda::download(&self.0, &request).await;
            return Outcome::Answered(response.map(Body::from));
        }
        let origin = self.0.cors.origin(request.headers());
        if let Some(origin) = &origin
            && cors::is_preflight(&request)
        {
            let answer = cors::preflight(origin, request.headers());
            return Outcome::Answered(answer.map(Body::Whole));
        }
        let mut outcome = door::answer(&self.0, request).await;
        if let (Outcome::Answered(response), Some(origin)) = (&mut outcome, &origin) {
            cors::allow(response, origin);
        }
        outcome
    }

    /// Lets scripts of web pages at these origins, such as `http://localhost:5173` or `*`, call services' APIs. None may by
    /// default. The first value stays.
    pub fn allow_origins(&self, origins: Vec<String>) {
        self.0.cors.allow(origins);
    }

    /// Replaces what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.0.with_faults(|current| *current = faults);
    }

    /// Where it can be reached: what functions get as their endpoint. The first value stays.
    pub fn set_endpoint(&self, url: &str) {
        let _ = self.0.endpoint.set(url.to_owned());
    }

    /// Ends all processes of functions, at once.
    pub(crate) async fn end_functions(&self) {
        self.0.environments.end_all().await;
    }
}
