//! Two versions of a policy document compared as meaning: which statements come, go and change, and whether anybody may
//! do more than before.

use serde_json::Value;

/// One statement that differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) kind: Kind,
    /// True if it allows something that the old document did not, or stops forbidding something.
    pub(crate) broadens: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Added(Value),
    Removed(Value),
    Changed { from: Value, to: Value },
}

/// Returns true if `field` holds statements: of the trust policy or of an inline one, or such a policy as a whole.
pub(crate) fn is_policy(field: &str) -> bool {
    field == "trust"
        || field == "trust.Statement"
        || field
            .strip_prefix("policies.")
            .is_some_and(|rest| !rest.contains('.') || rest.ends_with(".Statement"))
}

/// The statements of a policy document, or of the list of them.
pub(crate) fn statements(value: &Value) -> &[Value] {
    let list = if value.is_array() {
        value
    } else {
        &value["Statement"]
    };
    list.as_array().map_or(&[], Vec::as_slice)
}

/// Returns the differences between the statements `old` and `new`. A statement's id and the order do not count.
pub(crate) fn differences(old: &[Value], new: &[Value]) -> Vec<Difference> {
    let mut gone: Vec<&Value> = old
        .iter()
        .filter(|statement| !new.iter().any(|other| is_same(statement, other)))
        .collect();
    let come = new
        .iter()
        .filter(|statement| !old.iter().any(|other| is_same(statement, other)));
    let mut differences = Vec::new();
    for to in come {
        let partner = gone.iter().position(|from| is_version_of(from, to));
        let from = partner.map(|at| gone.remove(at));
        let is_wider = allows_more(to, old) || from.is_some_and(|from| forbids_no_more(from, new));
        differences.push(Difference {
            broadens: is_wider,
            kind: match from {
                Some(from) => Kind::Changed {
                    from: from.clone(),
                    to: to.clone(),
                },
                None => Kind::Added(to.clone()),
            },
        });
    }
    differences.extend(gone.into_iter().map(|from| Difference {
        broadens: forbids_no_more(from, new),
        kind: Kind::Removed(from.clone()),
    }));
    differences
}

/// One statement as people say it: `Allow dynamodb:GetItem on arn:…, if …`.
pub(crate) fn words(statement: &Value) -> String {
    let mut text = statement["Effect"].as_str().unwrap_or("?").to_owned();
    for (before, field) in [
        ("", "Action"),
        ("all but ", "NotAction"),
        ("on ", "Resource"),
        ("on all but ", "NotResource"),
        ("to ", "Principal"),
        ("to all but ", "NotPrincipal"),
        ("if ", "Condition"),
    ] {
        let value = &statement[field];
        if !value.is_null() {
            text.push(' ');
            text.push_str(before);
            text.push_str(&list(value));
        }
    }
    text
}

/// Returns the title of a statement whose differences follow below it.
pub(crate) fn title(statement: &Value) -> String {
    let effect = statement["Effect"].as_str().unwrap_or("?");
    match statement["Sid"].as_str() {
        Some(id) => format!("{effect} `{id}`"),
        None => format!("{effect} on {}", list(&statement["Resource"])),
    }
}

/// The values of one field that only one of two statements has, as `(lost, won)`.
pub(crate) fn values_apart(from: &Value, to: &Value) -> (Vec<String>, Vec<String>) {
    let (from, to) = (items(from), items(to));
    let only = |ours: &[String], theirs: &[String]| {
        ours.iter()
            .filter(|item| !theirs.contains(item))
            .cloned()
            .collect()
    };
    (only(&from, &to), only(&to, &from))
}

fn list(value: &Value) -> String {
    items(value).join(", ")
}

fn items(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().flat_map(items).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Object(fields) if !fields.keys().any(|key| key.starts_with('$')) => fields
            .iter()
            .map(|(name, value)| format!("{name} {}", list(value)))
            .collect(),
        other => vec![other.to_string()],
    }
}

fn is_same(a: &Value, b: &Value) -> bool {
    FIELDS.iter().all(|field| a[*field] == b[*field])
}

/// All that a statement says; its `Sid` is a name.
pub(crate) const FIELDS: [&str; 8] = [
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Returns true if `to` is what became of `from`, rather than something new: the same id, or the same but for one field.
fn is_version_of(from: &Value, to: &Value) -> bool {
    if from["Effect"] != to["Effect"] {
        return false;
    }
    let sid = from["Sid"].as_str();
    if sid.is_some() && sid == to["Sid"].as_str() {
        return true;
    }
    FIELDS
        .iter()
        .filter(|field| from[**field] != to[**field])
        .count()
        == 1
}

fn allows_more(statement: &Value, old: &[Value]) -> bool {
    statement["Effect"] == "Allow" && !is_covered(statement, old)
}

fn forbids_no_more(statement: &Value, new: &[Value]) -> bool {
    statement["Effect"] == "Deny" && !is_covered(statement, new)
}

/// Returns true if `statements` of the same effect say at least what `statement` says, for each of its actions and resources.
/// An action that cannot be compared counts as not covered.
fn is_covered(statement: &Value, statements: &[Value]) -> bool {
    let is_plain = ["NotAction", "NotResource", "NotPrincipal"]
        .iter()
        .all(|field| statement[*field].is_null());
    if !is_plain {
        return statements.iter().any(|other| is_same(statement, other));
    }
    let (actions, resources) = (items(&statement["Action"]), items(&statement["Resource"]));
    let resources = if resources.is_empty() {
        vec![String::new()]
    } else {
        resources
    };
    actions.iter().all(|action| {
        resources.iter().all(|resource| {
            statements
                .iter()
                .any(|other| speaks_of(other, statement, action, resource))
        })
    })
}

fn speaks_of(wide: &Value, narrow: &Value, action: &str, resource: &str) -> bool {
    let matches = |patterns: &Value, text: &str| {
        items(patterns)
            .iter()
            .any(|pattern| includes(pattern, text))
    };
    let action_fits = items(&wide["Action"])
        .iter()
        .any(|pattern| includes(&pattern.to_lowercase(), &action.to_lowercase()));
    let resource_fits =
        resource.is_empty() && wide["Resource"].is_null() || matches(&wide["Resource"], resource);
    let principal_fits = wide["Principal"] == "*"
        || items(&narrow["Principal"])
            .iter()
            .all(|principal| items(&wide["Principal"]).contains(principal));
    let is_plain = ["NotAction", "NotResource", "NotPrincipal"]
        .iter()
        .all(|field| wide[*field].is_null());
    wide["Effect"] == narrow["Effect"]
        && is_plain
        && action_fits
        && resource_fits
        && principal_fits
        && is_looser(&wide["Condition"], &narrow["Condition"])
}

/// Returns true if every condition of `wide` is one of `narrow` as well.
fn is_looser(wide: &Value, narrow: &Value) -> bool {
    wide.as_object()
        .into_iter()
        .flatten()
        .all(|(operator, keys)| {
            keys.as_object()
                .into_iter()
                .flatten()
                .all(|(key, values)| narrow[operator][key] == *values)
        })
}

/// Returns true if everything that the pattern `narrow` matches is matched by `wide`; `*` and `?` as in IAM.
fn includes(wide: &str, narrow: &str) -> bool {
    let Some(first) = wide.chars().next() else {
        return narrow.is_empty();
    };
    let rest = &wide[first.len_utf8()..];
    let mut others = narrow.chars();
    let next = others.next();
    match (first, next) {
        ('*', _) => includes(rest, narrow) || next.is_some() && includes(wide, others.as_str()),
        ('?', Some(other)) if other != '*' => includes(rest, others.as_str()),
        (first, Some(other)) => first == other && includes(rest, others.as_str()),
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allow(actions: &[&str], resource: &str) -> Value {
        json!({"Effect": "Allow", "Action": actions, "Resource": resource})
    }

    fn broadens<const N: usize, const M: usize>(old: [&Value; N], new: [&Value; M]) -> bool {
        differences(&old.map(Clone::clone), &new.map(Clone::clone))
            .iter()
            .any(|difference| difference.broadens)
    }

    #[test]
    fn more_actions_or_resources_are_broader_and_fewer_are_not() {
        let few = allow(&["t:Get"], "arn:table/a");
        let more = allow(&["t:Get", "t:Put"], "arn:table/a");
        assert!(broadens([&few], [&more]));
        assert!(!broadens([&more], [&few]));
        let everywhere = allow(&["t:Get"], "*");
        assert!(broadens([&few], [&everywhere]));
        assert!(!broadens([&everywhere], [&few]));
    }

    #[test]
    fn a_wildcard_covers_what_it_matches() {
        let wide = allow(&["t:*"], "arn:table/*");
        let inside = allow(&["T:Get*"], "arn:table/a/index/*");
        assert!(!broadens([&wide], [&inside]));
        let [all, some, exact] = ["t:*", "t:Ge*", "t:Ge?"].map(|action| allow(&[action], "*"));
        assert!(broadens([&some], [&all]));
        assert!(broadens([&exact], [&some]));
        assert!(!broadens([&some], [&exact]));
    }

    #[test]
    fn a_lost_condition_or_denial_is_broader() {
        let free = allow(&["t:Get"], "*");
        let mut bound = free.clone();
        bound["Condition"] = json!({"StringEquals": {"aws:SourceAccount": "1"}});
        assert!(broadens([&bound], [&free]));
        assert!(!broadens([&free], [&bound]));
        let deny = json!({"Effect": "Deny", "Action": "t:Drop", "Resource": "*"});
        assert!(broadens([&free, &deny], [&free]));
        assert!(!broadens([&free], [&free, &deny]));
    }

    #[test]
    fn another_principal_is_broader() {
        let trust = |principal: &Value| json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal});
        let lambda = trust(&json!({"Service": "lambda.amazonaws.com"}));
        assert!(broadens(
            [&lambda],
            [&trust(&json!({"Service": "ec2.amazonaws.com"}))]
        ));
        assert!(broadens([&lambda], [&trust(&json!("*"))]));
    }

    #[test]
    fn what_became_of_a_statement_is_a_change() {
        let old = allow(&["t:Get", "t:Put"], "arn:table/a");
        let new = allow(&["t:Get", "t:Scan"], "arn:table/a");
        let found = differences(std::slice::from_ref(&old), std::slice::from_ref(&new));
        assert!(matches!(
            &found[..],
            [Difference {
                kind: Kind::Changed { .. },
                broadens: true
            }]
        ));
        assert_eq!(
            values_apart(&old["Action"], &new["Action"]),
            (vec!["t:Put".to_owned()], vec!["t:Scan".to_owned()])
        );
        assert_eq!(words(&new), "Allow t:Get, t:Scan on arn:table/a");
    }

    #[test]
    fn a_name_and_an_order_mean_nothing() {
        let plain = allow(&["t:Get"], "*");
        let mut named = plain.clone();
        named["Sid"] = json!("Read");
        assert_eq!(differences(&[plain], &[named]), []);
    }
}
