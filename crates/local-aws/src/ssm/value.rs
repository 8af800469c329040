//! Constraints on a parameter's value: its size by tier, its pattern, and its type.

use regex_lite::Regex;

use super::refusal::invalid;
use crate::answer::Refusal;

pub(super) const STANDARD: &str = "Standard";
pub(super) const ADVANCED: &str = "Advanced";
pub(super) const INTELLIGENT: &str = "Intelligent-Tiering";

/// AWS: "Managing parameter tiers".
const STANDARD_SIZE: usize = 4096;
const ADVANCED_SIZE: usize = 8192;

/// Returns the tier of a new version, which is never Intelligent-Tiering: AWS decides between the others then.
pub(super) fn tier(
    asked: Option<&str>,
    before: Option<&str>,
    value: &str,
) -> Result<&'static str, Refusal> {
    let size = value.chars().count();
    let was_advanced = before == Some(ADVANCED);
    let tier = match asked {
        Some(ADVANCED) => ADVANCED,
        Some(INTELLIGENT) if was_advanced || size > STANDARD_SIZE => ADVANCED,
        None if was_advanced => ADVANCED,
        Some(STANDARD) if was_advanced => {
            return Err(invalid(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the \
                 advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced \
                 parameter and recreate it as a standard parameter.",
            ));
        }
        _ => STANDARD,
    };
    if tier == STANDARD && size > STANDARD_SIZE {
        return Err(invalid(format!(
            "Standard tier parameters support a maximum parameter value of {STANDARD_SIZE} characters. To create a larger \
             parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see \
             https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
        )));
    }
    if size > ADVANCED_SIZE {
        return Err(invalid(format!(
            "Advanced tier parameters support a maximum parameter value of {ADVANCED_SIZE} characters."
        )));
    }
    Ok(tier)
}

/// Refuses a value that the parameter's pattern does not allow. Patterns that only Java knows, such as look-around, are
/// refused as invalid.
pub(super) fn check_pattern(pattern: &str, value: &str) -> Result<(), Refusal> {
    let Ok(regex) = Regex::new(pattern) else {
        let message = format!("The regular expression is not valid: {pattern}");
        return Err(Refusal::new(400, "InvalidAllowedPatternException", message));
    };
    if regex.is_match(value) {
        return Ok(());
    }
    let message = format!("Parameter value, cannot be validated against allowedPattern: {pattern}");
    Err(Refusal::new(
        400,
        "ParameterPatternMismatchException",
        message,
    ))
}

/// AWS: `PutParameter`, "You can't include values wrapped in double brackets".
pub(super) fn check_nesting(value: &str) -> Result<(), Refusal> {
    let is_nested = value
        .split_once("{{")
        .is_some_and(|(_, rest)| rest.contains("}}"));
    if is_nested {
        return Err(invalid(
            "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.",
        ));
    }
    Ok(())
}

pub(super) fn check_data_type(data_type: &str) -> Result<(), Refusal> {
    match data_type {
        "text" => Ok(()),
        "aws:ec2:image" | "aws:ssm:integration" => Err(Refusal::new(
            400,
            "UnsupportedParameterType",
            format!("The local AWS does not support parameters of data type {data_type}"),
        )),
        other => Err(invalid(format!(
            "The following data type is not supported: {other} (Data type names are all lowercase.)"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_follows_from_request_parameter_and_size() {
        let large = "x".repeat(4097);
        assert_eq!(tier(None, None, "x"), Ok(STANDARD));
        assert!(tier(None, None, &large).is_err());
        assert_eq!(tier(Some(ADVANCED), None, &large), Ok(ADVANCED));
        assert_eq!(tier(Some(INTELLIGENT), None, "x"), Ok(STANDARD));
        assert_eq!(tier(Some(INTELLIGENT), None, &large), Ok(ADVANCED));
        assert_eq!(tier(None, Some(ADVANCED), "x"), Ok(ADVANCED));
        assert!(tier(Some(STANDARD), Some(ADVANCED), "x").is_err());
        assert!(tier(Some(ADVANCED), None, &"x".repeat(8193)).is_err());
    }

    #[test]
    fn values_keep_to_their_pattern() {
        assert_eq!(check_pattern(r"^\d+$", "12"), Ok(()));
        let code = |pattern| check_pattern(pattern, "x").map_err(|refusal| refusal.code);
        assert_eq!(
            code(r"^\d+$"),
            Err("ParameterPatternMismatchException".to_owned())
        );
        assert_eq!(code("("), Err("InvalidAllowedPatternException".to_owned()));
        assert!(check_nesting("{{ssm:x}}").is_err());
        assert!(check_nesting("}} {{").is_ok());
    }
}
