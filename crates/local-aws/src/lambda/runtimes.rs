//! Lambda's runtimes, by their identifiers.

use super::refusals::invalid;
use crate::answer::Refusal;

/// In the order in which Lambda lists them to a caller with another one (localstack, `test_create_lambda_exceptions`,
/// 12-01-2026).
const LISTED: [&str; 25] = [
    "nodejs20.x",
    "python3.14",
    "provided.al2023",
    "python3.12",
    "python3.13",
    "nodejs24.x",
    "nodejs22.x",
    "java25",
    "python3.10",
    "python3.11",
    "java21",
    "ruby3.3",
    "ruby3.4",
    "ruby3.2",
    "python3.8",
    "python3.9",
    "java17",
    "nodejs16.x",
    "dotnet10",
    "dotnet8",
    "java11",
    "dotnet6",
    "nodejs18.x",
    "provided.al2",
    "java8.al2",
];

/// In AWS's API model since.
const LATER: [&str; 6] = [
    "ruby4.0",
    "nodejs26.x",
    "python3.15",
    "java8.al2023",
    "java11.al2023",
    "java17.al2023",
];

/// No function is created with them any more (localstack, `test_create_deprecated_function_runtime_with_validation_enabled`).
const DEPRECATED: [&str; 19] = [
    "nodejs",
    "nodejs4.3",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "java8",
    "python2.7",
    "python3.6",
    "python3.7",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "go1.x",
    "ruby2.5",
    "ruby2.7",
    "provided",
];

/// What `ListLayers` says that a runtime can be (localstack, `test_layer_exceptions`, 12-01-2026).
const OF_LAYERS: &str = "ruby3.5, ruby2.6, dotnetcore1.0, python3.7, nodejs8.10, nasa, ruby2.7, python2.7-greengrass, \
    dotnetcore2.0, python3.8, java21, dotnet6, dotnetcore2.1, python3.9, java11, nodejs6.10, provided, dotnetcore3.1, \
    dotnet8, java25, java17, nodejs, nodejs4.3, java8.al2, go1.x, dotnet10, nodejs20.x, go1.9, byol, nodejs10.x, \
    provided.al2023, nodejs22.x, python3.10, java8, nodejs12.x, python3.11, nodejs24.x, nodejs8.x, python3.12, \
    nodejs14.x, nodejs8.9, nodejs26.x, python3.13, python3.14, nodejs16.x, python3.15, provided.al2, nodejs4.3-edge, \
    nodejs18.x, ruby3.2, python3.4, ruby3.3, ruby3.4, ruby2.5, python3.6, python2.7";

fn is_current(runtime: &str) -> bool {
    LISTED.contains(&runtime) || LATER.contains(&runtime)
}

/// Returns true for what a layer can be said to be compatible with: deprecated runtimes too.
pub(super) fn is_known(runtime: &str) -> bool {
    is_current(runtime) || DEPRECATED.contains(&runtime)
}

/// The runtimes in the text of refusals.
pub(super) fn listed() -> String {
    LISTED.join(", ")
}

/// Returns the refusal's text of the runtimes that layers are listed by, unless `runtime` is one.
pub(super) fn unknown_to_layers(runtime: &str) -> Option<&'static str> {
    let is_one = is_current(runtime) || OF_LAYERS.split(", ").any(|known| known == runtime);
    (!is_one).then_some(OF_LAYERS)
}

/// Refuses a runtime that no function can have.
pub(super) fn check(runtime: &str) -> Result<(), Refusal> {
    if is_current(runtime) {
        return Ok(());
    }
    Err(invalid(if DEPRECATED.contains(&runtime) {
        format!(
            "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. We \
             recommend you use a supported runtime while creating or updating functions."
        )
    } else {
        format!(
            "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be a \
             valid ARN",
            listed()
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_are_current_deprecated_or_none() {
        assert_eq!(check("provided.al2023"), Ok(()));
        assert_eq!(check("ruby4.0"), Ok(()));
        let text = |runtime: &str| check(runtime).expect_err("no runtime").message;
        assert!(text("provided").starts_with("The runtime parameter of provided is no longer"));
        assert!(text("PYTHON3.9").ends_with("java8.al2] or be a valid ARN"));
        assert!(is_known("nodejs14.x") && !is_known("cobol"));
    }
}
