//! Time until a started server answers, and of the first invocation.

use std::time::{Duration, Instant};

use crate::caller::Caller;
use crate::home::{Endpoint, Home, Programs, end};
use crate::table::{below, median};

const STARTS: usize = 20;

pub(crate) async fn measure(programs: &Programs, home: &Home, endpoint: &Endpoint) {
    let (mut ready, mut cold) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let (server, took) = home.serve(programs).await;
        ready.push(took);
        let started = Instant::now();
        assert_eq!(Caller::new(endpoint).ping().await, Some(200), "a cold ping");
        cold.push(started.elapsed());
        end(server).await;
    }
    let name = format!("start to the first answer, a stack deployed (median of {STARTS})");
    below(&name, median(ready), Duration::from_millis(50));
    let name = format!("cold `ping` through the gateway (median of {STARTS})");
    below(&name, median(cold), Duration::from_millis(60));
}
