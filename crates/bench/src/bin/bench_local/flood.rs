//! The stage's throttle under more requests than it lets pass.

use std::time::Duration;

use tokio::time::sleep;

use crate::caller::Caller;
use crate::home::{Endpoint, Home};
use crate::table::line;

const FLOOD: Duration = Duration::from_secs(5);

pub(crate) async fn measure(home: &Home, endpoint: &Endpoint) {
    home.up(&["--rate", "100", "--burst", "20"]).await;
    // The token bucket fills.
    sleep(Duration::from_secs(1)).await;
    let (passed, refused) = Caller::new(endpoint).rush(FLOOD).await;
    let off = (f64::from(passed) / 520.0 - 1.0) * 100.0;
    let result = format!("{passed} passed ({off:+.1} %), {refused} answered 429");
    let missed = (off.abs() > 2.0).then(|| format!("{:.1} %", off.abs() - 2.0));
    line(
        "5 s of flood against 100/20",
        "520 ± 2 % pass, 429 for the rest",
        &result,
        missed,
    );
}
