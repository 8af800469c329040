//! The difference between this machine's clock and AWS's, by the `Date` of an answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

use super::Check;

/// AWS refuses signatures that are 5 minutes off; the SDK sets its own clock right only once it was refused.
const TOO_FAR: Duration = Duration::from_mins(4);
const FAR: Duration = Duration::from_secs(30);

/// Keeps the difference that the last answer showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock(Arc<Mutex<Option<Duration>>>);

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        let date = date.and_then(|date| SystemTime::try_from(date).ok());
        let now = SystemTime::now();
        let skew = date.map(|date| {
            now.duration_since(date)
                .unwrap_or_else(|early| early.duration())
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = skew;
        Ok(())
    }
}

impl Clock {
    pub(super) fn check(&self) -> Check {
        const NAME: &str = "clock";
        let skew = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(skew) = skew else {
            return Check::unknown(NAME, "no answer said what time it is");
        };
        let detail = format!("{} s from AWS's", skew.as_secs());
        if skew > TOO_FAR {
            Check::fail(NAME, detail).remedy("set the clock, by NTP where that is at hand")
        } else if skew > FAR {
            Check::warn(NAME, detail).remedy("set the clock, by NTP where that is at hand")
        } else {
            Check::ok(NAME, detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn the_clock_may_be_off_by_less_than_signatures_may() {
        let status = |skew: Option<u64>| {
            let clock = Clock(Arc::new(Mutex::new(skew.map(Duration::from_secs))));
            clock.check().status
        };
        assert_eq!(status(Some(2)), Status::Ok);
        assert_eq!(status(Some(31)), Status::Warn);
        assert_eq!(status(Some(240)), Status::Warn);
        assert_eq!(status(Some(241)), Status::Fail);
        assert_eq!(status(None), Status::Unknown);
    }
}
