//! The environment variables of a function: what Lambda refuses, and what should not be there.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>

use std::collections::BTreeMap;

use provision_engine::input::Input;
use provision_engine::refusals::Refusals;
use provision_engine::warning::Warning;

/// All variables together, in bytes, as JSON.
const LIMIT: usize = 4096;

/// Variables that Lambda sets itself.
const RESERVED: [&str; 17] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
];

/// Parts of names that secrets have.
const SECRET: [&str; 6] = [
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "TOKEN",
    "PRIVATE_KEY",
    "API_KEY",
];

/// Tells what Lambda would refuse.
pub(super) fn validate(environment: &BTreeMap<String, Input<String>>, refusals: &mut Refusals) {
    for name in environment.keys() {
        let is_name = name.len() > 1
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        refusals.ensure(
            is_name,
            format!("`{name}` cannot be an environment variable: it begins with a letter, and has two or more letters, digits and `_`"),
        );
        refusals.ensure(
            !RESERVED.contains(&name.as_str()),
            format!("the environment variable `{name}` is Lambda's own"),
        );
    }
    let texts: BTreeMap<&str, &str> = environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.get().map_or("", String::as_str)))
        .collect();
    let bytes = serde_json::json!(texts).to_string().len();
    let longest = texts.iter().max_by_key(|(_, text)| text.len());
    let longest = longest.map_or("", |(name, _)| *name);
    refusals.ensure(
        bytes <= LIMIT,
        format!("the environment has {bytes} bytes; Lambda takes {LIMIT} (longest: `{longest}`): put what is long into a parameter or a file"),
    );
}

/// Returns a warning for each variable that looks like a secret written into the declaration.
pub(super) fn warnings(environment: &BTreeMap<String, Input<String>>) -> Vec<Warning> {
    let is_secret = |name: &str| {
        let name = name.to_ascii_uppercase();
        SECRET.iter().any(|part| name.contains(part))
    };
    let written = |value: &Input<String>| matches!(value, Input::Known(text) if !text.is_empty());
    environment
        .iter()
        .filter(|(name, value)| is_secret(name) && written(value))
        .map(|(name, _)| {
            Warning::new(
                "secret-in-variable",
                format!(
                    "everybody who may read the function or a plan reads `{name}`: keep it in a `ssm::Parameter`, and its name in the variable"
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, value: &str) -> Option<String> {
        let environment = BTreeMap::from([(name.to_owned(), Input::Known(value.to_owned()))]);
        let mut refusals = Refusals::default();
        validate(&environment, &mut refusals);
        let mut texts = refusals.into_texts();
        assert!(texts.len() < 2, "{texts:?}");
        texts.pop()
    }

    #[test]
    fn what_lambda_refuses_is_told_before_it_is_asked() {
        assert_eq!(refused("TABLE", "orders"), None);
        for name in ["X", "1A", "A-B", "_A", "", "Ä1"] {
            let text = refused(name, "").unwrap_or_default();
            assert!(
                text.contains("cannot be an environment variable"),
                "{name}: {text}"
            );
        }
        assert_eq!(
            refused("AWS_REGION", "eu-west-1").as_deref(),
            Some("the environment variable `AWS_REGION` is Lambda's own")
        );
        assert_eq!(refused("TEXT", &"x".repeat(4085)), None);
        assert_eq!(
            refused("TEXT", &"x".repeat(5000)).as_deref(),
            Some(
                "the environment has 5011 bytes; Lambda takes 4096 (longest: `TEXT`): put what is long into a parameter or a file"
            )
        );
    }

    #[test]
    fn secrets_are_noticed_by_their_names() {
        let environment = BTreeMap::from([
            ("DB_PASSWORD".to_owned(), Input::Known("hunter2".to_owned())),
            ("TOKEN_PARAMETER".to_owned(), Input::mistake("a reference")),
            ("API_KEY".to_owned(), Input::Known(String::new())),
            ("TABLE".to_owned(), Input::Known("orders".to_owned())),
        ]);
        let texts: Vec<String> = warnings(&environment)
            .into_iter()
            .map(|warning| warning.text)
            .collect();
        assert_eq!(texts.len(), 1);
        assert!(texts[0].contains("`DB_PASSWORD`"));
    }
}
