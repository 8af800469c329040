//! The least rights that the tool's commands need on a stack, as IAM policy documents.

mod table;
pub mod trust;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use self::table::RIGHTS;
use crate::declaration::Stack;
use crate::resource::Resource;
use crate::target::Target;

/// Characters that a managed policy may have, white space not counted (AWS: "IAM and AWS STS quotas").
pub const MANAGED_POLICY_LIMIT: usize = 6144;

/// What an operation does, and with that who may need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// What `plan`, `drift` and `outputs` ask.
    Read,
    /// What changes something, costs something or tells data: `up`, `down`, `invoke`, `logs`, the key's value.
    Write,
}

/// One of the tool's operations, by its name in the SDK, with the rights that AWS asks for it.
struct Right {
    operation: &'static str,
    access: Access,
    needs: &'static [Need],
}

struct Need {
    /// `service:Name`, as in policies.
    action: &'static str,
    on: On,
}

/// What a right is about. In a stack each is all of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum On {
    Role,
    /// The role, as it is handed to Lambda.
    PassedRole,
    Table,
    Function,
    LogGroup,
    /// All there are: they are found by listing.
    LogGroups,
    RestApis,
    /// Any of them, and what is inside: API Gateway gives ids, names mean nothing to it.
    RestApi,
    ApiKeys,
    ApiKey,
    UsagePlans,
    UsagePlan,
    /// API Gateway's tags of anything.
    Tags,
}

impl On {
    /// The ARNs of what it is in `stack`.
    fn arns(self, stack: &Stack, target: &Target) -> Vec<String> {
        let named = |arn: &dyn Fn(&Resource) -> Option<Vec<String>>| {
            let resources = stack.declared.iter().map(|declared| &declared.resource);
            resources.filter_map(arn).flatten().collect()
        };
        let path = |path: &str| vec![target.apigateway_arn(path)];
        match self {
            Self::Role | Self::PassedRole => named(&|resource| match resource {
                Resource::Role(role) => Some(vec![target.iam_arn(&format!("role/{}", role.name))]),
                _ => None,
            }),
            Self::Table => named(&|resource| match resource {
                Resource::Table(table) => Some(vec![
                    target.arn("dynamodb", &format!("table/{}", table.name)),
                ]),
                _ => None,
            }),
            Self::Function => named(&|resource| match resource {
                Resource::Function(function) => {
                    let name = format!("function:{}", function.name);
                    Some(vec![target.arn("lambda", &name)])
                }
                _ => None,
            }),
            // AWS knows a group by both forms, as its own console's policies show; tags go by the shorter one.
            Self::LogGroup => named(&|resource| match resource {
                Resource::LogGroup(group) => {
                    let arn = target.arn("logs", &format!("log-group:{}", group.name));
                    Some(vec![arn.clone(), format!("{arn}:*")])
                }
                _ => None,
            }),
            Self::LogGroups => vec![target.arn("logs", "log-group:*")],
            Self::RestApis => path("/restapis"),
            Self::RestApi => path("/restapis/*"),
            Self::ApiKeys => path("/apikeys"),
            Self::ApiKey => path("/apikeys/*"),
            Self::UsagePlans => path("/usageplans"),
            Self::UsagePlan => path("/usageplans/*"),
            Self::Tags => path("/tags/*"),
        }
    }

    /// The statement's id; letters and digits only, as IAM wants it.
    fn sid(self) -> String {
        format!("{self:?}")
    }

    fn condition(self) -> Option<Value> {
        (self == Self::PassedRole)
            .then(|| json!({ "StringEquals": { "iam:PassedToService": "lambda.amazonaws.com" } }))
    }
}

/// The least rights that operations up to `access` need on `stack`, one statement for each kind of thing.
pub fn document(stack: &Stack, target: &Target, access: Access) -> Value {
    let mut actions: BTreeMap<On, BTreeSet<&str>> = BTreeMap::new();
    let rights = RIGHTS.iter().filter(|right| right.access <= access);
    for need in rights.flat_map(|right| right.needs) {
        actions.entry(need.on).or_default().insert(need.action);
    }
    let statements: Vec<Value> = actions
        .into_iter()
        .map(|(on, actions)| statement(on, &actions, on.arns(stack, target)))
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Why each action is in the document: the operations that need it, statement by statement.
pub fn reasons(access: Access) -> Value {
    let mut reasons: BTreeMap<(On, &str), BTreeSet<&str>> = BTreeMap::new();
    for right in RIGHTS.iter().filter(|right| right.access <= access) {
        for need in right.needs {
            let operations = reasons.entry((need.on, need.action)).or_default();
            operations.insert(right.operation);
        }
    }
    reasons
        .into_iter()
        .map(|((on, action), operations)| {
            json!({ "statement": on.sid(), "action": action, "operations": operations })
        })
        .collect()
}

fn statement(on: On, actions: &BTreeSet<&str>, mut arns: Vec<String>) -> Value {
    let mut statement = Map::new();
    statement.insert("Sid".to_owned(), on.sid().into());
    statement.insert("Effect".to_owned(), "Allow".into());
    statement.insert("Action".to_owned(), json!(actions));
    let resource = match arns.len() {
        1 => arns.remove(0).into(),
        _ => json!(arns),
    };
    statement.insert("Resource".to_owned(), resource);
    if let Some(condition) = on.condition() {
        statement.insert("Condition".to_owned(), condition);
    }
    statement.into()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::stack::{Settings, lab};
    use crate::target::partition_of;

    fn policy(env: Option<&str>, region: &str, access: Access) -> Value {
        let settings = Settings {
            env: env.map(str::to_owned),
            region: region.to_owned(),
            ..Settings::default()
        };
        let target = Target {
            account: "111122223333".into(),
            region: region.into(),
            endpoint: None,
            partition: partition_of(region).into(),
        };
        document(&lab(&settings).unwrap(), &target, access)
    }

    fn statement<'a>(policy: &'a Value, sid: &str) -> &'a Value {
        let statements = policy["Statement"].as_array().unwrap();
        statements.iter().find(|one| one["Sid"] == sid).unwrap()
    }

    #[test]
    fn rights_are_scoped_to_names_partition_account_and_region() {
        let policy = policy(Some("dev"), "cn-north-1", Access::Write);
        assert_eq!(
            statement(&policy, "Table")["Resource"],
            "arn:aws-cn:dynamodb:cn-north-1:111122223333:table/lambda-apigateway-dev"
        );
        assert_eq!(
            statement(&policy, "PassedRole"),
            &json!({
                "Sid": "PassedRole",
                "Effect": "Allow",
                "Action": ["iam:PassRole"],
                "Resource": "arn:aws-cn:iam::111122223333:role/lambda-apigateway-role-dev",
                "Condition": { "StringEquals": { "iam:PassedToService": "lambda.amazonaws.com" } },
            })
        );
        assert_eq!(
            statement(&policy, "RestApi")["Resource"],
            "arn:aws-cn:apigateway:cn-north-1::/restapis/*"
        );
    }

    #[test]
    fn a_reader_can_change_nothing() {
        let policy = policy(None, "eu-west-1", Access::Read);
        let statements = policy["Statement"].as_array().unwrap();
        let actions = statements
            .iter()
            .flat_map(|one| one["Action"].as_array().unwrap());
        for action in actions.map(|action| action.as_str().unwrap()) {
            let (_, name) = action.split_once(':').unwrap();
            let reads = ["Get", "GET", "List", "Describe"];
            assert!(reads.iter().any(|read| name.starts_with(read)), "{action}");
        }
    }

    #[test]
    fn the_longest_names_fit_a_managed_policy() {
        let policy = policy(Some(&"x".repeat(20)), "us-gov-west-1", Access::Write);
        let text = policy.to_string();
        let size = text.chars().filter(|c| !c.is_whitespace()).count();
        assert!(size <= MANAGED_POLICY_LIMIT, "{size}");
    }

    /// A call that the table does not know would be refused where only this policy is given.
    #[test]
    fn every_operation_of_the_tool_has_its_rights() {
        let mut named = BTreeSet::new();
        collect(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut named,
        );
        let known: BTreeSet<String> = RIGHTS
            .iter()
            .map(|right| right.operation.to_owned())
            .collect();
        assert_eq!(known, named);
    }

    /// The operations that source files below `folder` name.
    fn collect(folder: &Path, named: &mut BTreeSet<String>) {
        const BEFORE: [&str; 3] = [
            "Operation::safe(\"",
            "Operation::look_first(\"",
            "all_pages!(",
        ];
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, named);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for mark in BEFORE {
                for after in text.split(mark).skip(1) {
                    // The macro has the operation as its second argument.
                    let after = match mark {
                        "all_pages!(" => after.split('"').nth(1),
                        _ => after.split('"').next(),
                    };
                    named.extend(after.filter(|name| is_operation(name)).map(str::to_owned));
                }
            }
        }
    }

    fn is_operation(name: &str) -> bool {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric())
    }
}
