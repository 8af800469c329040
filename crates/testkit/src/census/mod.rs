//! The contents of an account as sorted JSON.

mod apigateway;
mod dynamodb;
mod iam;
mod ids;
mod lambda;
mod logs;
mod ssm;
mod value;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::ids::Ids;
use self::value::{lines, mask, sort};
use crate::account::Account;

/// The contents of one account.
#[derive(Clone, Debug, PartialEq)]
pub struct Census {
    value: Value,
    /// Labels of the ids that differ between runs.
    ids: BTreeMap<String, String>,
}

impl Census {
    /// Reads everything the account contains.
    pub async fn take(account: &Account) -> Self {
        let mut ids = Ids::default();
        let (roles, tables, functions, groups, parameters) = tokio::join!(
            Box::pin(iam::roles(account)),
            Box::pin(dynamodb::tables(account)),
            Box::pin(lambda::functions(account)),
            Box::pin(logs::log_groups(account)),
            Box::pin(ssm::parameters(account)),
        );
        let apis = Box::pin(apigateway::rest_apis(account, &mut ids)).await;
        let keys = Box::pin(apigateway::api_keys(account, &mut ids)).await;
        let plans = Box::pin(apigateway::usage_plans(account, &mut ids)).await;
        let mut value = json!({
            "api_keys": keys,
            "functions": functions,
            "log_groups": groups,
            "parameters": parameters,
            "rest_apis": apis,
            "roles": roles,
            "tables": tables,
            "usage_plans": plans,
        });
        ids.0.insert(account.id.clone(), "{account}".to_owned());
        sort(&mut value);
        Self { value, ids: ids.0 }
    }

    /// Returns the contents with their ids.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the contents with labels instead of the ids that differ between runs.
    #[must_use]
    pub fn masked(&self) -> Value {
        let mut value = self.value.clone();
        mask(&mut value, &self.ids);
        sort(&mut value);
        value
    }

    /// Returns true if the account contains nothing.
    pub fn is_empty(&self) -> bool {
        self.value.as_object().is_some_and(|kinds| {
            kinds
                .values()
                .all(|kind| kind.as_array().is_some_and(Vec::is_empty))
        })
    }

    /// Returns the number of resources of each kind, without the kinds of which there are none.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let kinds = self.value.as_object().into_iter().flatten();
        kinds
            .map(|(kind, things)| (kind.clone(), things.as_array().map_or(0, Vec::len)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Panics with the differing lines unless both are equal after masking.
    #[track_caller]
    pub fn assert_same(&self, other: &Self, what: &str) {
        let (left, right) = (lines(&self.masked()), lines(&other.masked()));
        let missing: Vec<_> = left.iter().filter(|line| !right.contains(line)).collect();
        let added: Vec<_> = right.iter().filter(|line| !left.contains(line)).collect();
        assert!(
            missing.is_empty() && added.is_empty() && left.len() == right.len(),
            "{what}: the accounts differ\nonly in the first: {missing:#?}\nonly in the second: {added:#?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(id: &str, value: Value) -> Census {
        let ids = BTreeMap::from([(id.to_owned(), "{api x}".to_owned())]);
        Census { value, ids }
    }

    #[test]
    fn accounts_that_differ_by_ids_are_the_same() {
        let left = census(
            "a1b2",
            json!({ "rest_apis": [{ "name": "x", "uri": "…/a1b2/*" }] }),
        );
        let right = census(
            "c3d4",
            json!({ "rest_apis": [{ "name": "x", "uri": "…/c3d4/*" }] }),
        );
        left.assert_same(&right, "ids are masked");
    }

    #[test]
    #[should_panic(expected = "/roles/r/memory = 2")]
    fn a_difference_is_named() {
        let left = census("-", json!({ "roles": [{ "name": "r", "memory": 1 }] }));
        let right = census("-", json!({ "roles": [{ "name": "r", "memory": 2 }] }));
        left.assert_same(&right, "");
    }
}
