//! Carries a fact's steps out.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex_lite::Regex;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::check::{self, Read};
use crate::door::{Door, Reply, Sent};
use crate::fact::{Call, Function, Step};
use crate::function;

const REGION: &str = "eu-west-1";

pub(crate) struct Run<'a> {
    door: &'a Door,
    common: &'a BTreeMap<String, Vec<Step>>,
    account: String,
    /// By name; what a step saved.
    known: BTreeMap<String, Value>,
}

impl<'a> Run<'a> {
    /// In an account of its own.
    pub(crate) fn new(
        door: &'a Door,
        common: &'a BTreeMap<String, Vec<Step>>,
        account: String,
    ) -> Self {
        let known = [("acct", account.as_str()), ("reg", REGION)];
        Self {
            door,
            common,
            known: known
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Value::from(value)))
                .collect(),
            account,
        }
    }

    /// An error tells the step that came out otherwise.
    pub(crate) async fn steps(mut self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            self.step(step).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Call(call) => self.call(call).await,
            Step::Function(function) => self.function(function).await,
            Step::Use(r#use) => {
                let steps = self
                    .common
                    .get(&r#use.name)
                    .ok_or_else(|| format!("no steps of the name {}", r#use.name))?;
                for step in steps {
                    Box::pin(self.step(step)).await?;
                }
                Ok(())
            }
        }
    }

    async fn call(&mut self, call: &Call) -> Result<(), String> {
        let call = self.filled(call);
        let until = Instant::now() + Duration::from_secs(call.within);
        loop {
            let reply = self.door.send(self.request(&call)?).await?;
            let differences = check::differences(&call, &reply);
            if differences.is_empty() {
                return self.keep(&call, &reply);
            }
            if Instant::now() >= until {
                let body = String::from_utf8_lossy(&reply.body);
                let told = differences.join("\n    ");
                return Err(format!("{}\n    {told}\n    in {body}", call.what));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn keep(&mut self, call: &Call, reply: &Reply) -> Result<(), String> {
        let read = Read::of(reply);
        for (name, at) in &call.save {
            let value = read
                .at(at)
                .ok_or_else(|| format!("{}: no {at} in {}", call.what, read.text))?;
            self.known.insert(name.clone(), value);
        }
        Ok(())
    }

    async fn function(&mut self, function: &Function) -> Result<(), String> {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
        let role = json!({ "RoleName": "facts", "AssumeRolePolicyDocument": trust.to_string() });
        let role = Call {
            what: "iam CreateRole".to_owned(),
            body: Some(role),
            ..Call::default()
        };
        // Another function of this fact may have made it.
        let made = self.door.send(self.request(&role)?).await?;
        if !matches!(made.status, 200 | 409) {
            return Err(format!("{}: {}", role.what, made.status));
        }
        let create = Call {
            what: "lambda POST /2015-03-31/functions".to_owned(),
            body: Some(function::input(function, &self.account)),
            ..Call::default()
        };
        self.call(&create).await?;
        let active = Call {
            what: format!(
                "lambda GET /2015-03-31/functions/{}/configuration",
                function.name
            ),
            has: Some(json!({ "State": "Active" })),
            within: 10,
            ..Call::default()
        };
        self.call(&active).await
    }

    fn request(&self, call: &Call) -> Result<Sent, String> {
        let words: Vec<&str> = call.what.splitn(3, ' ').collect();
        let mut headers: Vec<(String, String)> = call
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let text = call
            .text
            .clone()
            .or_else(|| Some(call.body.as_ref()?.to_string()));
        let (service, method, target, body) = match *words.as_slice() {
            [service, method, target] => (service, method, target, text.unwrap_or_default()),
            ["iam" | "sts", operation] => {
                headers.push((
                    "content-type".into(),
                    "application/x-www-form-urlencoded".into(),
                ));
                let form = form(words[0], operation, call.body.as_ref());
                (words[0], "POST", "/", form)
            }
            [service, operation] => {
                headers.push(("x-amz-target".into(), self::target(service, operation)?));
                headers.push(("content-type".into(), "application/x-amz-json-1.1".into()));
                (service, "POST", "/", text.unwrap_or_else(|| "{}".into()))
            }
            _ => return Err(format!("no call: {}", call.what)),
        };
        if service != "http" {
            let scope = match service {
                "streams" => "dynamodb",
                other => other,
            };
            headers.push((
                "authorization".into(),
                format!(
                    "AWS4-HMAC-SHA256 Credential={}/20261124/{REGION}/{scope}/aws4_request, SignedHeaders=host, \
                     Signature=00",
                    self.account
                ),
            ));
        }
        Ok(Sent {
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body: body.into_bytes(),
        })
    }

    /// The call with what is known in place of names in braces.
    fn filled(&self, call: &Call) -> Call {
        let text = |text: &String| self.text(text);
        let texts = |map: &BTreeMap<String, String>| {
            map.iter()
                .map(|(name, value)| (name.clone(), self.text(value)))
                .collect()
        };
        Call {
            what: self.text(&call.what),
            body: call.body.as_ref().map(|value| self.value(value)),
            text: call.text.as_ref().map(text),
            headers: texts(&call.headers),
            is: call.is,
            code: call.code.clone(),
            message: call.message.as_ref().map(text),
            has: call.has.as_ref().map(|value| self.value(value)),
            lacks: call.lacks.clone(),
            answers: call.answers.as_ref().map(text),
            header: texts(&call.header),
            save: call.save.clone(),
            refused: call.refused,
            within: call.within,
        }
    }

    /// A text that is a name in braces alone becomes the value that was saved, whatever its type.
    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let whole = text
                    .strip_prefix('{')
                    .and_then(|text| text.strip_suffix('}'))
                    .and_then(|name| self.known.get(name));
                whole.cloned().unwrap_or_else(|| self.text(text).into())
            }
            Value::Array(values) => values.iter().map(|value| self.value(value)).collect(),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (self.text(name), self.value(value)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    /// In a pattern, what is known stands for itself.
    fn text(&self, text: &str) -> String {
        let is_pattern = text.starts_with("re:");
        self.known
            .iter()
            .fold(text.to_owned(), |text, (name, value)| {
                let value = match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let value = if is_pattern { escaped(&value) } else { value };
                text.replace(&format!("{{{name}}}"), &value)
            })
    }
}

fn escaped(text: &str) -> String {
    let special = Regex::new(r"[.+*?()|\[\]{}^$\\]").expect("a pattern");
    special.replace_all(text, r"\$0").into_owned()
}

fn target(service: &str, operation: &str) -> Result<String, String> {
    let prefix = match service {
        "dynamodb" => "DynamoDB_20120810",
        "streams" => "DynamoDBStreams_20120810",
        "logs" => "Logs_20140328",
        "ssm" => "AmazonSSM",
        "tagging" => "ResourceGroupsTaggingAPI_20170126",
        other => return Err(format!("no service: {other}")),
    };
    Ok(format!("{prefix}.{operation}"))
}

fn form(service: &str, operation: &str, body: Option<&Value>) -> String {
    let version = match service {
        "sts" => "2011-06-15",
        _ => "2010-05-08",
    };
    let mut form = format!("Action={operation}&Version={version}");
    for (name, value) in body.and_then(Value::as_object).into_iter().flatten() {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let value = utf8_percent_encode(&value, NON_ALPHANUMERIC);
        let _ = write!(form, "&{name}={value}");
    }
    form
}
