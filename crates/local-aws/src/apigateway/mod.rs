//! API Gateway (REST APIs, v1): the control plane in files named after what they keep, the data plane in `gateway`.

pub(crate) mod gateway;

use std::sync::Arc;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::routes::Route;

pub(crate) use gateway::Gateway;

pub(crate) const ROUTES: &[Route] = &[];

pub(crate) async fn perform(_cloud: &Arc<Cloud>, call: &Call) -> Result<Answer, Refusal> {
    Err(Refusal::new(501, "NotImplementedException", call.operation))
}
