//! Objects, with their members in the order of their names' first occurrence.

use std::collections::hash_map::{Entry, HashMap};
use std::collections::hash_set::HashSet;

use compact_str::CompactString;

use super::Json;

type Member = (CompactString, Json);

/// An object, as a list of its members. Lookups are linear, because the objects with lookups are small, and a hash table for
/// each of the hundred thousands of objects in a large event would take more memory than Lambda provides.
#[derive(Clone, Debug, Default)]
pub struct Object(Vec<Member>);

impl Object {
    /// Creates an object from parsed members. A duplicate name has the position of its first occurrence and the value of its
    /// last one, as in Python.
    pub(super) fn from_parsed(mut members: Vec<Member>) -> Self {
        if has_duplicates(&members) {
            members = without_duplicates(members);
        }
        members.shrink_to_fit();
        Self(members)
    }

    /// Returns a member by name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// Returns true if there is a member of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Removes a member and returns it.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(place).1)
    }

    /// Iterates over the names.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// Iterates over names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

/// Ignores the order of members.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .iter()
                .all(|(name, value)| other.get(name) == Some(value))
    }
}

/// Requires distinct names.
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
    /// Number of members up to which comparing all pairs is faster than a set.
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
    fn a_duplicate_name_has_its_last_value_at_its_first_position() {
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
