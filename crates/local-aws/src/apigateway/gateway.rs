//! The data plane: requests to deployed APIs.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

use crate::cloud::Cloud;

/// What is spent of each plan's throttle and quota.
#[derive(Debug, Default)]
pub(crate) struct Gateway {}

/// The API, stage and path that a request is for.
#[derive(Debug)]
pub(crate) struct Target {}

/// `/restapis/{api}/{stage}/_user_request_/{path}`, or the host `{api}.execute-api.…` with `/{stage}/{path}`.
pub(crate) fn target(_request: &Request<Bytes>) -> Option<Target> {
    None
}

pub(crate) async fn answer(
    _cloud: &Arc<Cloud>,
    _target: Target,
    _request: Request<Bytes>,
) -> Response<Bytes> {
    Response::new(Bytes::new())
}
