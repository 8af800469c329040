//! Keeping to AWS's documented rates: a run that is alone in its account is never told to slow down.
//!
//! Rates are per account and region. Calls of others in the account are not known here; answers of 429 are waited out for
//! their sake.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::operation::{Operation, Rate};

/// The key of a token bucket: the service, and the operation or "all calls".
type Bucket = (&'static str, &'static str);

/// The calls that this run has sent, counted in the rates they belong to.
#[derive(Debug)]
pub struct Pace {
    is_kept: AtomicBool,
    /// The time at which each bucket is full again.
    full_at: Mutex<HashMap<Bucket, Instant>>,
}

/// The answer to a call that would exceed a rate now.
#[derive(Debug, PartialEq, Eq)]
pub struct TooEarly {
    /// The service whose rate it is.
    pub service: &'static str,
    of: &'static str,
    rate: Rate,
    /// The time to wait.
    pub time: Duration,
}

/// The rate as quotas pages print it: `DeleteRestApi 1 per 30 s`.
impl fmt::Display for TooEarly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = self.rate.every;
        if every >= Duration::from_secs(1) {
            write!(f, "{} 1 per {} s", self.of, every.as_secs())
        } else {
            let per_second = 1.0 / every.as_secs_f64();
            write!(f, "{} {per_second:.0} per s", self.of)
        }
    }
}

/// The time that `operations` take at least at AWS's rates, if all bursts are unused.
pub fn least_time(operations: &[&'static Operation]) -> Duration {
    let mut counts: HashMap<Bucket, (Rate, u32)> = HashMap::new();
    for (service, of, rate) in operations.iter().flat_map(|operation| operation.rates()) {
        counts.entry((service, of)).or_insert((rate, 0)).1 += 1;
    }
    counts
        .into_values()
        .map(|(rate, count)| rate.every * count.saturating_sub(rate.burst))
        .max()
        .unwrap_or_default()
}

impl Pace {
    /// Custom endpoints have no rates: they are kept from the first answer of 429 on.
    pub fn new(is_kept: bool) -> Self {
        Self {
            is_kept: AtomicBool::new(is_kept),
            full_at: Mutex::default(),
        }
    }

    /// Keeps to the rates from now on.
    pub fn keep(&self) {
        self.is_kept.store(true, Ordering::Relaxed);
    }

    /// Counts a call at `now`, or says how long to wait and counts nothing.
    ///
    /// # Errors
    ///
    /// The rate that allows no call yet.
    pub fn take(&self, operation: &Operation, now: Instant) -> Result<(), TooEarly> {
        if !self.is_kept.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let early = operation
            .rates()
            .filter_map(|(service, of, rate)| {
                let full = full_at.get(&(service, of))?;
                let time = full
                    .checked_duration_since(now)?
                    .checked_sub(rate.every * (rate.burst - 1))?;
                (!time.is_zero()).then_some(TooEarly {
                    service,
                    of,
                    rate,
                    time,
                })
            })
            .max_by_key(|early| early.time);
        if let Some(early) = early {
            return Err(early);
        }
        for (service, of, rate) in operation.rates() {
            let full = full_at.entry((service, of)).or_insert(now);
            *full = (*full).max(now) + rate.every;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Service;

    const SERVICE: Service = Service::new("Toys", &[]).rate(40, Duration::from_millis(100));
    const DELETE: Operation =
        Operation::write(SERVICE, "DeleteToy", &[]).rate(1, Duration::from_secs(30));
    const CREATE: Operation =
        Operation::create(SERVICE, "CreateToy", &[]).rate(5, Duration::from_millis(200));
    const GET: Operation = Operation::read(SERVICE, "GetToys", &[]);

    /// The moments, in milliseconds, at which `count` calls of `operation` may be made.
    fn moments(operation: &Operation, count: usize) -> Vec<u128> {
        let pace = Pace::new(true);
        let start = Instant::now();
        let mut now = start;
        (0..count)
            .map(|_| {
                while let Err(early) = pace.take(operation, now) {
                    now += early.time;
                }
                (now - start).as_millis()
            })
            .collect()
    }

    #[test]
    fn an_operations_own_rate_is_kept() {
        assert_eq!(moments(&DELETE, 3), [0, 30_000, 60_000]);
        assert_eq!(moments(&CREATE, 7)[4..], [0, 200, 400]);
    }

    #[test]
    fn a_burst_is_used_before_anything_waits() {
        assert_eq!(moments(&GET, 42)[39..], [0, 100, 200]);
    }

    #[test]
    fn the_slowest_rate_decides_the_least_time() {
        assert_eq!(least_time(&[&DELETE; 3]), Duration::from_mins(1));
        assert_eq!(least_time(&[&GET; 40]), Duration::ZERO);
    }

    #[test]
    fn a_custom_endpoint_is_not_slowed_until_it_asks() {
        let pace = Pace::new(false);
        let now = Instant::now();
        assert!((0..100).all(|_| pace.take(&DELETE, now).is_ok()));
        pace.keep();
        assert_eq!(pace.take(&DELETE, now), Ok(()));
        assert!(pace.take(&DELETE, now).is_err());
    }

    #[test]
    fn a_wait_is_named_as_the_quota_is() {
        let pace = Pace::new(true);
        let now = Instant::now();
        pace.take(&DELETE, now).expect("the first is free");
        let early = pace.take(&DELETE, now).expect_err("1 per 30 s");
        assert_eq!(early.to_string(), "DeleteToy 1 per 30 s");
        assert_eq!(early.time, Duration::from_secs(30));
    }
}
