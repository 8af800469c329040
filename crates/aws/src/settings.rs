//! Optional settings of a resource, which go when they are no longer declared, while those that others have made stay.
//!
//! A tag names the settings that the stack has made. AWS tells of some settings only when asked, and the rights to ask belong to
//! declarations that have them; by the tag, a declaration without them costs no call and no right.

use std::collections::BTreeMap;

use provision_engine::diff::Changes;
use provision_engine::owner::Tags;

/// The tag with the names of the fields that the stack has set, joined by `+`, which tags may contain on all services.
pub(crate) const SETTINGS: &str = "provision:settings";

/// Adds the tag to the tags of a resource that declares one of `settings`: names of fields, and whether they are declared.
pub(crate) fn mark(tags: &mut Tags, settings: &[(&str, bool)]) {
    let declared = settings.iter().filter(|(_, is_declared)| *is_declared);
    let names: Vec<&str> = declared.map(|(name, _)| *name).collect();
    if !names.is_empty() {
        tags.0.insert(SETTINGS.to_owned(), names.join("+"));
    }
}

/// Returns true if the stack has made the setting on a resource with the tags `actual`.
pub(crate) fn is_made(actual: &BTreeMap<String, String>, setting: &str) -> bool {
    let names = actual.get(SETTINGS).map_or("", String::as_str);
    names.split('+').any(|name| name == setting)
}

/// Returns the part of `actual` whose keys are declared, and the tag of settings, declared or not.
pub(crate) fn tags(declared: &Tags, actual: &BTreeMap<String, String>) -> Tags {
    let mut tags = declared.declared_part(actual);
    if let Some(names) = actual.get(SETTINGS) {
        tags.0.insert(SETTINGS.to_owned(), names.clone());
    }
    tags
}

/// Returns true if no setting is declared any more, so that the tag has to go.
pub(crate) fn are_over(changes: &Changes) -> bool {
    let field = format!("tags.{SETTINGS}");
    let mut changes = changes.0.iter();
    changes.any(|change| change.field == field && change.to.is_null())
}

#[cfg(test)]
mod tests {
    use provision_engine::diff::diff;
    use serde_json::json;

    use super::*;

    fn marked(settings: &[(&str, bool)]) -> Tags {
        let mut tags = Tags::default();
        mark(&mut tags, settings);
        tags
    }

    #[test]
    fn a_resource_without_settings_gets_no_tag() {
        assert_eq!(marked(&[("ttl", false)]), Tags::default());
    }

    #[test]
    fn the_tag_names_what_is_declared() {
        let tags = marked(&[("ttl", true), ("recovery", false), ("boundary", true)]).0;
        assert!(is_made(&tags, "ttl") && is_made(&tags, "boundary"));
        assert!(!is_made(&tags, "recovery") && !is_made(&tags, "tt"));
    }

    #[test]
    fn a_tag_that_is_no_longer_declared_is_seen() {
        let found = tags(&Tags::default(), &marked(&[("ttl", true)]).0);
        let over = diff(&json!({ "tags": found }), &json!({ "tags": {} }), &[]);
        assert!(are_over(&over));
        let fewer = diff(
            &json!({ "tags": marked(&[("ttl", true), ("recovery", true)]) }),
            &json!({ "tags": marked(&[("ttl", true)]) }),
            &[],
        );
        assert!(!fewer.is_empty() && !are_over(&fewer));
    }
}
