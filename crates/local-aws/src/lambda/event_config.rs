//! What becomes of asynchronous invocations: how long and how often they are tried, and where their outcome goes.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::change;
use super::checks::Checks;
use super::function::{self, key};
use super::functions::Page;
use super::name::Named;
use super::refusals::{invalid, not_found, not_here};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::{Moment, fractional_seconds};
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::{Record, Tx};

const PATTERN: &str = r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)";

static DESTINATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(|kafka://[^.][a-zA-Z0-9_.-]{0,248}|arn:aws[a-zA-Z0-9-]*:[a-zA-Z0-9-]+:((eusc-)?[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-\d)?:(\d{12})?:.*)$",
    )
    .expect("the pattern is one")
});

/// Of a function's version or alias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct EventConfig {
    function: String,
    /// `$LATEST` for the function itself.
    qualifier: String,
    pub(super) retries: Option<usize>,
    /// Seconds.
    pub(super) event_age: Option<u64>,
    /// The ARN of a function that gets what succeeded.
    pub(super) on_success: Option<String>,
    /// The ARN of a function that gets what failed.
    pub(super) on_failure: Option<String>,
    modified: Moment,
}

impl Record for EventConfig {
    const KIND: &'static str = "lambda-event-config";

    fn key(&self) -> String {
        key(&self.function, &self.qualifier)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    maximum_retry_attempts: Option<i64>,
    maximum_event_age_in_seconds: Option<i64>,
    destination_config: Option<Destinations>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destinations {
    on_success: Option<Destination>,
    on_failure: Option<Destination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    destination: Option<String>,
}

impl Destination {
    fn arn(&self) -> Option<&str> {
        self.destination.as_deref().filter(|arn| !arn.is_empty())
    }
}

impl Input {
    fn check(&self) -> Result<(), Refusal> {
        let mut checks = Checks::default();
        if let Some(retries) = self.maximum_retry_attempts {
            checks.range(retries, "maximumRetryAttempts", 0, 2);
        }
        if let Some(age) = self.maximum_event_age_in_seconds {
            checks.range(age, "maximumEventAgeInSeconds", 60, 21_600);
        }
        for (name, destination) in self.destinations() {
            let text = destination.destination.as_deref().unwrap_or_default();
            let member = format!("destinationConfig.{name}.destination");
            checks.length(text, &member, 0, 350);
            checks.pattern(text, &member, PATTERN, DESTINATION.is_match(text));
        }
        checks.finish()?;
        if self.maximum_retry_attempts.is_none()
            && self.maximum_event_age_in_seconds.is_none()
            && self.destination_config.is_none()
        {
            return Err(invalid(
                "You must specify at least one of error handling or destination setting.",
            ));
        }
        Ok(())
    }

    fn destinations(&self) -> impl Iterator<Item = (&'static str, &Destination)> {
        let config = self.destination_config.as_ref();
        let success = config.and_then(|config| config.on_success.as_ref());
        let failure = config.and_then(|config| config.on_failure.as_ref());
        let success = success.map(|destination| ("onSuccess", destination));
        success
            .into_iter()
            .chain(failure.map(|destination| ("onFailure", destination)))
    }

    /// Refuses destinations that are not there, or that are no function (texts: localstack,
    /// `test_lambda_eventinvokeconfig_exceptions`).
    fn check_destinations(
        &self,
        cloud: &Cloud,
        tx: &Tx,
        place: &Place,
        named: &Named,
    ) -> Result<(), Refusal> {
        for arn in self.destinations().filter_map(|(_, one)| one.arn()) {
            let service = arn.split(':').nth(2).unwrap_or_default();
            match service {
                "lambda" => {}
                _ if arn.starts_with("kafka:") => {
                    return Err(not_here("destinations in Kafka: send to a Lambda function"));
                }
                "sqs" | "sns" | "events" | "s3" => {
                    return Err(not_here(&format!(
                        "destinations in `{service}`: send to a Lambda function"
                    )));
                }
                _ => {
                    return Err(invalid(format!(
                        "The provided destination config {} is invalid.",
                        self.shown()
                    )));
                }
            }
            let wrong = || invalid(format!("The destination ARN {arn} is invalid."));
            let target = Named::at(place, arn).map_err(|_| wrong())?;
            if target.name == named.name {
                return Err(invalid(
                    "You can't specify the function as a destination for itself.",
                ));
            }
            function::resolve(cloud, tx, place, &target).map_err(|_| wrong())?;
        }
        Ok(())
    }

    /// As AWS writes the input in its refusals.
    fn shown(&self) -> String {
        let one = |name: &str, kind: &str| {
            let found = self.destinations().find(|(of, _)| *of == name);
            found.map_or_else(
                || "null".to_owned(),
                |(_, one)| {
                    let arn = one.destination.as_deref().unwrap_or("null");
                    format!("{kind}(destination={arn})")
                },
            )
        };
        format!(
            "DestinationConfig(onSuccess={}, onFailure={})",
            one("onSuccess", "OnSuccess"),
            one("onFailure", "OnFailure")
        )
    }

    /// Sets what is given; the rest stays.
    fn apply(&self, config: &mut EventConfig) {
        if let Some(retries) = self.maximum_retry_attempts {
            config.retries = usize::try_from(retries).ok();
        }
        if let Some(age) = self.maximum_event_age_in_seconds {
            config.event_age = u64::try_from(age).ok();
        }
        for (name, destination) in self.destinations() {
            let arn = destination.arn().map(ToOwned::to_owned);
            match name {
                "onSuccess" => config.on_success = arn,
                _ => config.on_failure = arn,
            }
        }
    }
}

impl EventConfig {
    fn new(named: &Named) -> Self {
        Self {
            function: named.name.clone(),
            qualifier: named.version().to_owned(),
            retries: None,
            event_age: None,
            on_success: None,
            on_failure: None,
            modified: 0,
        }
    }

    fn describe(&self, place: &Place) -> Value {
        let destination = |arn: &Option<String>| match arn {
            Some(arn) => json!({ "Destination": arn }),
            None => json!({}),
        };
        let named = Named {
            name: self.function.clone(),
            qualifier: Some(self.qualifier.clone()),
        };
        let mut out = json!({
            "FunctionArn": named.qualified_arn(place),
            "LastModified": fractional_seconds(self.modified),
            "DestinationConfig": {
                "OnSuccess": destination(&self.on_success),
                "OnFailure": destination(&self.on_failure),
            },
        });
        if let Some(retries) = self.retries {
            out["MaximumRetryAttempts"] = json!(retries);
        }
        if let Some(age) = self.event_age {
            out["MaximumEventAgeInSeconds"] = json!(age);
        }
        out
    }
}

/// The one of a version or alias, if it has any.
pub(super) fn of(tx: &Tx, place: &Place, named: &Named) -> Result<Option<EventConfig>, Refusal> {
    tx.get::<EventConfig>(place, &key(&named.name, named.version()))
}

fn missing(place: &Place, named: &Named) -> Refusal {
    let arn = named.qualified_arn(place);
    not_found(format!(
        "The function {arn} doesn't have an EventInvokeConfig"
    ))
}

fn check_function(cloud: &Cloud, tx: &Tx, place: &Place, named: &Named) -> Result<(), Refusal> {
    match function::resolve(cloud, tx, place, named) {
        Err(refusal) if refusal.status == 404 => Err(not_found("The function doesn't exist.")),
        outcome => outcome.map(|_| ()),
    }
}

/// Puts a whole configuration in the place of the one before.
pub(super) fn put(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    set(cloud, call, |_| Ok(None))
}

/// Changes what is given, and leaves the rest as it is.
pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    set(cloud, call, |found| found.map(Some))
}

fn set(
    cloud: &Cloud,
    call: &Call,
    start: impl FnOnce(Result<EventConfig, Refusal>) -> Result<Option<EventConfig>, Refusal>,
) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: Input = call.input()?;
    input.check()?;
    let place = &call.place;
    let config = change(cloud, |tx| {
        check_function(cloud, tx, place, &named)?;
        let found = of(tx, place, &named)?.ok_or_else(|| missing(place, &named));
        let mut config = start(found)?.unwrap_or_else(|| EventConfig::new(&named));
        input.check_destinations(cloud, tx, place, &named)?;
        input.apply(&mut config);
        config.modified = cloud.now();
        tx.put(place, &config)?;
        Ok(config)
    })?;
    Ok(Answer::ok(config.describe(place)))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let found = cloud.store.transact(|tx| of(tx, &call.place, &named))?;
    let config = found.ok_or_else(|| missing(&call.place, &named))?;
    Ok(Answer::ok(config.describe(&call.place)))
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    change(cloud, |tx| {
        let config = of(tx, &call.place, &named)?.ok_or_else(|| missing(&call.place, &named))?;
        tx.remove::<EventConfig>(&call.place, &config.key())
    })?;
    Ok(Answer::empty(204))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?.latest();
    let page = Page::of(call, 50)?;
    let configs = cloud.store.transact(|tx| {
        check_function(cloud, tx, &call.place, &named)?;
        tx.list::<EventConfig>(&call.place, &key(&named.name, ""))
    })?;
    let described = configs
        .into_iter()
        .map(|config| (config.key(), config.describe(&call.place)));
    Ok(page.answer("FunctionEventInvokeConfigs", described.collect()))
}
