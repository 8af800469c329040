//! The tags that say which stack and declaration a resource belongs to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub const STACK: &str = "provision:stack";
pub const ID: &str = "provision:id";
/// What the declaration said when the resource was last made or changed by it.
pub const DECLARATION: &str = "provision:declaration";
/// On global resources only: their names are shared by all regions.
pub const REGION: &str = "provision:region";

/// The tags a declaration asks for. Others that the resource may carry are not ours to judge.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(pub BTreeMap<String, String>);

/// Which declaration a resource belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    pub stack: &'a str,
    pub id: &'a str,
    /// Changes when what is declared does, and only then: references count by name, not by value.
    pub digest: &'a str,
}

/// Whose an existing resource is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    Ours,
    /// It bears a name of ours but not our tags; the text says what it bears instead.
    Foreign(String),
}

impl Tags {
    pub fn of(stack: &str, id: &str) -> Self {
        let mut tags = Self::default();
        tags.0.insert(STACK.to_owned(), stack.to_owned());
        tags.0.insert(ID.to_owned(), id.to_owned());
        tags
    }

    /// A tag beside those of ownership.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.0.insert(key.to_owned(), value.to_owned());
        self
    }

    pub fn mark(&mut self, mark: &Mark<'_>) {
        self.0.extend(Self::of(mark.stack, mark.id).0);
        self.0
            .insert(DECLARATION.to_owned(), mark.digest.to_owned());
    }

    /// Whether a resource with the tags `actual` was last made or changed by this very declaration.
    pub fn declare_alike(&self, actual: &Self) -> bool {
        self.0.get(DECLARATION) == actual.0.get(DECLARATION)
    }

    pub fn stack(&self) -> &str {
        self.0.get(STACK).map_or("", String::as_str)
    }

    pub fn id(&self) -> &str {
        self.0.get(ID).map_or("", String::as_str)
    }

    /// The part of `actual` that this declaration speaks of.
    pub fn declared_part(&self, actual: &BTreeMap<String, String>) -> Self {
        Self(
            actual
                .iter()
                .filter(|(key, _)| self.0.contains_key(*key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }

    /// Whether a resource that carries `actual` belongs to this declaration's stack.
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

    /// Whether `actual` marks the very resource that this declaration speaks of.
    pub fn marks(&self, actual: Option<&std::collections::HashMap<String, String>>) -> bool {
        actual.is_some_and(|actual| {
            [STACK, ID]
                .iter()
                .all(|key| actual.get(*key) == self.0.get(*key))
        })
    }

    /// The form most services take.
    pub fn to_map(&self) -> std::collections::HashMap<String, String> {
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
