//! `ImportApiKeys`: keys from a file of comma-separated values ("API Gateway API key file format").

use std::collections::BTreeSet;

use serde_json::json;

use super::api_key::{self, ApiKey};
use super::plan_key::{self, PlanKey};
use super::refusal::{Violations, bad_request};
use super::usage_plan::{self, UsagePlan};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;

const COLUMNS: [&str; 5] = ["name", "key", "description", "enabled", "usageplanids"];

/// One line; what a column is not there for is empty.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    name: String,
    key: String,
    description: String,
    enabled: String,
    plans: String,
}

pub(super) fn import(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let mut violations = Violations::default();
    violations.one_of(
        call.parameter("format").unwrap_or_default(),
        "format",
        &["csv"],
    );
    violations.refuse()?;
    let fails_on_warnings = call
        .parameter("failonwarnings")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let rows = rows(&String::from_utf8_lossy(&call.body))?;
    let now = cloud.now();
    let (ids, warnings) = cloud.store.transact(|tx| {
        let mut ids = Vec::new();
        let mut warnings = Vec::new();
        for row in &rows {
            let key = ApiKey::imported(
                &row.name,
                &row.key,
                &row.description,
                row.enabled.eq_ignore_ascii_case("true"),
                now,
            );
            api_key::add(tx, call, &key)?;
            let plans: BTreeSet<&str> = row
                .plans
                .split(',')
                .map(str::trim)
                .filter(|plan| !plan.is_empty())
                .collect();
            for id in plans {
                let Some(plan) = tx.get::<UsagePlan>(&call.place, id)? else {
                    warnings.push(format!(
                        "{} for the key {}",
                        usage_plan::missing().message,
                        row.name
                    ));
                    continue;
                };
                plan_key::check_alone(tx, &call.place, &key.id, &plan)?;
                let link = PlanKey {
                    plan_id: plan.id,
                    key_id: key.id.clone(),
                    linked: now,
                };
                tx.put(&call.place, &link)?;
            }
            ids.push(key.id);
        }
        if fails_on_warnings && !warnings.is_empty() {
            return Err(bad_request(warnings.join(", ")));
        }
        Ok((ids, warnings))
    })?;
    Ok(Answer::json(
        201,
        json!({ "ids": ids, "warnings": warnings }),
    ))
}

/// The first line names the columns, in any order and case; name and key must be among them.
fn rows(text: &str) -> Result<Vec<Row>, Refusal> {
    let mut lines = records(text).into_iter();
    let columns: Vec<String> = lines
        .next()
        .unwrap_or_default()
        .iter()
        .map(|column| column.trim().to_ascii_lowercase())
        .collect();
    for column in &columns {
        if !COLUMNS.contains(&column.as_str()) {
            return Err(bad_request(format!(
                "Unknown column in the API key file: {column}"
            )));
        }
    }
    for column in ["name", "key"] {
        if !columns.iter().any(|own| own == column) {
            return Err(bad_request(format!(
                "The API key file has no column {column}"
            )));
        }
    }
    lines
        .map(|values| {
            if values.len() > columns.len() {
                return Err(bad_request(
                    "A line of the API key file has more values than there are columns",
                ));
            }
            let value = |name: &str| {
                let at = columns.iter().position(|column| column == name);
                let value = at.and_then(|at| values.get(at));
                value
                    .map(|value| value.trim().to_owned())
                    .unwrap_or_default()
            };
            Ok(Row {
                name: value("name"),
                key: value("key"),
                description: value("description"),
                enabled: value("enabled"),
                plans: value("usageplanids"),
            })
        })
        .collect()
}

/// RFC 4180, without lines that have nothing.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut value = String::new();
    let mut is_quoted = false;
    let mut characters = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                value.push('"');
                characters.next();
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(std::mem::take(&mut value)),
            '\n' if !is_quoted => {
                record.push(std::mem::take(&mut value));
                records.push(std::mem::take(&mut record));
            }
            '\r' if !is_quoted => {}
            character => value.push(character),
        }
    }
    record.push(value);
    records.push(record);
    records.retain(|record| record.iter().any(|value| !value.trim().is_empty()));
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_in_any_order() {
        let text =
            "Key,name,UsagePlanIds,Enabled\r\nabc,\"a, \"\"b\"\"\",\"p1,p2\",TRUE\r\n\r\ndef,c\n";
        let rows = rows(text).expect("rows");
        assert_eq!(
            rows,
            [
                Row {
                    name: "a, \"b\"".into(),
                    key: "abc".into(),
                    enabled: "TRUE".into(),
                    plans: "p1,p2".into(),
                    ..Row::default()
                },
                Row {
                    name: "c".into(),
                    key: "def".into(),
                    ..Row::default()
                },
            ]
        );
        assert!(super::rows("name,colour\na,b").is_err());
        assert!(super::rows("").is_err());
    }
}
