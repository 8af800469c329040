//! AWS's limits on names and tags.

use std::ops::RangeInclusive;

use anyhow::{Result, bail, ensure};

use crate::owner::Tags;

/// Returns an error if `name` has another length, or characters other than ASCII letters, digits and `others`. `what` names
/// it: "a role's name".
pub fn check_name(
    what: &str,
    name: &str,
    length: RangeInclusive<usize>,
    others: &str,
) -> Result<()> {
    if !length.contains(&name.chars().count()) {
        bail!(
            "{what} has {} to {} characters: `{name}`",
            length.start(),
            length.end()
        );
    }
    let odd = name
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !others.contains(*c));
    if let Some(odd) = odd {
        bail!("{what} cannot contain `{odd}`: `{name}`");
    }
    Ok(())
}

/// Returns an error if a key or value has characters that some service refuses in tags, or is too long.
pub fn check_tags(tags: &Tags) -> Result<()> {
    for (key, value) in &tags.0 {
        for (text, limit) in [(key, 128), (value, 256)] {
            let is_plain = text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-=._:/".contains(c));
            ensure!(
                text.len() <= limit && is_plain,
                "`{text}` cannot be part of a tag on all services"
            );
        }
    }
    Ok(())
}
