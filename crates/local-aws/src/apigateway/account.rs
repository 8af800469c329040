//! The account's settings for API Gateway.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::patch::{self, Kind, Op, REPLACE, Rule, Wording, rule};
use super::shown;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::{Record, Tx};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    cloudwatch_role_arn: Option<String>,
}

impl Record for Account {
    const KIND: &'static str = "api-gateway-account";

    fn key(&self) -> String {
        "account".to_owned()
    }
}

const RULES: &[Rule] = &[rule("/cloudwatchRoleArn", REPLACE, Kind::Text)];

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let account = cloud.store.transact(|tx| stored(tx, call))?;
    shown(&account)
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let account = cloud.store.transact(|tx| {
        let mut account = stored(tx, call)?;
        for operation in &operations {
            // Usage plans are on; they cannot be switched off.
            let is_on = operation.op == Op::Add && operation.text() == "UsagePlans";
            if operation.path == "/features" && is_on {
                continue;
            }
            operation.apply(&mut account, RULES, Wording::Listing)?;
        }
        tx.put(&call.place, &account)?;
        Ok(account)
    })?;
    shown(&account)
}

/// The name of the role that writes logs, if the account has set one.
pub(super) fn log_role(tx: &Tx, place: &Place) -> Result<Option<String>, Refusal> {
    let account: Option<Account> = tx.get(place, "account")?;
    let arn = account.and_then(|account| account.cloudwatch_role_arn);
    Ok(arn.map(|arn| arn.rsplit('/').next().unwrap_or_default().to_owned()))
}

fn stored(tx: &Tx, call: &Call) -> Result<Account, Refusal> {
    Ok(tx.get(&call.place, "account")?.unwrap_or_default())
}

fn shown(account: &Account) -> Result<Answer, Refusal> {
    let mut members = shown::record(account, shown::Tags::IfAny)?;
    members.insert(
        "throttleSettings".to_owned(),
        json!({ "burstLimit": 5000, "rateLimit": 10000.0 }),
    );
    members.insert("features".to_owned(), json!(["UsagePlans"]));
    members.insert("apiKeyVersion".to_owned(), "4".into());
    Ok(Answer::ok(members.into()))
}
