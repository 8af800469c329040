//! Configuration from the environment variables that Lambda provides; no configuration files are read.

use std::path::PathBuf;

use aws_credential_types::Credentials;
use http::Uri;

use crate::failure::Failure;
use crate::log::Level;

/// Configuration of the client.
#[derive(Clone, Debug)]
pub struct Config {
    /// Region.
    pub region: String,
    /// URL of the endpoint.
    pub endpoint: Uri,
    /// Credentials of the function's role.
    pub credentials: Credentials,
    /// PEM file of root certificates, used instead of the built-in ones.
    pub ca_bundle: Option<PathBuf>,
}

impl Config {
    /// Reads the configuration; `variable` returns an environment variable. An empty variable counts as unset.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let region = variable("AWS_REGION")
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .ok_or_else(|| Failure::internal(500, "NoRegionError", "You must specify a region."))?;
        let is_ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let endpoint = variable("AWS_ENDPOINT_URL_DYNAMODB")
            .or_else(|| variable("AWS_ENDPOINT_URL"))
            .filter(|_| !is_ignored)
            .unwrap_or_else(|| format!("https://dynamodb.{region}.{}", domain(&region)));
        let endpoint: Uri = endpoint
            .parse()
            .ok()
            .filter(|uri: &Uri| {
                uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
            })
            .ok_or_else(|| {
                Failure::internal(500, "ValueError", format!("Invalid endpoint: {endpoint}"))
            })?;
        let credentials = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        let (key, secret) = credentials.ok_or_else(|| {
            Failure::internal(500, "NoCredentialsError", "Unable to locate credentials")
        })?;
        Ok(Self {
            credentials: Credentials::new(
                key,
                secret,
                variable("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            ca_bundle: variable("AWS_CA_BUNDLE")
                .or_else(|| variable("SSL_CERT_FILE"))
                .map(PathBuf::from),
            region,
            endpoint,
        })
    }
}

/// Reads `LOG_LEVEL`. An unknown level is the default one, so that a mistake neither stops nor silences the function.
pub fn log_level(variable: impl Fn(&str) -> Option<String>) -> Level {
    variable("LOG_LEVEL")
        .as_deref()
        .and_then(Level::from_name)
        .unwrap_or(Level::Info)
}

/// Returns the DNS suffix of a region's partition.
fn domain(region: &str) -> &'static str {
    const PARTITIONS: &[(&str, &str)] = &[
        ("cn-", "amazonaws.com.cn"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("us-iso-", "c2s.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("eusc-", "amazonaws.eu"),
    ];
    let partition = PARTITIONS
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix));
    partition.map_or("amazonaws.com", |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(variables: &'static [(&str, &str)]) -> String {
        let config = Config::read(|name| {
            let keys = [
                ("AWS_ACCESS_KEY_ID", "key"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
            ];
            let mut all = variables.iter().chain(&keys);
            all.find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        });
        config.expect("it is complete").endpoint.to_string()
    }

    #[test]
    fn the_endpoint_follows_the_region_and_its_partition() {
        assert_eq!(
            endpoint(&[("AWS_REGION", "eu-west-1")]),
            "https://dynamodb.eu-west-1.amazonaws.com/"
        );
        assert_eq!(
            endpoint(&[("AWS_DEFAULT_REGION", "cn-north-1")]),
            "https://dynamodb.cn-north-1.amazonaws.com.cn/"
        );
        assert_eq!(
            endpoint(&[("AWS_REGION", "us-isob-east-1")]),
            "https://dynamodb.us-isob-east-1.sc2s.sgov.gov/"
        );
    }

    #[test]
    fn a_configured_endpoint_wins_unless_ignored() {
        const REGION: (&str, &str) = ("AWS_REGION", "r");
        const ANY: (&str, &str) = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
        const OWN: (&str, &str) = ("AWS_ENDPOINT_URL_DYNAMODB", "https://127.0.0.1:2");
        assert_eq!(endpoint(&[REGION, ANY]), "http://127.0.0.1:1/");
        assert_eq!(endpoint(&[REGION, ANY, OWN]), "https://127.0.0.1:2/");
        assert_eq!(
            endpoint(&[REGION, ANY, ("AWS_ENDPOINT_URL_DYNAMODB", "")]),
            "http://127.0.0.1:1/"
        );
        let ignored = endpoint(&[REGION, OWN, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]);
        assert_eq!(ignored, "https://dynamodb.r.amazonaws.com/");
    }

    #[test]
    fn an_unknown_log_level_is_the_default() {
        let level = |name: &'static str| log_level(|_| Some(name.to_owned()));
        assert_eq!(
            (level("debug"), level("Warning"), level("loud")),
            (Level::Debug, Level::Warn, Level::Info)
        );
        assert_eq!(log_level(|_| None), Level::Info);
    }
}
