//! Managed policies: those of the account, and what is known of AWS's own.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{Document, Kind};
use super::role::{self, Role};
use super::tags::{self, Keys, Tags};
use super::user::User;
use super::versions::{self, Version};
use super::{Work, attached, aws_managed, input};
use crate::answer::Refusal;
use crate::call::Call;
use crate::clock::{self, Moment};
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

/// In characters other than white space (AWS: "IAM and STS quotas").
pub(super) const SIZE: usize = 6144;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Policy {
    name: String,
    path: String,
    pub(super) arn: String,
    id: String,
    description: Option<String>,
    /// The document of the default version.
    document: String,
    pub(super) created: Moment,
    tags: Tags,
    /// The oldest first. Empty in what was kept before policies had versions: see `with_versions`.
    #[serde(default)]
    pub(super) versions: Vec<Version>,
    #[serde(default = "first")]
    pub(super) default_version: u64,
    /// Numbers of deleted versions are not given again.
    #[serde(default = "first")]
    pub(super) last_version: u64,
    #[serde(default)]
    pub(super) updated: Option<Moment>,
}

fn first() -> u64 {
    1
}

impl Policy {
    /// The policy as one with versions.
    fn with_versions(mut self) -> Self {
        if self.versions.is_empty() {
            self.versions.push(Version {
                number: self.default_version,
                document: self.document.clone(),
                created: self.created,
            });
        }
        self
    }

    /// What it says, by its default version.
    pub(super) fn text(&self) -> &str {
        &self.document
    }

    pub(super) fn version(&self, number: u64) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.number == number)
    }

    pub(super) fn version_count(&self) -> usize {
        self.versions.len().max(1)
    }

    /// Gives effect to one of the versions.
    pub(super) fn set_default(&mut self, number: u64) {
        if let Some(version) = self.version(number) {
            self.document = version.document.clone();
            self.default_version = number;
        }
    }
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
        ["arn", ..] => Err(Refusal::new(
            400,
            "InvalidInput",
            format!("ARN {arn} is not valid."),
        )),
        _ => Err(input::invalid("Invalid ARN:  Could not be parsed!")),
    }
}

/// AWS's own policies are of no account.
pub(super) fn is_aws_managed(arn: &str) -> bool {
    arn.split(':').nth(4) == Some("aws")
}

pub(super) fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

pub(super) fn find(tx: &Tx, place: &Place, arn: &str) -> Result<Option<Policy>, Refusal> {
    if let Some((path, name, document)) = aws_managed::find(arn) {
        let policy = Policy {
            name: name.to_owned(),
            path: path.to_owned(),
            arn: arn.to_owned(),
            id: aws_managed::id(name),
            description: None,
            document: document.to_owned(),
            created: 0,
            tags: Tags::new(),
            versions: Vec::new(),
            default_version: first(),
            last_version: first(),
            updated: None,
        };
        return Ok(Some(policy.with_versions()));
    }
    let policy: Option<Policy> = tx.get(place, &name_in(arn).to_lowercase())?;
    let policy = policy.filter(|policy| policy.arn == arn);
    Ok(policy.map(Policy::with_versions))
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
pub(super) fn seen(work: &Work) -> Result<Policy, Refusal> {
    let arn = input::required(work.call, "PolicyArn")?;
    check_arn(arn, "PolicyArn")?;
    find(work.tx, &work.place, arn)?
        .filter(|policy| work.cloud.is_visible(policy.created))
        .ok_or_else(|| role::no_such_entity(format!("Policy {arn} was not found.")))
}

/// The account's own policy that the call names, to be changed.
pub(super) fn own(work: &Work) -> Result<Policy, Refusal> {
    let policy = seen(work)?;
    check_own(&policy)?;
    Ok(policy)
}

/// Nobody changes AWS's policies.
pub(super) fn check_own(policy: &Policy) -> Result<(), Refusal> {
    if is_aws_managed(&policy.arn) {
        return Err(not_yours());
    }
    Ok(())
}

pub(super) fn create(work: &Work) -> Result<Value, Refusal> {
    let call = work.call;
    let name = input::name(call, "PolicyName", 128)?;
    let path = input::path(call)?;
    let description = call.parameter("Description");
    if let Some(text) = description {
        input::check_length(text, "Description", 0, 1000)?;
    }
    let tags = tags::read(call, Keys::ByCase)?;
    let text = versions::document(work)?;
    let policy = Policy {
        name: name.to_owned(),
        path: path.to_owned(),
        arn: call.place.global_arn("iam", &format!("policy{path}{name}")),
        id: format!("ANPA{}", ids::upper(17)),
        description: description.map(str::to_owned),
        document: text.to_owned(),
        created: work.cloud.now(),
        tags,
        versions: Vec::new(),
        default_version: first(),
        last_version: first(),
        updated: None,
    }
    .with_versions();
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
    shown["Tags"] = tags::always_shown(&policy.tags);
    Ok(json!({ "Policy": shown }))
}

/// How a policy is used, as the call's `PolicyUsageFilter` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Any,
    Attached,
    Boundary,
}

impl Usage {
    pub(super) fn read(call: &Call) -> Result<Self, Refusal> {
        let Some(text) = call.parameter("PolicyUsageFilter") else {
            return Ok(Self::Any);
        };
        let values = ["PermissionsPolicy", "PermissionsBoundary"];
        input::one_of(text, "PolicyUsageFilter", &values)?;
        Ok(if text == values[0] {
            Self::Attached
        } else {
            Self::Boundary
        })
    }

    pub(super) fn counts_attachments(self) -> bool {
        self != Self::Boundary
    }

    pub(super) fn counts_boundaries(self) -> bool {
        self != Self::Attached
    }
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    let call = work.call;
    let scope = call.parameter("Scope").unwrap_or("All");
    input::one_of(scope, "Scope", &["All", "AWS", "Local"])?;
    let prefix = input::path_prefix(call)?;
    let only_attached = input::flag(call, "OnlyAttached")?;
    let usage = Usage::read(call)?;
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
            && match usage {
                Usage::Any => true,
                Usage::Attached => uses.attachments(&policy.arn) > 0,
                Usage::Boundary => uses.boundaries(&policy.arn) > 0,
            }
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
    if policy.versions.len() > 1 {
        return Err(role::conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy.",
        ));
    }
    work.tx.remove::<Policy>(&work.place, &policy.key())?;
    Ok(Value::Null)
}

pub(super) fn tag(work: &Work) -> Result<Value, Refusal> {
    let mut policy = own(work)?;
    tags::add(work.call, &mut policy.tags, Keys::ByCase)?;
    work.tx.put(&work.place, &policy)?;
    Ok(Value::Null)
}

pub(super) fn untag(work: &Work) -> Result<Value, Refusal> {
    let mut policy = own(work)?;
    tags::remove(work.call, &mut policy.tags, Keys::ByCase)?;
    work.tx.put(&work.place, &policy)?;
    Ok(Value::Null)
}

pub(super) fn list_tags(work: &Work) -> Result<Value, Refusal> {
    tags::page(work.call, seen(work)?.tags)
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
        let users: Vec<User> = work.tx.list(&work.place, "")?;
        let of_roles = roles.into_iter().filter_map(|role| role.boundary);
        let of_users = users.into_iter().filter_map(|user| user.boundary);
        Ok(Self {
            attached: attached::all(work.tx, &work.place)?,
            boundaries: of_roles.chain(of_users).collect(),
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
        "DefaultVersionId": format!("v{}", policy.default_version),
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": true,
        "CreateDate": clock::iso(policy.created),
        "UpdateDate": clock::iso(policy.updated.unwrap_or(policy.created)),
    })
}
