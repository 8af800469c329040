//! The facts that hold for every resource of a kind.

use crate::diff::Changes;
use crate::operation::Operation;

/// A kind of resource, as one constant.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, which a kind states by its name"
)]
pub struct Kind {
    /// CloudFormation's name of the kind: `AWS::Logs::LogGroup`.
    pub type_name: &'static str,
    /// The common noun: "log group".
    pub noun: &'static str,
    /// True if deleting a resource deletes data.
    pub holds_data: HoldsData,
    /// Every operation that is ever sent for the kind: pace, rights and forecast know no other.
    pub operations: &'static [&'static Operation],
    /// Those of them that look for resources of the kind which are no longer declared.
    pub search: &'static [&'static Operation],
    /// Fields that AWS cannot change in place.
    pub replace_on: &'static [&'static str],
    /// The order of a replacement.
    pub replacement: Replacement,
    /// True if names may repeat on AWS, so that two runs at once can create two resources of one declaration.
    pub may_repeat: bool,
    /// True if a resource is found without the outputs of others, although it refers to them.
    pub stands_alone: bool,
    /// True if a resource freezes its container, so that undeclared parts of that have to go first.
    pub is_snapshot: bool,
    /// Types of resources that must be deleted before one of this kind can be, although it may refer to them.
    pub deleted_after: &'static [&'static str],
    /// Fields in which a difference is left over by the engine itself, and no drift.
    pub leftovers: &'static [&'static str],
    /// Fields that carry the declaration's mark where there are no tags: plans do not show them.
    pub marks: &'static [&'static str],
    /// Fields that AWS accepts as text before the resource they name exists: names and computed outputs there order nothing.
    /// References in all other fields do.
    pub by_name: &'static [&'static str],
    /// True if a name is unique in the account and region. For names that are unique within a container, see
    /// [`Resource::validate_among`](super::Resource::validate_among).
    pub has_unique_name: bool,
}

/// True if AWS keeps the only copy of somebody's data in a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldsData {
    /// Deletion needs consent.
    Yes,
    /// A later `up` creates it again as it was.
    No,
}

/// The order of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Names are fixed: the old resource is deleted first.
    DeleteFirst,
    /// The new resource is created beside the old one, which is deleted when nothing uses it any more.
    CreateFirst,
}

/// A change of a resource, as its kind is asked about it.
#[derive(Clone, Copy, Debug)]
pub enum Act<'a> {
    /// Creation.
    Create,
    /// An update of these fields.
    Update(&'a Changes),
    /// Deletion by calls of its own.
    Delete,
}

impl Kind {
    /// A kind with these facts; the others are false or empty.
    pub const fn new(
        type_name: &'static str,
        noun: &'static str,
        holds_data: HoldsData,
        operations: &'static [&'static Operation],
    ) -> Self {
        Self {
            type_name,
            noun,
            holds_data,
            operations,
            search: &[],
            replace_on: &[],
            replacement: Replacement::DeleteFirst,
            may_repeat: false,
            stands_alone: false,
            is_snapshot: false,
            deleted_after: &[],
            leftovers: &[],
            marks: &[],
            by_name: &[],
            has_unique_name: false,
        }
    }
}
