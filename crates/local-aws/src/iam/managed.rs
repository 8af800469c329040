//! Managed policies: those of the account, and what is known of AWS's own.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{self, Document, Kind};
use super::role::{self, Role};
use super::tags::{self, Tags};
use super::{Work, attached, aws_managed, input};
use crate::answer::Refusal;
use crate::clock::{self, Moment};
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

/// In characters other than white space (AWS: "IAM and STS quotas").
const SIZE: usize = 6144;

/// Policies have one version here.
const VERSION: &str = "v1";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Policy {
    name: String,
    path: String,
    arn: String,
    id: String,
    description: Option<String>,
    document: String,
    created: Moment,
    tags: Tags,
}

impl Record for Policy {
    const KIND: &'static str = "iam-policy";

    /// Names are unique without regard to case or path.
    fn key(&self) -> String {
        self.name.to_lowercase()
    }
}

pub(super) fn check_arn(arn: &str, at: &str) -> Result<(), Refusal> {
    input::check_length(arn, at, 20, 2048)?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", _, resource] if resource.starts_with("policy/") => Ok(()),
        _ => Err(Refusal::new(
            400,
            "InvalidInput",
            format!("ARN {arn} is not valid."),
        )),
    }
}

/// AWS's own policies are of no account.
pub(super) fn is_aws_managed(arn: &str) -> bool {
    arn.split(':').nth(4) == Some("aws")
}

pub(super) fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn find(tx: &Tx, place: &Place, arn: &str) -> Result<Option<Policy>, Refusal> {
    if let Some((path, name, document)) = aws_managed::find(arn) {
        return Ok(Some(Policy {
            name: name.to_owned(),
            path: path.to_owned(),
            arn: arn.to_owned(),
            id: aws_managed::id(name),
            description: None,
            document: document.to_owned(),
            created: 0,
            tags: Tags::new(),
        }));
    }
    let policy: Option<Policy> = tx.get(place, &name_in(arn).to_lowercase())?;
    Ok(policy.filter(|policy| policy.arn == arn))
}

/// What the policy says; one of AWS's that is not known here says nothing.
pub(super) fn document(tx: &Tx, place: &Place, arn: &str) -> Result<Option<Document>, Refusal> {
    find(tx, place, arn)?
        .map(|policy| Document::parse(&policy.document, Kind::Managed))
        .transpose()
}

/// Any of AWS's own is, known here or not.
pub(super) fn is_attachable(tx: &Tx, place: &Place, arn: &str) -> Result<bool, Refusal> {
    Ok(is_aws_managed(arn) || find(tx, place, arn)?.is_some())
}

/// The policy that the call's `PolicyArn` names, for those who only look.
fn seen(work: &Work) -> Result<Policy, Refusal> {
    let arn = input::required(work.call, "PolicyArn")?;
    check_arn(arn, "PolicyArn")?;
    find(work.tx, &work.place, arn)?
        .filter(|policy| work.cloud.is_visible(policy.created))
        .ok_or_else(|| role::no_such_entity(format!("Policy {arn} was not found.")))
}

pub(super) fn create(work: &Work) -> Result<Value, Refusal> {
    let call = work.call;
    let name = input::name(call, "PolicyName", 128)?;
    let path = input::path(call)?;
    let description = call.parameter("Description");
    if let Some(text) = description {
        input::check_length(text, "Description", 0, 1000)?;
    }
    let tags = tags::read(call)?;
    let text = input::required(call, "PolicyDocument")?;
    Document::read(text, "PolicyDocument", Kind::Managed)?;
    if document::size(text) > SIZE {
        let message = format!("Cannot exceed quota for PolicySize: {SIZE}");
        return Err(role::limit_exceeded(message));
    }
    let policy = Policy {
        name: name.to_owned(),
        path: path.to_owned(),
        arn: call.place.global_arn("iam", &format!("policy{path}{name}")),
        id: format!("ANPA{}", ids::upper(17)),
        description: description.map(str::to_owned),
        document: text.to_owned(),
        created: work.cloud.now(),
        tags,
    };
    if work.tx.get::<Policy>(&work.place, &policy.key())?.is_some() {
        let message =
            format!("A policy called {name} already exists. Duplicate names are not allowed.");
        return Err(Refusal::new(409, "EntityAlreadyExists", message));
    }
    work.tx.put(&work.place, &policy)?;
    let mut shown = brief(&policy, 0, 0);
    shown["Tags"] = tags::shown(&policy.tags);
    Ok(json!({ "Policy": shown }))
}

pub(super) fn get(work: &Work) -> Result<Value, Refusal> {
    let policy = seen(work)?;
    let uses = Uses::of_account(work)?;
    let mut shown = uses.shown(&policy);
    shown["Description"] = json!(policy.description);
    shown["Tags"] = tags::shown(&policy.tags);
    Ok(json!({ "Policy": shown }))
}

pub(super) fn get_version(work: &Work) -> Result<Value, Refusal> {
    let policy = seen(work)?;
    let version = input::required(work.call, "VersionId")?;
    if version != VERSION {
        return Err(role::no_such_entity(format!(
            "Policy {} version {version} does not exist or is not attachable.",
            policy.arn
        )));
    }
    let mut shown = version_of(&policy);
    shown["Document"] = document::encoded(&policy.document).into();
    Ok(json!({ "PolicyVersion": shown }))
}

pub(super) fn list_versions(work: &Work) -> Result<Value, Refusal> {
    let policy = seen(work)?;
    input::page(
        work.call,
        "Versions",
        vec![(VERSION.to_owned(), version_of(&policy))],
    )
}

fn version_of(policy: &Policy) -> Value {
    json!({
        "VersionId": VERSION,
        "IsDefaultVersion": true,
        "CreateDate": clock::iso(policy.created),
    })
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let call = work.call;
    let scope = call.parameter("Scope").unwrap_or("All");
    if !matches!(scope, "All" | "AWS" | "Local") {
        return Err(input::broken(
            scope,
            "Scope",
            "Member must satisfy enum value set: [All, AWS, Local]",
        ));
    }
    let prefix = input::path_prefix(call)?;
    let only_attached = call.parameter("OnlyAttached") == Some("true");
    let uses = Uses::of_account(work)?;
    let mut policies: Vec<Policy> = Vec::new();
    if scope != "AWS" {
        policies.extend(work.tx.list::<Policy>(&work.place, "")?);
    }
    if scope != "Local" {
        for arn in aws_managed::arns(call.place.partition()) {
            policies.extend(find(work.tx, &work.place, &arn)?);
        }
    }
    policies.retain(|policy| {
        policy.path.starts_with(prefix)
            && work.cloud.is_visible(policy.created)
            && (!only_attached || uses.attachments(&policy.arn) > 0)
    });
    policies.sort_by(|one, other| one.arn.cmp(&other.arn));
    let shown = policies
        .iter()
        .map(|policy| (policy.arn.clone(), uses.shown(policy)))
        .collect();
    input::page(call, "Policies", shown)
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let arn = input::required(work.call, "PolicyArn")?;
    check_arn(arn, "PolicyArn")?;
    if is_aws_managed(arn) {
        return Err(not_yours());
    }
    let policy = find(work.tx, &work.place, arn)?
        .ok_or_else(|| role::no_such_entity(format!("Policy {arn} was not found.")))?;
    let uses = Uses::of_account(work)?;
    if uses.attachments(arn) + uses.boundaries(arn) > 0 {
        return Err(Refusal::new(
            409,
            "DeleteConflict",
            "Cannot delete a policy attached to entities.",
        ));
    }
    work.tx.remove::<Policy>(&work.place, &policy.key())?;
    Ok(Value::Null)
}

pub(super) fn tag(work: &Work) -> Result<Value, Refusal> {
    let mut policy = seen(work)?;
    tags::add(work.call, &mut policy.tags)?;
    put(work, &policy)
}

pub(super) fn untag(work: &Work) -> Result<Value, Refusal> {
    let mut policy = seen(work)?;
    tags::remove(work.call, &mut policy.tags)?;
    put(work, &policy)
}

fn put(work: &Work, policy: &Policy) -> Result<Value, Refusal> {
    if is_aws_managed(&policy.arn) {
        return Err(not_yours());
    }
    work.tx.put(&work.place, policy)?;
    Ok(Value::Null)
}

fn not_yours() -> Refusal {
    Refusal::new(
        403,
        "AccessDenied",
        "Cannot perform the operation on an AWS managed policy.",
    )
}

/// Which policies are used how often.
struct Uses {
    attached: Vec<String>,
    boundaries: Vec<String>,
}

impl Uses {
    fn of_account(work: &Work) -> Result<Self, Refusal> {
        let roles: Vec<Role> = work.tx.list(&work.place, "")?;
        Ok(Self {
            attached: attached::all(work.tx, &work.place)?,
            boundaries: roles.into_iter().filter_map(|role| role.boundary).collect(),
        })
    }

    fn attachments(&self, arn: &str) -> usize {
        self.attached.iter().filter(|used| *used == arn).count()
    }

    fn boundaries(&self, arn: &str) -> usize {
        self.boundaries.iter().filter(|used| *used == arn).count()
    }

    fn shown(&self, policy: &Policy) -> Value {
        brief(
            policy,
            self.attachments(&policy.arn),
            self.boundaries(&policy.arn),
        )
    }
}

fn brief(policy: &Policy, attachments: usize, boundaries: usize) -> Value {
    json!({
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": VERSION,
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": true,
        "CreateDate": clock::iso(policy.created),
        "UpdateDate": clock::iso(policy.created),
    })
}
