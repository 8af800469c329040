//! Ownership: the tags that name the stack and the declaration of a resource.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::look::Look;

/// The tag with the stack's name.
pub const STACK: &str = "provision:stack";
/// The tag with the id of the declaration within the stack.
pub const ID: &str = "provision:id";
/// The tag with the digest of the declaration that the resource was last made or changed by.
pub const DECLARATION: &str = "provision:declaration";
/// The tag with the region, on global resources only: their names are shared by all regions.
pub const REGION: &str = "provision:region";

/// The tags that a declaration asks for. Other tags of the resource are ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(pub BTreeMap<String, String>);

/// The declaration that a resource is marked with.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The id within the stack.
    pub id: &'a str,
    /// Changes exactly when the declaration does: references count by name, not by value.
    pub digest: &'a str,
}

/// The owner of an existing resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// The stack.
    Ours,
    /// Somebody else: it has a name of ours but not our tags. The text says which tags it has.
    Foreign(String),
}

impl Tags {
    /// The two tags of ownership.
    pub fn of(stack: &str, id: &str) -> Self {
        let mut tags = Self::default();
        tags.0.insert(STACK.to_owned(), stack.to_owned());
        tags.0.insert(ID.to_owned(), id.to_owned());
        tags
    }

    /// Adds a tag.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.0.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds the tags of a mark.
    pub fn mark(&mut self, mark: &Mark<'_>) {
        self.0.extend(Self::of(mark.stack, mark.id).0);
        self.0
            .insert(DECLARATION.to_owned(), mark.digest.to_owned());
    }

    /// Returns true if a resource with the tags `actual` was last made or changed by this very declaration.
    pub fn is_same_declaration(&self, actual: &Self) -> bool {
        self.0.get(DECLARATION) == actual.0.get(DECLARATION)
    }

    /// The stack's name, empty without one.
    pub fn stack(&self) -> &str {
        self.0.get(STACK).map_or("", String::as_str)
    }

    /// The id within the stack, empty without one.
    pub fn id(&self) -> &str {
        self.0.get(ID).map_or("", String::as_str)
    }

    /// Returns the part of `actual` whose keys are declared.
    pub fn declared_part(&self, actual: &BTreeMap<String, String>) -> Self {
        Self(
            actual
                .iter()
                .filter(|(key, _)| self.0.contains_key(*key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }

    /// Returns the owner of a resource with the tags `actual`.
    pub fn ownership(&self, actual: &BTreeMap<String, String>) -> Ownership {
        match actual.get(STACK) {
            Some(stack) if stack != self.stack() => {
                Ownership::Foreign(format!("it belongs to the stack `{stack}`"))
            }
            None => Ownership::Foreign("it carries no tag of ours".to_owned()),
            Some(_) => match (self.0.get(REGION), actual.get(REGION)) {
                (Some(here), Some(there)) if here != there => {
                    Ownership::Foreign(format!("it belongs to the same stack in {there}"))
                }
                _ => Ownership::Ours,
            },
        }
    }

    /// Returns true if `actual` are the tags of this very declaration.
    pub fn marks(&self, actual: Option<&HashMap<String, String>>) -> bool {
        actual.is_some_and(|actual| {
            [STACK, ID]
                .iter()
                .all(|key| actual.get(*key) == self.0.get(*key))
        })
    }

    /// Returns true if `actual` belong to a resource of this stack whose id is not among the declared ones: it was renamed.
    pub fn may_rename(&self, actual: Option<&HashMap<String, String>>, look: &Look) -> bool {
        actual.is_some_and(|actual| {
            let id = actual.get(ID).map(String::as_str);
            actual.get(STACK) == self.0.get(STACK) && id.is_some_and(|id| !look.is_declared(id))
        })
    }

    /// Returns the tags in the form most services take.
    pub fn to_map(&self) -> HashMap<String, String> {
        self.0.clone().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn ownership_follows_the_stack_tag() {
        let ours = Tags::of("lab", "table");
        assert_eq!(
            ours.ownership(&tags(&[(STACK, "lab"), ("team", "x")])),
            Ownership::Ours
        );
        assert!(matches!(
            ours.ownership(&tags(&[(STACK, "other")])),
            Ownership::Foreign(_)
        ));
        assert!(matches!(ours.ownership(&tags(&[])), Ownership::Foreign(_)));
    }

    #[test]
    fn a_global_resource_of_another_region_is_foreign() {
        let mut ours = Tags::of("lab", "role");
        ours.0.insert(REGION.into(), "eu-west-1".into());
        let there = tags(&[(STACK, "lab"), (REGION, "us-east-1")]);
        assert!(
            matches!(ours.ownership(&there), Ownership::Foreign(why) if why.contains("us-east-1"))
        );
    }

    #[test]
    fn tags_of_others_are_not_compared() {
        let ours = Tags::of("lab", "table");
        let actual = tags(&[(STACK, "lab"), (ID, "table"), ("cost-centre", "7")]);
        assert_eq!(ours.declared_part(&actual), ours);
    }
}
