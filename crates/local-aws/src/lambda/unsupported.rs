//! Operations that AWS's Lambda has and that are refused here by name.

use http::Method;

use super::ROUTES;
use super::refusals::unsupported;
use crate::answer::Refusal;
use crate::call::Call;
use crate::routes::{self, Route, Routed};

/// Of AWS's API model (botocore, `lambda/2015-03-31`).
#[rustfmt::skip]
pub(crate) const UNSUPPORTED: &[Route] = &[
    ("POST", "/2014-11-13/functions/{FunctionName}/invoke-async", "InvokeAsync"),
    ("POST", "/2020-04-22/code-signing-configs", "CreateCodeSigningConfig"),
    ("POST", "/2025-11-30/capacity-providers", "CreateCapacityProvider"),
    ("GET", "/2025-11-30/capacity-providers", "ListCapacityProviders"),
    ("GET", "/2025-11-30/capacity-providers/{CapacityProviderName}", "GetCapacityProvider"),
    ("PUT", "/2025-11-30/capacity-providers/{CapacityProviderName}", "UpdateCapacityProvider"),
    ("DELETE", "/2025-11-30/capacity-providers/{CapacityProviderName}", "DeleteCapacityProvider"),
    ("GET", "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions", "ListFunctionVersionsByCapacityProvider"),
    ("GET", "/2025-11-30/functions/{FunctionName}/function-scaling-config", "GetFunctionScalingConfig"),
    ("PUT", "/2025-11-30/functions/{FunctionName}/function-scaling-config", "PutFunctionScalingConfig"),
    ("GET", "/2025-12-01/functions/{FunctionName}/durable-executions", "ListDurableExecutionsByFunction"),
    ("GET", "/2025-12-01/durable-executions/{DurableExecutionArn}", "GetDurableExecution"),
    ("DELETE", "/2025-12-01/durable-executions/{DurableExecutionArn}", "DeleteDurableExecution"),
    ("GET", "/2025-12-01/durable-executions/{DurableExecutionArn}/history", "GetDurableExecutionHistory"),
    ("GET", "/2025-12-01/durable-executions/{DurableExecutionArn}/state", "GetDurableExecutionState"),
    ("POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint", "CheckpointDurableExecution"),
    ("POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/pause", "PauseDurableExecution"),
    ("POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/resume", "ResumeDurableExecution"),
    ("POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/stop", "StopDurableExecution"),
    ("POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/fail", "SendDurableExecutionCallbackFailure"),
    ("POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat", "SendDurableExecutionCallbackHeartbeat"),
    ("POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/succeed", "SendDurableExecutionCallbackSuccess"),
    ("GET", "/2026-07-09/resource-policy/{ResourceArn}", "GetResourcePolicy"),
    ("PUT", "/2026-07-09/resource-policy/{ResourceArn}", "PutResourcePolicy"),
    ("DELETE", "/2026-07-09/resource-policy/{ResourceArn}", "DeleteResourcePolicy"),
];

/// The operation that a call is, by its method, path and query.
pub(crate) fn route(call: &Call) -> Result<Routed, Refusal> {
    let Some(mut routed) = routes::find(ROUTES, &call.method, &call.path) else {
        return Err(refusal(&call.method, &call.path));
    };
    // Two pairs of operations differ by their query alone.
    routed.operation = match routed.operation {
        "ListLayers" if call.parameter("find") == Some("LayerVersion") => "GetLayerVersionByArn",
        "GetProvisionedConcurrencyConfig" if call.parameter("List") == Some("ALL") => {
            "ListProvisionedConcurrencyConfigs"
        }
        operation => operation,
    };
    Ok(routed)
}

fn refusal(method: &Method, path: &str) -> Refusal {
    match routes::find(UNSUPPORTED, method, path) {
        Some(known) => unsupported(known.operation),
        None => Refusal::new(404, "UnknownOperationException", "Unknown operation"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_has_is_told_apart_from_what_it_has_not() {
        let found = refusal(&Method::POST, "/2025-11-30/capacity-providers");
        assert_eq!(
            (found.status, found.message.as_str()),
            (501, "The local AWS does not support CreateCapacityProvider")
        );
        let found = refusal(&Method::POST, "/2025-11-30/capacities");
        assert_eq!(found.code, "UnknownOperationException");
    }

    #[test]
    fn no_operation_is_both_carried_out_and_refused() {
        for (_, _, operation) in UNSUPPORTED {
            assert!(
                ROUTES.iter().all(|route| route.2 != *operation),
                "{operation}"
            );
        }
    }
}
