//! Filters of `DescribeParameters` and `GetParametersByPath`. Messages as in moto's `ssm/models.py`, which repeats AWS's.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

use super::parameter::{Parameter, SECURE_STRING, STRING, STRING_LIST, Version};
use super::refusal::invalid;
use super::value;
use crate::answer::Refusal;
use crate::constraints::Constraints;

/// A `ParameterStringFilter`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    #[serde(default)]
    key: String,
    option: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

/// A `ParametersFilter`, the form of former years.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Former {
    #[serde(default)]
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

impl From<Former> for Filter {
    fn from(former: Former) -> Self {
        // AWS: names are found by their beginning here.
        let option = if former.key == "Name" {
            "BeginsWith"
        } else {
            "Equals"
        };
        Self {
            key: former.key,
            option: Some(option.to_owned()),
            values: former.values,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

/// The keys that an operation takes besides tags.
#[derive(Debug)]
pub(super) struct Keys {
    valid: &'static [&'static str],
    takes_tags: bool,
    /// The list in AWS's refusals, which leaves out some of them.
    told: &'static str,
}

pub(super) const DESCRIBE: &Keys = &Keys {
    valid: &["Path", "Name", "Type", "KeyId", "Tier", "DataType"],
    takes_tags: true,
    told: "[Path, Name, Type, KeyId, Tier]",
};

pub(super) const BY_PATH: &Keys = &Keys {
    valid: &["Type", "KeyId", "Label"],
    takes_tags: false,
    told: "[Type, KeyId]",
};

/// The constraints of botocore's model `ssm/2014-11-06`.
pub(super) fn constrain(filters: &[Filter], constraints: &mut Constraints) {
    const KEYS: [&str; 7] = ["Name", "Type", "KeyId", "Path", "Label", "Tier", "DataType"];
    for (filter, at) in filters.iter().zip(1..) {
        let at = |member: &str| format!("parameterFilters.{at}.member.{member}");
        let is_known = KEYS.contains(&filter.key.as_str())
            || filter
                .key
                .strip_prefix("tag:")
                .is_some_and(|key| !key.is_empty());
        constraints.length(&filter.key, &at("key"), 1, 132);
        constraints.pattern(
            &filter.key,
            &at("key"),
            "tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType",
            is_known,
        );
        if let Some(option) = &filter.option {
            constraints.length(option, &at("option"), 1, 10);
        }
        constraints.count(&filter.values, &at("values"), 0, 50);
        for value in &filter.values {
            constraints.length(value, &at("values"), 1, 1024);
        }
    }
}

pub(super) fn check(filters: &[Filter], keys: &Keys) -> Result<(), Refusal> {
    let Keys {
        valid,
        takes_tags,
        told,
    } = *keys;
    let mut seen = BTreeSet::new();
    for filter in filters {
        let key = filter.key.as_str();
        let is_tag = key.starts_with("tag:");
        if !(valid.contains(&key) || is_tag && takes_tags) {
            return Err(bad_key(format!(
                "The following filter key is not valid: {key}. Valid filter keys include: {told}."
            )));
        }
        if !is_tag && filter.values.is_empty() {
            let message =
                format!("The following filter values are missing : null for filter key {key}.");
            return Err(Refusal::new(400, "InvalidFilterValue", message));
        }
        if !seen.insert(key) {
            return Err(bad_key(format!(
                "The following filter is duplicated in the request: {key}. A request can contain only one occurrence of a \
                 specific filter."
            )));
        }
        let options: &[&str] = match key {
            "Path" => &["Recursive", "OneLevel"],
            "Name" => &["BeginsWith", "Equals", "Contains"],
            _ => &["BeginsWith", "Equals"],
        };
        if let Some(option) = filter.option.as_deref()
            && !options.contains(&option)
        {
            return Err(bad_option(format!(
                "The following filter option is not valid: {option}. Valid options include: [{}].",
                // AWS's list is without `Contains`.
                options[..2].join(", ")
            )));
        }
        check_values(filter)?;
    }
    Ok(())
}

fn check_values(filter: &Filter) -> Result<(), Refusal> {
    let valid: &[&str] = match filter.key.as_str() {
        "Path" => return filter.values.iter().try_for_each(|path| check_path(path)),
        "Tier" => &[value::STANDARD, value::ADVANCED, value::INTELLIGENT],
        "Type" => &[STRING, STRING_LIST, SECURE_STRING],
        _ => return Ok(()),
    };
    match filter
        .values
        .iter()
        .find(|value| !valid.contains(&value.as_str()))
    {
        Some(value) => Err(bad_option(format!(
            "The following filter value is not valid: {value}. Valid values include: [{}].",
            valid.join(", ")
        ))),
        None => Ok(()),
    }
}

pub(super) fn check_path(path: &str) -> Result<(), Refusal> {
    let lower = path.to_ascii_lowercase();
    if lower.starts_with("/aws") || lower.starts_with("/ssm") {
        return Err(invalid(
            "Filters for common parameters can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). When using global \
             parameters, please specify within a global namespace.",
        ));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    if path.starts_with('/') && !path.contains("//") && path.chars().all(fits) {
        return Ok(());
    }
    Err(invalid(
        "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \
         \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the \
         following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if \
         specified, must use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.",
    ))
}

fn bad_key(message: String) -> Refusal {
    Refusal::new(400, "InvalidFilterKey", message)
}

fn bad_option(message: String) -> Refusal {
    Refusal::new(400, "InvalidFilterOption", message)
}

fn rooted(name: &str) -> String {
    format!("/{}", name.trim_start_matches('/'))
}

/// Returns true if a parameter is in the hierarchy `path`: directly, or at any depth.
pub(super) fn is_below(name: &str, path: &str, is_recursive: bool) -> bool {
    let folder = format!("{}/", path.trim_end_matches('/'));
    rooted(name)
        .strip_prefix(&folder)
        .is_some_and(|rest| is_recursive || !rest.contains('/'))
}

impl Filter {
    pub(super) fn fits(&self, parameter: &Parameter, version: &Version) -> bool {
        let is_recursive = self.option.as_deref() == Some("Recursive");
        match self.key.as_str() {
            "Path" => self
                .values
                .iter()
                .any(|path| is_below(&parameter.name, path, is_recursive)),
            "Name" => self.fits_name(&parameter.name),
            "Type" => self.fits_text(&version.kind),
            "Tier" => self.fits_text(&version.tier),
            "DataType" => self.fits_text(&version.data_type),
            "KeyId" => version
                .key_id
                .as_ref()
                .is_some_and(|key| self.fits_text(key)),
            "Label" => version.labels.iter().any(|label| self.fits_text(label)),
            key => key
                .strip_prefix("tag:")
                .and_then(|key| parameter.tags.get(key))
                .is_some_and(|value| self.values.is_empty() || self.fits_text(value)),
        }
    }

    /// One slash at the beginning makes no difference, except to what a name contains.
    fn fits_name(&self, name: &str) -> bool {
        let rooted_name = rooted(name);
        self.values
            .iter()
            .any(|value| match self.option.as_deref() {
                Some("Contains") => rooted_name.contains(value.as_str()),
                Some("BeginsWith") => rooted_name.starts_with(&rooted(value)),
                _ => rooted_name == rooted(value),
            })
    }

    fn fits_text(&self, text: &str) -> bool {
        self.values
            .iter()
            .any(|value| match self.option.as_deref() {
                Some("BeginsWith") => text.starts_with(value.as_str()),
                _ => text == value,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hierarchy_has_levels() {
        assert!(is_below("/a/b", "/a", false));
        assert!(is_below("/a/b", "/a/", false));
        assert!(!is_below("/a/b/c", "/a", false));
        assert!(is_below("/a/b/c", "/a", true));
        assert!(!is_below("/ab/c", "/a", true));
        assert!(is_below("x", "/", false));
        assert!(!is_below("/a/b", "/", false));
    }
}
