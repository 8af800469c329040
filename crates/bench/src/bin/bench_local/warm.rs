//! Time and rate of warm invocations.

use std::time::{Duration, Instant};

use crate::caller::{CONNECTIONS, Caller};
use crate::home::Endpoint;
use crate::table::{below, line, median};

const CREATES: usize = 500;
const RUSH: Duration = Duration::from_secs(4);

pub(crate) async fn measure(endpoint: &Endpoint) {
    let caller = Caller::new(endpoint);
    let mut times = Vec::new();
    for number in 0..CREATES {
        let started = Instant::now();
        let status = caller.create(&format!("warm-{number}")).await;
        assert_eq!(status, Some(200), "a create");
        times.push(started.elapsed());
    }
    let name = format!("warm `create` through the gateway (median of {CREATES})");
    below(&name, median(times), Duration::from_millis(5));
    // The first pings start execution environments, which are not measured here.
    caller.rush(Duration::from_secs(1)).await;
    let (passed, refused) = caller.rush(RUSH).await;
    assert_eq!(refused, 0, "the throttle is lifted");
    let rate = f64::from(passed) / RUSH.as_secs_f64();
    let name = format!("warm `ping` through the gateway, {CONNECTIONS} connections");
    let missed = (rate < 2000.0).then(|| format!("{:.0} %", 100.0 - rate / 20.0));
    line(
        &name,
        "at least 2,000 a second",
        &format!("{rate:.0} a second"),
        missed,
    );
}
