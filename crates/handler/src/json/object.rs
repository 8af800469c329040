//! An object's members, in the order their names were first seen.

use std::collections::hash_map::{Entry, HashMap};
use std::collections::hash_set::HashSet;

use compact_str::CompactString;

use super::Json;

type Member = (CompactString, Json);

/// A list, searched from its start: objects that are asked for a name are small, and a table for each of the hundred
/// thousands that a large event can hold would take more memory than Lambda gives.
#[derive(Clone, Debug, Default)]
pub struct Object(Vec<Member>);

impl Object {
    /// Of duplicate names the first gives the place and the last the value, as in Python.
    pub(super) fn of_read(mut members: Vec<Member>) -> Self {
        if has_duplicates(&members) {
            members = without_duplicates(members);
        }
        members.shrink_to_fit();
        Self(members)
    }

    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(place).1)
    }

    /// The only member, if there is just one.
    pub(crate) fn single(&self) -> Option<(&str, &Json)> {
        match &*self.0 {
            [(name, value)] => Some((name, value)),
            _ => None,
        }
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

/// The order of members is not part of an object's value.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .iter()
                .all(|(name, value)| other.get(name) == Some(value))
    }
}

/// The names must differ.
impl FromIterator<Member> for Object {
    fn from_iter<I: IntoIterator<Item = Member>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}

impl IntoIterator for Object {
    type Item = Member;
    type IntoIter = std::vec::IntoIter<Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

fn has_duplicates(members: &[Member]) -> bool {
    /// Up to here comparing all pairs is quicker than a set.
    const FEW: usize = 16;
    if members.len() > FEW {
        let mut seen = HashSet::with_capacity(members.len());
        return !members.iter().all(|(name, _)| seen.insert(&**name));
    }
    let mut rest = members;
    while let [(name, _), after @ ..] = rest {
        if after.iter().any(|(other, _)| other == name) {
            return true;
        }
        rest = after;
    }
    false
}

fn without_duplicates(members: Vec<Member>) -> Vec<Member> {
    let mut unique: Vec<Member> = Vec::new();
    let mut places = HashMap::<CompactString, usize>::new();
    for (name, value) in members {
        match places.entry(name.clone()) {
            Entry::Occupied(place) => unique[*place.get()].1 = value,
            Entry::Vacant(place) => {
                place.insert(unique.len());
                unique.push((name, value));
            }
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use crate::json::parse;

    #[test]
    fn of_duplicate_names_the_last_value_wins_at_the_first_place() {
        for count in [2, 40] {
            let others: Vec<_> = (0..count).map(|n| format!(", \"{n}\": {n}")).collect();
            let others = others.concat();
            let text = format!("{{\"a\": 1{others}, \"a\": 2, \"b\": 3, \"a\": 4}}");
            assert_eq!(
                parse(&text).expect("it is JSON").to_string(),
                format!("{{\"a\": 4{others}, \"b\": 3}}")
            );
        }
    }
}
