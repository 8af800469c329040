//! Custom endpoints in the environment, checked before the first call.

use anyhow::{Result, ensure};
use url::Url;

use provision_engine::fault::Code;

/// Returns an error if a variable of the SDK (`AWS_ENDPOINT_URL` for all services, `AWS_ENDPOINT_URL_LAMBDA` for one) is not a
/// valid endpoint URL. An empty value counts as absent, as for the SDK.
pub(super) fn check(variables: impl Iterator<Item = (String, String)>) -> Result<()> {
    let mut given: Vec<_> = variables
        .filter(|(name, value)| name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty())
        .collect();
    given.sort();
    for (name, value) in given {
        ensure!(
            is_server(&value),
            Code::Endpoint
                .fault(format!("`{name}={value}` is not a valid endpoint URL"))
                .remedy(format!(
                    "`{name}=http://127.0.0.1:4566`, or unset it to use AWS itself"
                ))
        );
    }
    Ok(())
}

fn is_server(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str, value: &str) -> Result<()> {
        check([(name.to_owned(), value.to_owned())].into_iter())
    }

    #[test]
    fn what_is_no_server_is_refused_by_its_variables_name() {
        for value in ["nonsense", "localhost:4566", "ftp://host", "http://", "/x"] {
            let error = checked("AWS_ENDPOINT_URL_LAMBDA", value).expect_err(value);
            assert_eq!(Code::of(&error), Code::Endpoint);
            assert!(error.to_string().contains("AWS_ENDPOINT_URL_LAMBDA"));
        }
    }

    #[test]
    fn servers_and_nothing_are_taken() {
        for value in ["http://127.0.0.1:4566", "https://aws.example/base", ""] {
            checked("AWS_ENDPOINT_URL", value).expect(value);
        }
        checked("AWS_REGION", "nonsense").expect("another variable");
    }
}
