//! Labels for the ids that differ between runs.

use std::collections::BTreeMap;

/// Labels by id.
#[derive(Default)]
pub(super) struct Ids(pub(super) BTreeMap<String, String>);

impl Ids {
    /// Gives `id` a label; a second resource with the same label gets a number.
    pub(super) fn label(&mut self, id: &str, label: &str) {
        if id.is_empty() {
            return;
        }
        let taken =
            |ids: &BTreeMap<String, String>, label: &str| ids.values().any(|known| known == label);
        let mut name = format!("{{{label}}}");
        let mut number = 1;
        while taken(&self.0, &name) {
            number += 1;
            name = format!("{{{label} {number}}}");
        }
        self.0.insert(id.to_owned(), name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_resource_with_the_same_name_is_numbered() {
        let mut ids = Ids::default();
        ids.label("1", "key k");
        ids.label("2", "key k");
        assert_eq!(ids.0["2"], "{key k 2}");
    }
}
