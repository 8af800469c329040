//! Token buckets: so many requests at once, and a steady rate.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::usage_plan::Throttle;

/// The runtime's time, which tests pause.
#[derive(Clone, Debug)]
pub(super) struct RuntimeClock {
    start: Instant,
}

impl Clock for RuntimeClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

pub(super) type Bucket =
    RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<Duration>>;

/// One bucket.
pub(super) struct Limiter(Kind);

enum Kind {
    /// No limit.
    Open,
    /// A rate or burst of zero.
    Shut,
    Bucket(Bucket),
}

impl Kind {
    fn new(throttle: Throttle) -> Self {
        let Some(rate) = throttle.rate_limit else {
            return match throttle.burst_limit {
                Some(0) => Self::Shut,
                _ => Self::Open,
            };
        };
        let period = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX);
        // Without a burst of its own, what a second brings.
        let burst = throttle.burst_limit.unwrap_or_else(|| {
            let second = Duration::from_secs(1).as_nanos();
            i64::try_from(second.div_ceil(period.as_nanos().max(1))).unwrap_or(i64::MAX)
        });
        let burst = u32::try_from(burst.clamp(0, u32::MAX.into())).unwrap_or(u32::MAX);
        let Some(burst) = NonZeroU32::new(burst).filter(|_| rate > 0.0) else {
            return Self::Shut;
        };
        // The bucket's arithmetic is in nanoseconds of 64 bits.
        let longest = Duration::from_nanos((1 << 62) / u64::from(burst.get()));
        let period = period.clamp(Duration::from_nanos(1), longest);
        match Quota::with_period(period) {
            Some(quota) => Self::Bucket(RateLimiter::direct_with_clock(
                quota.allow_burst(burst),
                RuntimeClock {
                    start: Instant::now(),
                },
            )),
            None => Self::Open,
        }
    }
}

impl Limiter {
    /// Takes a token, if there is one.
    pub(super) fn admits(&self) -> bool {
        match &self.0 {
            Kind::Open => true,
            Kind::Shut => false,
            Kind::Bucket(bucket) => bucket.check().is_ok(),
        }
    }
}

/// All buckets, by what they limit. One is kept as long as its limits are the same.
#[derive(Default)]
pub(super) struct Limiters(Mutex<HashMap<String, (Throttle, Arc<Limiter>)>>);

impl Limiters {
    pub(super) fn get(&self, scope: String, throttle: Throttle) -> Arc<Limiter> {
        let mut limiters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((limits, limiter)) = limiters.get(&scope)
            && *limits == throttle
        {
            return limiter.clone();
        }
        let limiter = Arc::new(Limiter(Kind::new(throttle)));
        limiters.insert(scope, (throttle, limiter.clone()));
        limiter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(rate: f64, burst: i64) -> Limiter {
        Limiter(Kind::new(Throttle {
            rate_limit: Some(rate),
            burst_limit: Some(burst),
        }))
    }

    fn admitted(limiter: &Limiter, attempts: usize) -> usize {
        (0..attempts).filter(|_| limiter.admits()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_passes_the_burst_and_the_rate() {
        let limiter = limiter(100.0, 20);
        let mut passed = admitted(&limiter, 100);
        assert_eq!(passed, 20);
        for _ in 0..500 {
            tokio::time::advance(Duration::from_millis(10)).await;
            passed += admitted(&limiter, 5);
        }
        assert_eq!(passed, 520);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fraction_is_one_in_some_seconds() {
        let limiter = limiter(0.5, 1);
        assert_eq!(admitted(&limiter, 2), 1);
        tokio::time::advance(Duration::from_millis(1_999)).await;
        assert!(!limiter.admits());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(limiter.admits());
    }

    #[tokio::test(start_paused = true)]
    async fn extremes_are_no_panic() {
        for (rate, burst, passed) in [
            (0.0, 10, 0),
            (10.0, 0, 0),
            (f64::MIN_POSITIVE, 3, 3),
            (f64::MAX, i64::MAX, 10),
            (1e-9, i64::MAX, 10),
        ] {
            assert_eq!(
                admitted(&limiter(rate, burst), 10),
                passed,
                "{rate}/{burst}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_outlives_a_change_elsewhere() {
        let limiters = Limiters::default();
        let throttle = Throttle {
            rate_limit: Some(1.0),
            burst_limit: Some(1),
        };
        assert!(limiters.get("a".into(), throttle).admits());
        assert!(!limiters.get("a".into(), throttle).admits());
        let wider = Throttle {
            burst_limit: Some(2),
            ..throttle
        };
        assert!(limiters.get("a".into(), wider).admits());
    }
}
