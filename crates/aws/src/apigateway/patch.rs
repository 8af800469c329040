//! Patch operations, as API Gateway's updates take them.

use aws_sdk_apigateway::types::{Op, PatchOperation};

/// Returns a text that AWS takes only where there is one: empty descriptions are refused.
pub(super) fn stated(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Sets `path` to `value`.
pub(super) fn replace(path: &str, value: &str) -> PatchOperation {
    operation(Op::Replace, path, value)
}

/// One patch operation.
pub(super) fn operation(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation::builder()
        .op(op)
        .path(path)
        .value(value)
        .build()
}

/// Returns a name as a part of a path.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
