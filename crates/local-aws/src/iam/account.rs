//! What the account has of IAM's things, and how much it may have.

use serde_json::{Value, json};

use super::group::Group;
use super::managed::Policy;
use super::role::Role;
use super::user::User;
use super::{Work, instance_profile};
use crate::answer::Refusal;

/// The members that never change here, as recorded by localstack (`test_iam_account_summary`).
const FIXED: [(&str, u32); 27] = [
    ("AccessKeysPerUserQuota", 2),
    ("AccountAccessKeysPresent", 0),
    ("AccountMFAEnabled", 0),
    ("AccountPasswordPresent", 0),
    ("AccountSigningCertificatesPresent", 0),
    ("AssumeRolePolicySizeQuota", 2048),
    ("AttachedPoliciesPerGroupQuota", 10),
    ("AttachedPoliciesPerRoleQuota", 10),
    ("AttachedPoliciesPerUserQuota", 10),
    ("GlobalEndpointTokenVersion", 1),
    ("GroupPolicySizeQuota", 5120),
    ("GroupsPerUserQuota", 10),
    ("GroupsQuota", 300),
    ("InstanceProfilesQuota", 1000),
    ("MFADevices", 0),
    ("MFADevicesInUse", 0),
    ("PoliciesQuota", 1500),
    ("PolicySizeQuota", 6144),
    ("PolicyVersionsInUseQuota", 10_000),
    ("Providers", 0),
    ("RolePolicySizeQuota", 10_240),
    ("RolesQuota", 1000),
    ("ServerCertificates", 0),
    ("ServerCertificatesQuota", 20),
    ("SigningCertificatesPerUserQuota", 2),
    ("UserPolicySizeQuota", 2048),
    ("UsersQuota", 5000),
];

pub(super) fn summary(work: &Work) -> Result<Value, Refusal> {
    let policies: Vec<Policy> = work.tx.list(&work.place, "")?;
    let versions: usize = policies.iter().map(Policy::version_count).sum();
    let counted = [
        (
            "InstanceProfiles",
            instance_profile::count(work.tx, &work.place)?,
        ),
        ("Groups", work.tx.list::<Group>(&work.place, "")?.len()),
        ("Policies", policies.len()),
        ("PolicyVersionsInUse", versions),
        ("Roles", work.tx.list::<Role>(&work.place, "")?.len()),
        ("Users", work.tx.list::<User>(&work.place, "")?.len()),
        ("VersionsPerPolicyQuota", super::versions::MOST),
    ];
    let fixed = FIXED
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value }));
    let counted = counted
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value }));
    let entries: Vec<Value> = fixed.chain(counted).collect();
    Ok(json!({ "SummaryMap": { "entry": entries } }))
}
