//! Names of parameters (AWS: "Requirements and constraints for parameter names"), and references to a parameter by name,
//! ARN, version and label.

use super::refusal::{invalid, not_found};
use crate::answer::Refusal;
use crate::place::Place;

const LONGEST_ARN: usize = 1011;
const MOST_LEVELS: usize = 15;

/// The key under which a parameter is kept. `/x` and `x` name the same parameter.
pub(super) fn key(name: &str) -> &str {
    match name.strip_prefix('/') {
        Some(rest) if !rest.contains('/') => rest,
        _ => name,
    }
}

/// The ARN of a parameter; a leading slash of the name is not doubled.
pub(super) fn arn(place: &Place, name: &str) -> String {
    let name = name.strip_prefix('/').unwrap_or(name);
    place.arn("ssm", &format!("parameter/{name}"))
}

/// The ARN of the parameter that a request names in whatever form, without version and label.
pub(crate) fn arn_of_text(place: &Place, text: &str) -> String {
    if let Some(resource) = text.strip_prefix("arn:") {
        let mut parts = resource.splitn(6, ':');
        let arn: Vec<&str> = parts.by_ref().take(5).collect();
        return format!("arn:{}", arn.join(":"));
    }
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    arn(place, name.trim())
}

/// Returns the name of a parameter to be created or changed, without surrounding spaces.
pub(super) fn checked<'a>(place: &Place, name: &'a str) -> Result<&'a str, Refusal> {
    let name = name.trim();
    let bare = name.strip_prefix('/').unwrap_or(name);
    if starts_with(bare, "aws") {
        let message = format!("No access to reserved parameter name: {name}.");
        return Err(Refusal::new(400, "AccessDeniedException", message));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(invalid("Parameter name must be a fully qualified name."));
    }
    check_form(name)?;
    if name.starts_with('/') && bare.split('/').count() > MOST_LEVELS {
        return Err(Refusal::new(
            400,
            "HierarchyLevelLimitExceededException",
            "A hierarchy can have a maximum of 15 levels. For more information, see Requirements and constraints for \
             parameter names in the AWS Systems Manager User Guide.",
        ));
    }
    if arn(place, name).len() > LONGEST_ARN {
        return Err(invalid(format!(
            "Parameter name: the parameter's ARN can have at most {LONGEST_ARN} characters."
        )));
    }
    Ok(name)
}

fn check_form(name: &str) -> Result<(), Refusal> {
    let bare = name.strip_prefix('/').unwrap_or(name);
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    };
    let is_qualified = name.starts_with('/') || !name.contains('/');
    if is_qualified && !starts_with(bare, "ssm") && bare.split('/').all(is_part) {
        return Ok(());
    }
    Err(invalid(
        "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of \
         sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 \
         symbols .-_",
    ))
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// A reading request's reference to a parameter.
#[derive(Debug, PartialEq)]
pub(super) struct Reference {
    pub(super) key: String,
    /// The name in the form that the request gave it, which is the form AWS answers with; `None` for an ARN.
    pub(super) name: Option<String>,
    pub(super) selector: Option<Selector>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Selector {
    Version(u64),
    Label(String),
}

impl Reference {
    /// Reads `name`, `name:version`, `name:label`, or the same with an ARN in the place of the name.
    pub(super) fn parse(place: &Place, text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let (named, is_arn) = if text.starts_with("arn:") {
            let own = place.arn("ssm", "parameter");
            // Parameters shared by other accounts are not here.
            let path = text.strip_prefix(&own).ok_or_else(not_found)?;
            (path, true)
        } else {
            (text, false)
        };
        let (name, selector) = match named.split_once(':') {
            Some((name, selector)) => (name, Some(Selector::parse(selector)?)),
            None => (named, None),
        };
        check_form(name)?;
        Ok(Self {
            key: key(name).to_owned(),
            name: (!is_arn).then(|| name.to_owned()),
            selector,
        })
    }
}

impl Selector {
    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.is_empty() || text.contains(':') {
            return Err(not_found());
        }
        Ok(match text.parse() {
            Ok(version) => Self::Version(version),
            Err(_) => Self::Label(text.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            account: "000000000000".into(),
            region: "eu-west-1".into(),
        }
    }

    #[test]
    fn one_slash_makes_no_difference() {
        assert_eq!(key("/x"), key("x"));
        assert_eq!(key("/a/b"), "/a/b");
        let arn_of = |name| arn(&place(), name);
        assert_eq!(arn_of("/x"), arn_of("x"));
        assert_eq!(
            arn_of("/a/b"),
            "arn:aws:ssm:eu-west-1:000000000000:parameter/a/b"
        );
    }

    #[test]
    fn names_have_a_form() {
        let code = |name: &'static str| checked(&place(), name).map_err(|refusal| refusal.code);
        assert_eq!(code(" x "), Ok("x"));
        assert_eq!(code("/a/B_2/c.d-e"), Ok("/a/B_2/c.d-e"));
        for name in [
            "a/b", "/a//b", "/a/", "/", "SSM-x", "/ssm/x", "x y", "x:1", "ü",
        ] {
            assert_eq!(code(name), Err("ValidationException".to_owned()), "{name}");
        }
        for name in ["awsx", "/AWS/x"] {
            assert_eq!(
                code(name),
                Err("AccessDeniedException".to_owned()),
                "{name}"
            );
        }
        assert!(checked(&place(), &"/a".repeat(15)).is_ok());
        let deep = checked(&place(), &"/a".repeat(16)).expect_err("16 levels");
        assert_eq!(deep.code, "HierarchyLevelLimitExceededException");
    }

    #[test]
    fn references_are_names_or_arns_with_a_selector() {
        let parse = |text| Reference::parse(&place(), text);
        assert_eq!(
            parse("/a/b:3"),
            Ok(Reference {
                key: "/a/b".to_owned(),
                name: Some("/a/b".to_owned()),
                selector: Some(Selector::Version(3)),
            })
        );
        assert_eq!(
            parse("arn:aws:ssm:eu-west-1:000000000000:parameter/x:live"),
            Ok(Reference {
                key: "x".to_owned(),
                name: None,
                selector: Some(Selector::Label("live".to_owned())),
            })
        );
        let elsewhere = parse("arn:aws:ssm:eu-west-1:000000000001:parameter/x");
        assert_eq!(elsewhere, Err(not_found()));
    }

    #[test]
    fn rights_are_about_the_parameter_itself() {
        let arn = "arn:aws:ssm:eu-west-1:000000000000:parameter/a/b";
        for text in ["/a/b", "/a/b:3", arn, &format!("{arn}:live")] {
            assert_eq!(arn_of_text(&place(), text), arn, "{text}");
        }
    }
}
