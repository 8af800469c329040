//! The orderly end of an environment that has extensions (AWS: "Shutdown phase").

use std::sync::Arc;

use tokio::time::timeout;

use super::environment::END_WITHIN;
use super::extensions::Reason;
use super::journal::Journal;
use super::runtime_api::Exchange;
use super::sandbox::{RUNTIME, Sandbox};
use super::supervisor::Order;
use crate::clock::Clock;

/// Tells the extensions and the runtime of the end, gives them the time that AWS gives them, and kills what is left. If
/// the end has begun already, it waits for that.
pub(super) async fn shut_down(
    sandbox: Arc<Sandbox>,
    exchange: Arc<Exchange>,
    journal: Arc<Journal>,
    clock: Clock,
    reason: Reason,
) {
    let extensions = &exchange.extensions;
    let Some(grace) = extensions.begin_shutdown() else {
        return sandbox.gone(END_WITHIN).await;
    };
    journal.telemetry.flush();
    let milliseconds = u64::try_from(grace.as_millis()).unwrap_or_default();
    let silent = extensions.shut_down(reason, clock.now() + milliseconds);
    // The supervisor may be gone.
    let _ = sandbox.order(&Order::Terminate(RUNTIME));
    for number in silent {
        let _ = sandbox.order(&Order::Kill(number));
    }
    let _ = timeout(grace, extensions.over()).await;
    sandbox.kill();
}
