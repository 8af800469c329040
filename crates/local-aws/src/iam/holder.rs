//! Whoever has policies: a role or a user.

use super::Work;
use super::role::{self, Role};
use super::user::{self, User};
use crate::answer::Refusal;

#[derive(Debug)]
pub(super) enum Holder {
    Role(Role),
    User(User),
}

impl Holder {
    /// The role or user that the call names.
    pub(super) fn named(work: &Work) -> Result<Self, Refusal> {
        if is_of_user(work) {
            user::named(work).map(Self::User)
        } else {
            role::named(work).map(Self::Role)
        }
    }

    /// The same for those who only look: a role that is too new is not there yet.
    pub(super) fn seen(work: &Work) -> Result<Self, Refusal> {
        if is_of_user(work) {
            user::named(work).map(Self::User)
        } else {
            role::seen(work).map(Self::Role)
        }
    }

    /// The key of its policies. A user keeps it under another name.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Role(role) => role::key(&role.name),
            Self::User(user) => user.policies_key(),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Role(role) => &role.name,
            Self::User(user) => &user.name,
        }
    }

    /// `role` or `user`, as messages call it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::User(_) => "user",
        }
    }

    /// The parameter that names it.
    pub(super) fn parameter(&self) -> &'static str {
        match self {
            Self::Role(_) => "RoleName",
            Self::User(_) => "UserName",
        }
    }
}

fn is_of_user(work: &Work) -> bool {
    work.call.operation.contains("User")
}
