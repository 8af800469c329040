//! The URLs' control plane: a configuration for a function and for each of its aliases.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::change;
use super::super::checks::{Checks, is_word};
use super::super::function::{self, key};
use super::super::functions::Page;
use super::super::name::Named;
use super::super::refusals::{conflict, not_found};
use super::cors::Cors;
use super::{Address, FunctionUrl};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::{self, Moment};
use crate::cloud::Cloud;
use crate::ids;
use crate::place::Place;
use crate::store::Tx;

/// The length of AWS's.
const ID_LENGTH: usize = 32;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    auth_type: Option<String>,
    cors: Option<Cors>,
    invoke_mode: Option<String>,
}

impl Input {
    fn check(&self, checks: &mut Checks) {
        if let Some(kind) = &self.auth_type {
            checks.one_of(kind, "authType", &["NONE", "AWS_IAM"]);
        }
        if let Some(mode) = &self.invoke_mode {
            checks.one_of(mode, "invokeMode", &["RESPONSE_STREAM", "BUFFERED"]);
        }
        if let Some(cors) = &self.cors {
            cors.check(checks);
        }
    }
}

/// The part of a configuration that is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    /// Without what was not asked for.
    Created,
    /// With the time of the change.
    Updated,
    Whole,
}

impl FunctionUrl {
    fn describe(&self, cloud: &Cloud, place: &Place, view: View) -> Value {
        let named = Named {
            name: self.function.clone(),
            qualifier: Some(self.qualifier.clone()).filter(|alias| !alias.is_empty()),
        };
        let mut out = json!({
            "FunctionUrl": self.address(cloud, place),
            "FunctionArn": named.arn(place),
            "AuthType": self.auth_type,
            "CreationTime": time(self.made),
        });
        if let Some(cors) = &self.cors {
            out["Cors"] = json!(cors);
        }
        if view != View::Created {
            out["LastModifiedTime"] = json!(time(self.modified));
        }
        if self.invoke_mode.is_some() || view == View::Whole {
            let mode = self.invoke_mode.as_deref().unwrap_or("BUFFERED");
            out["InvokeMode"] = json!(mode);
        }
        out
    }

    /// `http://{id}.lambda-url.{region}.localhost:{port}/`: names below `localhost` are this machine's (RFC 6761), to
    /// curl and browsers at least.
    fn address(&self, cloud: &Cloud, place: &Place) -> String {
        let port = cloud
            .endpoint
            .get()
            .and_then(|endpoint| endpoint.rsplit_once(':'))
            .map(|(_, port)| port.trim_end_matches('/'))
            .filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
            .map_or_else(String::new, |port| format!(":{port}"));
        format!(
            "http://{}.lambda-url.{}.localhost{port}/",
            self.id, place.region
        )
    }
}

/// `2026-11-24T09:30:00.123Z`.
fn time(moment: Moment) -> String {
    let seconds = clock::iso(moment);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), moment % 1000)
}

/// What a call names: a function or one of its aliases. Versions have no URLs.
fn named(call: &Call, mut checks: Checks) -> Result<Named, Refusal> {
    let is_alias = |name: &str| is_word(name) && !name.bytes().all(|byte| byte.is_ascii_digit());
    let check = |checks: &mut Checks, qualifier: &str| {
        checks.length(qualifier, "qualifier", 1, 128);
        let pattern = r"((?!^\d+$)^[0-9a-zA-Z-_]+$)";
        checks.pattern(qualifier, "qualifier", pattern, is_alias(qualifier));
    };
    if let Some(qualifier) = call.parameter("Qualifier") {
        check(&mut checks, qualifier);
    }
    checks.finish()?;
    let named = Named::of(call)?;
    let mut checks = Checks::default();
    if let Some(qualifier) = &named.qualifier {
        check(&mut checks, qualifier);
    }
    checks.finish()?;
    Ok(named)
}

fn key_of(named: &Named) -> String {
    key(&named.name, named.qualifier.as_deref().unwrap_or_default())
}

/// AWS's words of a function or alias that is not there, where one is to get or to have a URL.
fn check_function(cloud: &Cloud, tx: &Tx, call: &Call, named: &Named) -> Result<(), Refusal> {
    function::resolve(cloud, tx, &call.place, named)
        .map(|_| ())
        .map_err(|refusal| match refusal.status {
            404 => not_found("Function does not exist"),
            _ => refusal,
        })
}

fn find(tx: &Tx, call: &Call, named: &Named) -> Result<FunctionUrl, Refusal> {
    tx.get::<FunctionUrl>(&call.place, &key_of(named))?
        .ok_or_else(|| not_found("The resource you requested does not exist."))
}

pub(in super::super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let input: Input = call.input()?;
    let mut checks = Checks::default();
    if input.auth_type.is_none() {
        checks.missing("authType");
    }
    input.check(&mut checks);
    let named = named(call, checks)?;
    let now = cloud.now();
    let url = FunctionUrl {
        id: ids::lower(ID_LENGTH),
        function: named.name.clone(),
        qualifier: named.qualifier.clone().unwrap_or_default(),
        auth_type: input.auth_type.unwrap_or_default(),
        cors: input.cors.filter(|cors| !cors.is_empty()),
        invoke_mode: input.invoke_mode,
        made: now,
        modified: now,
    };
    let address = Address {
        id: url.id.clone(),
        function: url.function.clone(),
        qualifier: url.qualifier.clone(),
    };
    change(cloud, |tx| {
        check_function(cloud, tx, call, &named)?;
        if tx
            .get::<FunctionUrl>(&call.place, &key_of(&named))?
            .is_some()
        {
            return Err(conflict(format!(
                "Failed to create function url config for [functionArn = {}]. Error message:  FunctionUrlConfig exists \
                 for this Lambda function",
                named.arn(&call.place)
            )));
        }
        tx.put(&call.place, &address)?;
        tx.put(&call.place, &url)
    })?;
    Ok(Answer::json(
        201,
        url.describe(cloud, &call.place, View::Created),
    ))
}

pub(in super::super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = named(call, Checks::default())?;
    let url = cloud.store.transact(|tx| {
        let url = find(tx, call, &named)?;
        if cloud.is_visible(url.made) {
            Ok(url)
        } else {
            Err(not_found("The resource you requested does not exist."))
        }
    })?;
    Ok(Answer::ok(url.describe(cloud, &call.place, View::Whole)))
}

/// What the call does not name stays as it was.
pub(in super::super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let input: Input = call.input()?;
    let mut checks = Checks::default();
    input.check(&mut checks);
    let named = named(call, checks)?;
    let url = change(cloud, |tx| {
        check_function(cloud, tx, call, &named)?;
        let mut url = find(tx, call, &named)?;
        if let Some(auth_type) = input.auth_type {
            url.auth_type = auth_type;
        }
        if let Some(cors) = input.cors {
            url.cors = Some(cors).filter(|cors| !cors.is_empty());
        }
        url.invoke_mode = input.invoke_mode.or(url.invoke_mode);
        url.modified = cloud.now();
        tx.put(&call.place, &url)?;
        Ok(url)
    })?;
    Ok(Answer::ok(url.describe(cloud, &call.place, View::Updated)))
}

pub(in super::super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = named(call, Checks::default())?;
    change(cloud, |tx| {
        let url = find(tx, call, &named)?;
        super::remove(tx, &call.place, &url.function, &url.qualifier)
    })?;
    Ok(Answer::empty(204))
}

/// Those of the function and of all its aliases.
pub(in super::super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    if let Some(most) = call
        .parameter("MaxItems")
        .and_then(|most| most.parse().ok())
    {
        let mut checks = Checks::default();
        checks.range(most, "maxItems", 1, 50);
        checks.finish()?;
    }
    let named = Named::of(call)?;
    let urls = cloud.store.transact(|tx| {
        check_function(cloud, tx, call, &named)?;
        tx.list::<FunctionUrl>(&call.place, &key(&named.name, ""))
    })?;
    let described = urls
        .into_iter()
        .filter(|url| cloud.is_visible(url.made))
        .map(|url| {
            let shown = url.describe(cloud, &call.place, View::Whole);
            // The marker is a key, and that of the function itself would be empty.
            (format!("/{}", url.qualifier), shown)
        });
    Ok(Page::of(call, 50)?.answer("FunctionUrlConfigs", described.collect()))
}
