//! Whoever has policies: a role, a user or a group.

use super::Work;
use super::group::{self, Group};
use super::role::{self, Role};
use super::user::{self, User};
use crate::answer::Refusal;

#[derive(Debug)]
pub(super) enum Holder {
    Role(Role),
    User(User),
    Group(Group),
}

impl Holder {
    /// The role, user or group that the call names.
    pub(super) fn named(work: &Work) -> Result<Self, Refusal> {
        let operation = work.call.operation;
        if operation.contains("User") {
            user::named(work).map(Self::User)
        } else if operation.contains("Group") {
            group::named(work).map(Self::Group)
        } else {
            role::named(work).map(Self::Role)
        }
    }

    /// The same for those who only look: a role that is too new is not there yet.
    pub(super) fn seen(work: &Work) -> Result<Self, Refusal> {
        match Self::named(work)? {
            Self::Role(_) => role::seen(work).map(Self::Role),
            other => Ok(other),
        }
    }

    /// The key of its policies. Users and groups keep it under another name.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Role(role) => role::key(&role.name),
            Self::User(user) => user.policies_key(),
            Self::Group(group) => group.policies_key(),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Role(role) => &role.name,
            Self::User(user) => &user.name,
            Self::Group(group) => &group.name,
        }
    }

    /// `role`, `user` or `group`, as messages call it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::User(_) => "user",
            Self::Group(_) => "group",
        }
    }

    /// The parameter that names it.
    pub(super) fn parameter(&self) -> &'static str {
        match self {
            Self::Role(_) => "RoleName",
            Self::User(_) => "UserName",
            Self::Group(_) => "GroupName",
        }
    }
}
