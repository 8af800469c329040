//! Rights as data: a grant is no resource, so that two functions can be granted each other.

use std::collections::{BTreeMap, BTreeSet};

use provision_aws::arn::Arn;
use provision_aws::iam::PolicyDocument;
use provision_engine::input::Input;
use provision_link as link;
use serde_json::{Map, Value, json};

/// Rights for a function's role: actions on resources.
#[must_use = "`Function::allow` takes it"]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grant {
    statements: Vec<Statement>,
    mistakes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Statement {
    sid: Option<String>,
    actions: BTreeSet<String>,
    resources: Vec<Value>,
    conditions: Map<String, Value>,
}

impl Grant {
    /// Actions as policies have them, `s3:GetObject`, on ARNs: outputs such as `table.arn()`, or texts.
    pub fn new<A: Into<Input<Arn>>>(
        actions: impl IntoIterator<Item = impl Into<String>>,
        resources: impl IntoIterator<Item = A>,
    ) -> Self {
        let resources = resources.into_iter().map(|arn| arn.into().to_value());
        Self::of(
            actions.into_iter().map(Into::into).collect(),
            resources.collect(),
        )
    }

    /// Actions on the resources of all ARNs in `patterns`, such as `arn:aws:s3:::reports/*`, or on `*`.
    pub fn on<'a>(
        actions: impl IntoIterator<Item = impl Into<String>>,
        patterns: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let arns = patterns.into_iter().map(|arn| Arn(arn.to_owned()));
        Self::new(actions, arns)
    }

    fn of(actions: BTreeSet<String>, resources: Vec<Value>) -> Self {
        Self {
            statements: vec![Statement {
                sid: None,
                actions,
                resources,
                conditions: Map::new(),
            }],
            mistakes: Vec::new(),
        }
    }

    /// The rights of a link.
    pub(crate) fn of_link(need: &link::Need) -> Self {
        let statements = need.statements.iter().map(|statement| {
            let actions = statement.actions.iter().map(|action| (*action).to_owned());
            let grant = Self::of(actions.collect(), statement.resources.clone());
            match &statement.leading_key {
                Some(value) => grant.leading_key(value),
                None => grant,
            }
        });
        statements.fold(Self::default(), Self::and)
    }

    /// Sets the `Sid` of the statement; of several, the first one's.
    pub fn sid(mut self, sid: &str) -> Self {
        if let Some(first) = self.statements.first_mut() {
            first.sid = Some(sid.to_owned());
        }
        self
    }

    /// Grants this only where a condition holds: `("StringEquals", "aws:ResourceTag/team", "orders")`.
    pub fn condition(mut self, operator: &str, key: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        for statement in &mut self.statements {
            let keys = statement.conditions.entry(operator);
            keys.or_insert_with(|| json!({}))[key] = value.clone();
        }
        self
    }

    /// Grants this only for items whose partition key is `value`, which may hold a variable of IAM: `${aws:PrincipalTag/tenant}`.
    /// A request without a partition key is refused: `ForAllValues` alone is true of it. `Scan` has none, so it cannot be granted
    /// like this.
    pub fn leading_key(mut self, value: &str) -> Self {
        for statement in &self.statements {
            if statement.actions.contains("dynamodb:Scan") {
                self.mistakes.push(
                    "`dynamodb:Scan` reads the items of all partition keys: with `leading_key`, grant `Query`"
                        .to_owned(),
                );
            }
        }
        self.condition("ForAllValues:StringEquals", "dynamodb:LeadingKeys", value)
            .condition("Null", "dynamodb:LeadingKeys", "false")
    }

    /// Grants only these attributes: a request has to name them, and must not ask for all.
    pub fn attributes<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        self.condition("ForAllValues:StringEquals", "dynamodb:Attributes", names)
            .condition(
                "StringEqualsIfExists",
                "dynamodb:Select",
                "SPECIFIC_ATTRIBUTES",
            )
    }

    /// Adds the rights of `other`.
    pub fn and(mut self, other: Self) -> Self {
        self.statements.extend(other.statements);
        self.mistakes.extend(other.mistakes);
        self
    }

    /// Returns true if nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Returns all mistakes in it.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let mut found = self.mistakes.clone();
        for statement in &self.statements {
            for action in &statement.actions {
                let is_action = action == "*"
                    || action
                        .split_once(':')
                        .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
                if !is_action {
                    found.push(format!(
                        "`{action}` is no action: it is `service:Operation`, as in `s3:GetObject`"
                    ));
                }
            }
            for arn in statement.resources.iter().filter_map(Value::as_str) {
                let is_arn = arn == "*" || arn.starts_with("arn:") && arn.split(':').count() >= 6;
                if !is_arn {
                    found.push(format!("`{arn}` is no ARN: a grant is on `arn:…` or `*`"));
                }
            }
            if statement.actions.is_empty() || statement.resources.is_empty() {
                found.push("a grant needs an action and a resource".to_owned());
            }
        }
        found
    }

    /// Returns one policy of several grants. Statements with the same resources are merged, then those with the same actions.
    pub fn policy(grants: impl IntoIterator<Item = Self>) -> PolicyDocument {
        let statements = grants.into_iter().flat_map(|grant| grant.statements);
        let same_resources = |statement: &Statement| json!(statement.resources).to_string();
        let merged = merged(statements, same_resources, |known, statement| {
            known.actions.extend(statement.actions);
        });
        let same_actions = |statement: &Statement| json!(statement.actions).to_string();
        let merged = self::merged(merged, same_actions, |known, statement| {
            known.resources.extend(statement.resources);
        });
        // A policy takes each `Sid` once.
        let mut sids: BTreeSet<String> = BTreeSet::new();
        let statements: Vec<Value> = merged
            .into_iter()
            .map(|mut statement| {
                statement.sid = statement.sid.filter(|sid| sids.insert(sid.clone()));
                statement.into_value()
            })
            .collect();
        PolicyDocument::new(json!({ "Version": "2012-10-17", "Statement": statements }))
    }
}

/// Merges the statements that `key` gives one text, under the same conditions.
fn merged(
    statements: impl IntoIterator<Item = Statement>,
    key: impl Fn(&Statement) -> String,
    merge: impl Fn(&mut Statement, Statement),
) -> Vec<Statement> {
    let mut merged: BTreeMap<(String, String), Statement> = BTreeMap::new();
    for mut statement in statements {
        let conditions = json!(statement.conditions).to_string();
        match merged.get_mut(&(key(&statement), conditions.clone())) {
            Some(known) => {
                known.sid = known.sid.take().or(statement.sid.take());
                merge(known, statement);
            }
            None => {
                merged.insert((key(&statement), conditions), statement);
            }
        }
    }
    merged.into_values().collect()
}

impl Statement {
    fn into_value(self) -> Value {
        let mut value = Map::new();
        if let Some(sid) = self.sid {
            value.insert("Sid".to_owned(), sid.into());
        }
        value.insert("Effect".to_owned(), "Allow".into());
        value.insert("Action".to_owned(), json!(self.actions));
        value.insert("Resource".to_owned(), json!(self.resources));
        if !self.conditions.is_empty() {
            value.insert("Condition".to_owned(), self.conditions.into());
        }
        value.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(grants: impl IntoIterator<Item = Grant>) -> Value {
        let policy = Grant::policy(grants).to_text();
        serde_json::from_str::<Value>(&policy).unwrap()["Statement"].take()
    }

    #[test]
    fn grants_on_the_same_are_one_statement() {
        let one = Grant::on(["s3:GetObject"], ["arn:aws:s3:::a/*"]);
        let two = Grant::on(["s3:PutObject"], ["arn:aws:s3:::a/*"]).sid("Reports");
        let three = Grant::on(["s3:PutObject", "s3:GetObject"], ["arn:aws:s3:::b/*"]);
        assert_eq!(
            text([one, two, three]),
            json!([{
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Effect": "Allow",
                "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"],
                "Sid": "Reports",
            }])
        );
    }

    #[test]
    fn conditions_keep_statements_apart() {
        let free = Grant::on(["s3:GetObject"], ["*"]);
        let bound = free
            .clone()
            .condition("StringEquals", "aws:ResourceTag/team", "orders");
        assert_eq!(text([free, bound]).as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_tenant_is_kept_to_its_own_items() {
        let grant = Grant::on(["dynamodb:Query"], ["arn:aws:dynamodb:eu-west-1:1:table/t"]);
        let grant = grant.leading_key("${aws:PrincipalTag/tenant}");
        assert_eq!(
            text([grant])[0]["Condition"],
            json!({
                "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": "${aws:PrincipalTag/tenant}" },
                "Null": { "dynamodb:LeadingKeys": "false" },
            })
        );
    }

    #[test]
    fn mistakes_are_found_before_iam_is_asked() {
        let wrong = Grant::on(["GetObject", "s3:"], ["reports"]);
        let scan = Grant::on(["dynamodb:Scan"], ["*"]).leading_key("a");
        assert_eq!(
            wrong.and(scan).mistakes(),
            [
                "`dynamodb:Scan` reads the items of all partition keys: with `leading_key`, grant `Query`",
                "`GetObject` is no action: it is `service:Operation`, as in `s3:GetObject`",
                "`s3:` is no action: it is `service:Operation`, as in `s3:GetObject`",
                "`reports` is no ARN: a grant is on `arn:…` or `*`",
            ]
        );
    }
}
