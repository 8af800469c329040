//! Policy documents: read as IAM reads them, refused as IAM refuses them, and encoded as IAM shows them.

use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value};

use super::condition::Condition;
use super::input;
use super::principal::Principals;
use crate::answer::Refusal;
use crate::signature::UNRESERVED;

/// What a document is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What a role may do, in the role.
    Inline,
    /// The same in a policy of its own.
    Managed,
    /// Who may assume a role.
    Trust,
    /// Who may use the thing that has the policy.
    Resource,
}

/// A document that is of the form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    pub(crate) effect: Effect,
    /// Of trust and resource policies only.
    pub(crate) principals: Option<Matching<Principals>>,
    pub(crate) actions: Matching<Vec<String>>,
    /// Of other policies than trust policies only.
    pub(crate) resources: Option<Matching<Vec<String>>>,
    pub(crate) conditions: Vec<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// What is listed, or (`NotAction` and the like) what is not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Matching<T> {
    In(T),
    NotIn(T),
}

impl<T> Matching<T> {
    pub(crate) fn matches(&self, is_listed: impl FnOnce(&T) -> bool) -> bool {
        match self {
            Self::In(listed) => is_listed(listed),
            Self::NotIn(listed) => !is_listed(listed),
        }
    }

    fn listed(&self) -> &T {
        match self {
            Self::In(listed) | Self::NotIn(listed) => listed,
        }
    }
}

pub(crate) fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "MalformedPolicyDocument", message)
}

fn syntax() -> Refusal {
    malformed("Syntax errors in policy.")
}

fn legacy() -> Refusal {
    malformed("The policy failed legacy parsing")
}

/// How many of a document's characters count in quotas: white space does not.
pub(crate) fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// As answers carry documents: percent-encoded by RFC 3986.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

impl Document {
    /// The document that the parameter `at` has.
    pub(crate) fn read(text: &str, at: &str, kind: Kind) -> Result<Self, Refusal> {
        input::check_length(text, at, 1, 131_072)?;
        let is_allowed = |c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
        if !text.chars().all(is_allowed) {
            return Err(input::invalid(format!(
                "The specified value for {} is invalid. It must contain only printable ASCII characters.",
                if kind == Kind::Trust {
                    "assumeRolePolicyDocument"
                } else {
                    "policyDocument"
                }
            )));
        }
        Self::parse(text, kind)
    }

    /// The document, without a look at its characters.
    pub(crate) fn parse(text: &str, kind: Kind) -> Result<Self, Refusal> {
        let unreadable = || match kind {
            Kind::Trust => malformed("This policy contains invalid Json"),
            _ => syntax(),
        };
        let value: Value = serde_json::from_str(text).map_err(|_| unreadable())?;
        let document = value.as_object().ok_or_else(unreadable)?;
        let known = ["Version", "Id", "Statement"];
        if document.keys().any(|name| !known.contains(&name.as_str())) {
            return Err(syntax());
        }
        check_version(document, kind)?;
        let statements = match document.get("Statement") {
            None if kind == Kind::Trust => {
                return Err(malformed("Missing required field Statement"));
            }
            Some(Value::Array(list)) if list.is_empty() && kind == Kind::Trust => {
                return Err(malformed("Could not parse the policy: Statement is empty!"));
            }
            Some(Value::Array(list)) if !list.is_empty() => list.iter().collect(),
            Some(statement @ Value::Object(_)) => vec![statement],
            _ => return Err(syntax()),
        };
        let statements: Vec<&Map<String, Value>> = statements
            .into_iter()
            .map(|statement| statement.as_object().ok_or_else(syntax))
            .collect::<Result<_, _>>()?;
        check_sids(&statements)?;
        let statements = statements
            .into_iter()
            .map(|statement| Statement::read(statement, kind))
            .collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }
}

fn check_version(document: &Map<String, Value>, kind: Kind) -> Result<(), Refusal> {
    match document.get("Version").map(Value::as_str) {
        Some(Some("2012-10-17")) => Ok(()),
        None | Some(Some("2008-10-17")) if kind != Kind::Managed => Ok(()),
        None | Some(Some("2008-10-17")) => Err(malformed(
            "Policy document must be version 2012-10-17 or greater.",
        )),
        _ => Err(syntax()),
    }
}

fn check_sids(statements: &[&Map<String, Value>]) -> Result<(), Refusal> {
    let mut seen = Vec::new();
    for statement in statements {
        let sid = match statement.get("Sid") {
            None => continue,
            Some(Value::String(sid)) if sid.is_empty() => continue,
            Some(Value::String(sid)) => sid,
            Some(_) => return Err(syntax()),
        };
        if !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(malformed(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression \
                 [0-9A-Za-z]*",
            ));
        }
        if seen.contains(&sid) {
            return Err(malformed(
                "Statement IDs (SID) in a single policy must be unique.",
            ));
        }
        seen.push(sid);
    }
    Ok(())
}

impl Statement {
    fn read(statement: &Map<String, Value>, kind: Kind) -> Result<Self, Refusal> {
        const KNOWN: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        if statement.keys().any(|name| !KNOWN.contains(&name.as_str())) {
            return Err(syntax());
        }
        let effect = match (statement.get("Effect").map(Value::as_str), kind) {
            (Some(Some("Allow")), _) => Effect::Allow,
            (Some(Some("Deny")), _) => Effect::Deny,
            (None, Kind::Trust) => return Err(malformed("Missing required field Effect")),
            (Some(Some(other)), Kind::Trust) => {
                return Err(malformed(format!("Invalid effect: {other}")));
            }
            (Some(Some(other)), _) if other.to_lowercase() == "allow" => return Err(legacy()),
            (Some(Some(other)), _) if other.to_lowercase() == "deny" => return Err(legacy()),
            _ => return Err(syntax()),
        };
        let actions = matching(statement, "Action", strings)?.filter(has_any);
        let resources = matching(statement, "Resource", strings)?.filter(has_any);
        let principals = matching(statement, "Principal", Principals::read)?;
        let conditions = conditions(statement.get("Condition"))?;
        let actions = match kind {
            Kind::Trust => {
                if principals.is_none() {
                    return Err(malformed("Missing required field Principal"));
                }
                if resources.is_some() {
                    return Err(malformed("Has prohibited field Resource"));
                }
                let actions = actions.ok_or_else(|| malformed("Missing required field Action"))?;
                let is_sts = |action: &String| action.to_lowercase().starts_with("sts:");
                if !actions.listed().iter().all(is_sts) {
                    return Err(malformed(
                        "AssumeRole policy may only specify STS AssumeRole actions.",
                    ));
                }
                actions
            }
            Kind::Inline | Kind::Managed | Kind::Resource => {
                if principals.is_some() != (kind == Kind::Resource) {
                    return Err(if kind == Kind::Resource {
                        malformed("Missing required field Principal")
                    } else {
                        malformed("Policy document should not specify a principal.")
                    });
                }
                let actions =
                    actions.ok_or_else(|| malformed("Policy statement must contain actions."))?;
                let resources = resources
                    .as_ref()
                    .ok_or_else(|| malformed("Policy statement must contain resources."))?;
                resources
                    .listed()
                    .iter()
                    .try_for_each(|arn| check_resource(arn))?;
                actions
                    .listed()
                    .iter()
                    .try_for_each(|action| check_action(action))?;
                actions
            }
        };
        Ok(Self {
            effect,
            principals,
            actions,
            resources,
            conditions,
        })
    }
}

fn has_any(listed: &Matching<Vec<String>>) -> bool {
    !listed.listed().is_empty()
}

/// `{name}` or `Not{name}`, not both.
fn matching<T>(
    statement: &Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Result<T, Refusal>,
) -> Result<Option<Matching<T>>, Refusal> {
    let negated = statement.get(&format!("Not{name}"));
    match (statement.get(name), negated) {
        (Some(listed), None) => read(listed).map(Matching::In).map(Some),
        (None, Some(listed)) => read(listed).map(Matching::NotIn).map(Some),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(syntax()),
    }
}

/// A string, or a list of them.
pub(super) fn strings(value: &Value) -> Result<Vec<String>, Refusal> {
    let string = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(syntax);
    match value {
        Value::Array(list) => list.iter().map(string).collect(),
        value => Ok(vec![string(value)?]),
    }
}

fn conditions(value: Option<&Value>) -> Result<Vec<Condition>, Refusal> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let mut conditions = Vec::new();
    for (operator, keys) in value.as_object().ok_or_else(syntax)? {
        for (key, values) in keys.as_object().ok_or_else(syntax)? {
            let values = match values {
                Value::Array(list) => list.iter().map(scalar).collect::<Result<_, _>>()?,
                value => vec![scalar(value)?],
            };
            conditions.push(Condition::new(operator, key, values).ok_or_else(syntax)?);
        }
    }
    Ok(conditions)
}

fn scalar(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(syntax()),
    }
}

fn check_action(action: &str) -> Result<(), Refusal> {
    if action == "*" {
        return Ok(());
    }
    let Some((vendor, name)) = action.split_once(':') else {
        return Err(malformed(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ));
    };
    if name.contains(':') {
        return Err(malformed("Actions/Condition can contain only one colon."));
    }
    let is_vendor = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if vendor != "*" && !vendor.chars().all(is_vendor) {
        return Err(malformed(format!("Vendor {vendor} is not valid")));
    }
    Ok(())
}

fn check_resource(resource: &str) -> Result<(), Refusal> {
    if resource == "*" {
        return Ok(());
    }
    let Some(rest) = resource.strip_prefix("arn:") else {
        return Err(malformed(format!(
            "Resource {resource} must be in ARN format or \"*\"."
        )));
    };
    let (partition, rest) = rest.split_once(':').unwrap_or((rest, ""));
    if !partition.starts_with("aws") && !partition.contains('*') {
        return Err(malformed(format!(
            "Partition \"{partition}\" is not valid for resource \"{resource}\"."
        )));
    }
    if rest.matches(':').count() < 3 && !rest.ends_with('*') {
        return Err(legacy());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str, kind: Kind) -> String {
        Document::read(text, "policyDocument", kind)
            .expect_err(text)
            .message
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let with =
            |statement: &str| format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
        for (statement, message) in [
            ("1", "Syntax errors in policy."),
            (
                r#"{"Effect": "Allow"}"#,
                "Policy statement must contain actions.",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*"}"#,
                "Policy statement must contain resources.",
            ),
            (
                r#"{"Effect": "allow", "Action": "s3:*", "Resource": "*"}"#,
                "The policy failed legacy parsing",
            ),
            (
                r#"{"Effect": "Maybe", "Action": "s3:*", "Resource": "*"}"#,
                "Syntax errors in policy.",
            ),
            (
                r#"{"Effect": "Allow", "Action": "read", "Resource": "*"}"#,
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:a:b", "Resource": "*"}"#,
                "Actions/Condition can contain only one colon.",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "table"}"#,
                "Resource table must be in ARN format or \"*\".",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:iam:1:user/x"}"#,
                "The policy failed legacy parsing",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"}"#,
                "Policy document should not specify a principal.",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringIs": {"a": "b"}}}"#,
                "Syntax errors in policy.",
            ),
            (
                r#"{"Sid": "a-b", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#,
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression \
                 [0-9A-Za-z]*",
            ),
        ] {
            assert_eq!(
                refusal(&with(statement), Kind::Inline),
                message,
                "{statement}"
            );
        }
        for text in [
            "x",
            "[]",
            "{}",
            r#"{"Version": "2012-10-17", "Statement": []}"#,
            "\"{}\"",
        ] {
            assert_eq!(
                refusal(text, Kind::Managed),
                match text {
                    "{}" => "Policy document must be version 2012-10-17 or greater.",
                    _ => "Syntax errors in policy.",
                }
            );
        }
    }

    #[test]
    fn trust_has_principals_and_no_resources() {
        let with = |members: &str| format!(r#"{{"Statement": {{"Effect": "Allow", {members}}}}}"#);
        for (members, message) in [
            (
                r#""Action": "sts:AssumeRole""#,
                "Missing required field Principal",
            ),
            (r#""Principal": "*""#, "Missing required field Action"),
            (
                r#""Principal": "*", "Action": "sts:AssumeRole", "Resource": "*""#,
                "Has prohibited field Resource",
            ),
            (
                r#""Principal": "*", "Action": "s3:GetObject""#,
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ),
        ] {
            assert_eq!(refusal(&with(members), Kind::Trust), message);
        }
        assert_eq!(
            refusal("{", Kind::Trust),
            "This policy contains invalid Json"
        );
        Document::parse(
            &with(r#""Principal": "*", "Action": "sts:AssumeRole""#),
            Kind::Trust,
        )
        .expect("it is one");
    }

    #[test]
    fn documents_are_shown_encoded() {
        assert_eq!(encoded("{\"a\": *~é}"), "%7B%22a%22%3A%20%2A~%C3%A9%7D");
        assert_eq!(size(" {\n \"a\" }"), 5);
    }
}
