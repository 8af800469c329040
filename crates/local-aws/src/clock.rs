//! The time that everything here goes by.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{Date, Month, OffsetDateTime, Time};
use tokio::time::Instant;

/// Milliseconds since the Unix epoch.
pub(crate) type Moment = u64;

/// System time, or the runtime's, which tests pause and let run ahead.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// The machine's at `base`, and from then on the runtime's.
    Runtime {
        /// When this clock was made, by the runtime.
        start: Instant,
        /// The same, by the machine.
        base: u64,
    },
}

impl Clock {
    /// The runtime's clock, from the machine's time on.
    pub fn runtime() -> Self {
        Self::Runtime {
            start: Instant::now(),
            base: system_time(),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now(&self) -> Moment {
        match self {
            Self::System => system_time(),
            Self::Runtime { start, base } => {
                base + u64::try_from(start.elapsed().as_millis()).unwrap_or_default()
            }
        }
    }
}

fn system_time() -> Moment {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

fn date(moment: Moment) -> OffsetDateTime {
    let seconds = i64::try_from(moment / 1000).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// `2026-11-24T09:30:00Z`, as IAM and STS write times.
pub(crate) fn iso(moment: Moment) -> String {
    format!("{}Z", date_and_time(moment))
}

/// `20261124T093000Z`, as signatures write times.
pub(crate) fn compact(moment: Moment) -> String {
    iso(moment).replace(['-', ':'], "")
}

/// The moment of a time in that form.
pub(crate) fn read_compact(text: &str) -> Option<Moment> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let is_digits =
        |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(day, 8) || !is_digits(time, 6) {
        return None;
    }
    let month: u8 = day[4..6].parse().ok()?;
    let date = Date::from_calendar_date(
        day[..4].parse().ok()?,
        Month::try_from(month).ok()?,
        day[6..].parse().ok()?,
    );
    let time = Time::from_hms(
        time[..2].parse().ok()?,
        time[2..4].parse().ok()?,
        time[4..].parse().ok()?,
    );
    let at = date.ok()?.with_time(time.ok()?).assume_utc();
    let seconds = u64::try_from(at.unix_timestamp()).ok()?;
    Some(seconds * 1000)
}

/// `2026-11-24T09:30:00.000+0000`, as Lambda writes `LastModified`.
pub(crate) fn lambda_time(moment: Moment) -> String {
    format!("{}.{:03}+0000", date_and_time(moment), moment % 1000)
}

fn date_and_time(moment: Moment) -> String {
    let at = date(moment);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// `2026/11/24`, as Lambda names log streams.
pub(crate) fn day(moment: Moment) -> String {
    let at = date(moment);
    format!(
        "{:04}/{:02}/{:02}",
        at.year(),
        u8::from(at.month()),
        at.day()
    )
}

/// Whole seconds since the Unix epoch, as API Gateway and `DynamoDB` write times.
pub(crate) fn seconds(moment: Moment) -> u64 {
    moment / 1000
}

/// Seconds since the Unix epoch to the millisecond, as SSM writes times.
#[expect(
    clippy::cast_precision_loss,
    reason = "the milliseconds of 100,000 years fit exactly"
)]
pub(crate) fn fractional_seconds(moment: Moment) -> f64 {
    moment as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_each_services_form() {
        let moment = 1_795_512_600_123;
        assert_eq!(iso(moment), "2026-11-24T09:30:00Z");
        assert_eq!(lambda_time(moment), "2026-11-24T09:30:00.123+0000");
        assert_eq!(day(moment), "2026/11/24");
        assert_eq!(compact(moment), "20261124T093000Z");
        assert_eq!(read_compact("20261124T093000Z"), Some(1_795_512_600_000));
        for text in ["", "2026-11-24", "20261324T093000Z", "20261124T093000"] {
            assert_eq!(read_compact(text), None, "{text}");
        }
        assert_eq!(fractional_seconds(moment).to_string(), "1795512600.123");
    }
}
