//! What of a stage can be patched, its settings for single methods among it.

use serde::{Deserialize, Serialize};

use super::patch::{
    ADD_REMOVE_REPLACE, Kind, Op, Operation, REPLACE, Rule, Wording, decoded, rule,
};
use super::refusal::{bad_request, unsupported};
use super::stage::Stage;
use crate::answer::Refusal;

/// AWS's defaults as soon as one is set (recorded by localstack, `test_create_update_stages`).
#[expect(
    clippy::struct_excessive_bools,
    reason = "the members are those of the model"
)]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MethodSetting {
    metrics_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logging_level: Option<String>,
    pub(super) data_trace_enabled: bool,
    pub(super) throttling_burst_limit: i64,
    pub(super) throttling_rate_limit: f64,
    pub(super) caching_enabled: bool,
    pub(super) cache_ttl_in_seconds: i64,
    cache_data_encrypted: bool,
    pub(super) require_authorization_for_cache_control: bool,
    pub(super) unauthorized_cache_control_header_strategy: String,
}

impl Default for MethodSetting {
    fn default() -> Self {
        Self {
            metrics_enabled: false,
            logging_level: None,
            data_trace_enabled: false,
            throttling_burst_limit: 5_000,
            throttling_rate_limit: 10_000.0,
            caching_enabled: false,
            cache_ttl_in_seconds: 300,
            cache_data_encrypted: false,
            require_authorization_for_cache_control: true,
            unauthorized_cache_control_header_strategy: "SUCCEED_WITH_RESPONSE_HEADER".to_owned(),
        }
    }
}

const RULES: &[Rule] = &[
    rule("/description", REPLACE, Kind::Text),
    rule("/clientCertificateId", REPLACE, Kind::Text),
    rule("/documentationVersion", REPLACE, Kind::Text),
    rule("/accessLogSettings", &[Op::Remove], Kind::Text),
    rule("/accessLogSettings/destinationArn", ADD_REPLACE, Kind::Text),
    rule("/accessLogSettings/format", ADD_REPLACE, Kind::Text),
    rule("/tracingEnabled", REPLACE, Kind::Flag),
    rule("/variables/{}", ADD_REMOVE_REPLACE, Kind::Text),
];

const ADD_REPLACE: &[Op] = &[Op::Add, Op::Replace];

/// AWS's own text, its missing commas included.
const PATHS: &str = "/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, \
    /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, \
    /{resourcePath}/{httpMethod}/metrics/enabled, /{resourcePath}/{httpMethod}/logging/dataTrace, \
    /{resourcePath}/{httpMethod}/logging/loglevel, \
    /{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit/{resourcePath}/\
    {httpMethod}/caching/ttlInSeconds, /{resourcePath}/{httpMethod}/caching/enabled, \
    /{resourcePath}/{httpMethod}/caching/dataEncrypted, \
    /{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, \
    /{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, \
    /*/*/logging/dataTrace, /*/*/logging/loglevel, /*/*/throttling/burstLimit /*/*/throttling/rateLimit \
    /*/*/caching/ttlInSeconds, /*/*/caching/enabled, /*/*/caching/dataEncrypted, \
    /*/*/caching/requireAuthorizationForCacheControl, /*/*/caching/unauthorizedCacheControlHeaderStrategy, \
    /variables/{variable_name}, /tracingEnabled";

pub(super) fn apply(stage: &mut Stage, operation: &Operation) -> Result<(), Refusal> {
    if operation.op == Op::Copy {
        return Err(no_promotion(operation));
    }
    match operation.parts().as_slice() {
        ["canarySettings", rest @ ..] => Err(canary(operation, rest)),
        ["accessLogSettings", rest @ ..] => access_log(stage, operation, rest),
        ["cacheClusterEnabled"] => {
            operation.only(REPLACE)?;
            let size = stage.cache_cluster_size.take();
            stage.set_cache(operation.flag(), size);
            Ok(())
        }
        ["cacheClusterSize"] => {
            operation.only(REPLACE)?;
            stage.set_cache(stage.cache_cluster_enabled, operation.value.clone());
            Ok(())
        }
        ["description" | "clientCertificateId" | "documentationVersion" | "tracingEnabled"]
        | ["variables", _] => operation.apply(stage, RULES, Wording::Plain),
        _ => method_setting(stage, operation),
    }
}

/// Recorded by localstack, `test_stage_access_log_settings_validation`: removal of a part is taken for one of a method setting.
fn access_log(stage: &mut Stage, operation: &Operation, rest: &[&str]) -> Result<(), Refusal> {
    match (operation.op, rest) {
        (Op::Remove, []) => operation.apply(stage, RULES, Wording::Plain),
        (Op::Remove, _) => method_setting(stage, operation),
        (_, ["destinationArn" | "format"]) => {
            if operation.text().is_empty() {
                return Err(bad_request("Access Log value must not be empty"));
            }
            operation.apply(stage, RULES, Wording::Plain)
        }
        _ => Err(bad_request(
            "Invalid accessLogSettings path. Must be one of : [/accessLogSettings/destinationArn, /accessLogSettings/format]",
        )),
    }
}

/// There are no canaries; what is no part of one is refused as on AWS (recorded by localstack,
/// `test_update_stage_canary_deployment_validation`).
fn canary(operation: &Operation, rest: &[&str]) -> Refusal {
    let is_part = matches!(
        rest,
        ["deploymentId" | "percentTraffic" | "useStageCache"] | ["stageVariableOverrides", _]
    );
    match operation.op {
        Op::Remove => no_setting(&operation.path),
        Op::Add if is_part => bad_request(format!(
            "Invalid add operation with path: {}",
            operation.path
        )),
        _ if is_part => unsupported("canarySettings of stages"),
        _ => unknown(operation),
    }
}

/// A copy makes a canary's settings the stage's (recorded by localstack, `test_update_stage_with_copy_ops`).
fn no_promotion(operation: &Operation) -> Refusal {
    let from = operation.from.as_deref().unwrap_or_default();
    let is_promotion = matches!(
        (from, operation.path.as_str()),
        ("/canarySettings/deploymentId", "/deploymentId")
            | ("/canarySettings/stageVariableOverrides", "/variables")
    );
    bad_request(if is_promotion {
        "Promotion not available. Canary does not exist.".to_owned()
    } else {
        format!(
            "Invalid copy operation with path: {} and from {from}. Valid copy:path are [/deploymentId, /variables] and valid \
             copy:from are [/canarySettings/deploymentId, /canarySettings/stageVariableOverrides]",
            operation.path
        )
    })
}

fn no_setting(path: &str) -> Refusal {
    bad_request(format!(
        "Cannot remove method setting {} because there is no method setting for this method ",
        path.trim_start_matches('/')
    ))
}

/// `/{resource path}/{method}/{group}/{name}`; the path in one part with `~1`, or as it is.
fn method_setting(stage: &mut Stage, operation: &Operation) -> Result<(), Refusal> {
    let parts: Vec<&str> = operation.path.trim_start_matches('/').split('/').collect();
    if operation.op == Op::Remove {
        let key = parts.join("/");
        return match stage.method_settings.remove(&key) {
            Some(_) => Ok(()),
            None => Err(no_setting(&key)),
        };
    }
    let [method @ .., group, name] = parts.as_slice() else {
        return Err(unknown(operation));
    };
    if method.len() < 2 {
        return Err(unknown(operation));
    }
    operation.only(REPLACE)?;
    let key = method.join("/");
    let mut setting = stage.method_settings.get(&key).cloned().unwrap_or_default();
    match (*group, *name) {
        ("metrics", "enabled") => setting.metrics_enabled = operation.flag(),
        ("logging", "dataTrace") => setting.data_trace_enabled = operation.flag(),
        ("logging", "loglevel") => {
            if !["OFF", "ERROR", "INFO"].contains(&operation.text()) {
                return Err(bad_request(
                    "Invalid logging level specified. Valid options are OFF,ERROR,INFO",
                ));
            }
            setting.logging_level = Some(operation.text().to_owned());
        }
        // -1 is no limit of its own, in TF's and CloudFormation's use.
        ("throttling", "burstLimit") => setting.throttling_burst_limit = operation.integer()?,
        ("throttling", "rateLimit") => setting.throttling_rate_limit = operation.number()?,
        ("caching", "enabled") => setting.caching_enabled = operation.flag(),
        ("caching", "ttlInSeconds") => {
            let seconds = operation.integer()?;
            if !(0..=3600).contains(&seconds) {
                return Err(bad_request(
                    "Invalid cache TTL, must be between 0 and 3600 seconds",
                ));
            }
            setting.cache_ttl_in_seconds = seconds;
        }
        ("caching", "dataEncrypted") => setting.cache_data_encrypted = operation.flag(),
        ("caching", "requireAuthorizationForCacheControl") => {
            setting.require_authorization_for_cache_control = operation.flag();
        }
        ("caching", "unauthorizedCacheControlHeaderStrategy") => {
            operation
                .text()
                .clone_into(&mut setting.unauthorized_cache_control_header_strategy);
        }
        _ => return Err(unknown(operation)),
    }
    stage.method_settings.insert(key, setting);
    Ok(())
}

fn unknown(operation: &Operation) -> Refusal {
    bad_request(format!(
        "Invalid method setting path: {}. Must be one of: [{PATHS}]",
        operation.path
    ))
}

/// The setting of a method that a key names: `~1pets/GET`, `pets/GET` and `/pets/GET` are the same one.
pub(super) fn names(key: &str, path: &str, method: &str) -> bool {
    let Some((of_path, of_method)) = key.rsplit_once('/') else {
        return false;
    };
    of_method == method && decoded(of_path).trim_matches('/') == path.trim_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_all_forms_name_a_method() {
        for key in ["~1pets~1{id}/GET", "pets/{id}/GET", "pets~1{id}/GET"] {
            assert!(names(key, "/pets/{id}", "GET"), "{key}");
        }
        assert!(names("~1/GET", "/", "GET"));
        assert!(!names("*/*", "/pets", "GET"));
        assert!(!names("~1pets/POST", "/pets", "GET"));
    }
}
