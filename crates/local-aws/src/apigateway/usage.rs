//! How often each key of a plan was used, by day, and what its quota leaves.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::{Date, Month, OffsetDateTime};

use super::page;
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::plan_key::{self, PlanKey};
use super::refusal::bad_request;
use super::usage_plan::{self, Quota};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::{Record, Tx};

/// Days since the Unix epoch, in UTC.
type Day = u64;

const DAY_MS: u64 = 86_400_000;
/// What was counted is on disk so long after it at the latest.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Used {
    plan: String,
    api_key: String,
    days: BTreeMap<Day, u64>,
    #[serde(default)]
    granted: BTreeMap<Day, i64>,
}

/// Of one key in one plan.
#[derive(Clone, Debug, Default)]
struct Spent {
    /// Requests by day.
    days: BTreeMap<Day, u64>,
    /// What the quota was extended by, or reduced by, on a day, for the period that the day is in.
    granted: BTreeMap<Day, i64>,
}

impl Record for Used {
    const KIND: &'static str = "usage-plan-usage";

    fn key(&self) -> String {
        format!("{}/{}", self.plan, self.api_key)
    }
}

/// The counts of one key in one plan.
pub(super) struct Counter {
    place: Place,
    plan: String,
    key: String,
    spent: Mutex<Spent>,
    is_changed: AtomicBool,
}

impl Counter {
    /// Counts a request, or says that the quota is used up.
    fn count(&self, now: Moment, quota: Option<&Quota>) -> bool {
        let today = now / DAY_MS;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if quota.is_some_and(|quota| spent.left(quota, today) == 0) {
            return false;
        }
        *spent.days.entry(today).or_default() += 1;
        self.is_changed.store(true, Ordering::Relaxed);
        true
    }

    /// Sees to it that `remaining` requests are left in the period that `today` is in.
    fn grant(&self, quota: &Quota, today: Day, remaining: i64) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let more = remaining.saturating_sub(spent.balance(quota, today));
        let granted = spent.granted.entry(today).or_default();
        *granted = granted.saturating_add(more);
    }

    fn spent(&self) -> Spent {
        self.spent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn record(&self) -> Used {
        let spent = self.spent();
        Used {
            plan: self.plan.clone(),
            api_key: self.key.clone(),
            days: spent.days,
            granted: spent.granted,
        }
    }
}

impl Spent {
    fn left(&self, quota: &Quota, day: Day) -> u64 {
        u64::try_from(self.balance(quota, day)).unwrap_or_default()
    }

    /// What was used on a day and what was left then; nothing is left out of a plan without a quota.
    fn shown(&self, quota: Option<&Quota>, day: Day) -> Value {
        let used = self.days.get(&day).copied().unwrap_or_default();
        match quota {
            Some(quota) => json!([used, self.left(quota, day)]),
            None => json!([used, -1]),
        }
    }

    fn balance(&self, quota: &Quota, day: Day) -> i64 {
        let period = start_of_period(quota, day)..=day;
        let used: u64 = self
            .days
            .range(period.clone())
            .map(|(_, count)| count)
            .sum();
        let granted = self
            .granted
            .range(period)
            .fold(0_i64, |sum, (_, more)| sum.saturating_add(*more));
        quota
            .limit
            .saturating_add(granted)
            .saturating_sub(i64::try_from(used).unwrap_or(i64::MAX))
    }
}

/// The first day of the period that `day` is in. A week starts on the day after Sunday that the offset says, a month so
/// many days after its first (CloudFormation, "`AWS::ApiGateway::UsagePlan` `QuotaSettings`").
fn start_of_period(quota: &Quota, day: Day) -> Day {
    let offset = u64::try_from(quota.offset).unwrap_or_default();
    match quota.period.as_str() {
        // Day 0 was a Thursday.
        "WEEK" => day.saturating_sub((day + 4 + 7 - offset % 7) % 7),
        "MONTH" => {
            let shifted = date(day.saturating_sub(offset));
            let start = day_of(shifted.replace_day(1).unwrap_or(shifted)) + offset;
            start.min(day)
        }
        _ => day,
    }
}

fn date(day: Day) -> Date {
    let seconds = i64::try_from(day * (DAY_MS / 1000)).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(seconds)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .date()
}

fn day_of(date: Date) -> Day {
    let seconds = date.midnight().assume_utc().unix_timestamp();
    u64::try_from(seconds).unwrap_or_default() / (DAY_MS / 1000)
}

/// All counters.
#[derive(Default)]
pub(super) struct Usage {
    counters: Mutex<HashMap<String, Arc<Counter>>>,
    is_write_due: AtomicBool,
}

impl Usage {
    /// The counter of a key in a plan: with what was counted before, if it was.
    pub(super) fn counter(
        &self,
        tx: &Tx,
        place: &Place,
        plan: &str,
        key: &str,
    ) -> Result<Arc<Counter>, Refusal> {
        let name = format!("{plan}/{key}");
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = counters.get(&name) {
            return Ok(counter.clone());
        }
        let used: Option<Used> = tx.get(place, &name)?;
        let spent = used.map_or_else(Spent::default, |used| Spent {
            days: used.days,
            granted: used.granted,
        });
        let counter = Arc::new(Counter {
            place: place.clone(),
            plan: plan.to_owned(),
            key: key.to_owned(),
            spent: Mutex::new(spent),
            is_changed: AtomicBool::new(false),
        });
        counters.insert(name, counter.clone());
        Ok(counter)
    }

    /// What cannot be written now is with the next count.
    fn write(&self, cloud: &Cloud) {
        let changed: Vec<Arc<Counter>> = self
            .counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .filter(|counter| counter.is_changed.swap(false, Ordering::Relaxed))
            .cloned()
            .collect();
        let written = cloud.store.transact(|tx| {
            for counter in &changed {
                let used = counter.record();
                // Of a plan that has gone meanwhile, nothing is kept.
                let link = tx.get::<PlanKey>(&counter.place, &used.key())?;
                if link.is_some() {
                    tx.put(&counter.place, &used)?;
                }
            }
            Ok(())
        });
        if written.is_err() {
            for counter in &changed {
                counter.is_changed.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Counts a request and sees to it that the count is written, or says that the quota is used up.
pub(super) fn count(
    cloud: &Arc<Cloud>,
    counter: &Counter,
    now: Moment,
    quota: Option<&Quota>,
) -> bool {
    if !counter.count(now, quota) {
        return false;
    }
    let usage = &cloud.gateway.usage;
    if !usage.is_write_due.swap(true, Ordering::AcqRel) {
        let cloud = Arc::downgrade(cloud);
        tokio::spawn(async move {
            tokio::time::sleep(WRITTEN_WITHIN).await;
            if let Some(cloud) = cloud.upgrade() {
                let usage = &cloud.gateway.usage;
                usage.is_write_due.store(false, Ordering::Release);
                usage.write(&cloud);
            }
        });
    }
    true
}

/// Of each key and day, how much was used, and how much was left.
pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let start = day_parameter(call, "startDate")?;
    let end = day_parameter(call, "endDate")?;
    if start > end {
        return Err(bad_request("The start date must not be after the end date"));
    }
    // "Get usage of a usage plan": of the last 90 days.
    if end - start > 90 {
        return Err(bad_request(
            "Invalid date range specified, at most 90 days are allowed",
        ));
    }
    let wanted = call.parameter("keyId").filter(|key| !key.is_empty());
    let values = cloud.store.transact(|tx| {
        let plan = usage_plan::wanted(tx, call)?;
        let mut values = Vec::new();
        for link in tx.list::<PlanKey>(&call.place, &format!("{}/", plan.id))? {
            if wanted.is_some_and(|key| key != link.key_id) {
                continue;
            }
            let usage = &cloud.gateway.usage;
            let spent = usage
                .counter(tx, &call.place, &plan.id, &link.key_id)?
                .spent();
            let entries: Vec<Value> = (start..=end)
                .map(|day| spent.shown(plan.quota.as_ref(), day))
                .collect();
            values.push((link.key_id, entries));
        }
        Ok(values)
    })?;
    let (values, position) = page::cut(call, values)?;
    let values: Map<String, Value> = values
        .into_iter()
        .map(|(key, entries)| (key, entries.into()))
        .collect();
    let mut output = json!({
        "usagePlanId": call.label("usageplanId"),
        "startDate": call.parameter("startDate"),
        "endDate": call.parameter("endDate"),
        "values": values,
    });
    if let Some(position) = position {
        output["position"] = position.into();
    }
    Ok(Answer::ok(output))
}

const RULES: &[Rule] = &[rule("/remaining", REPLACE, Kind::Integer)];

/// Sets what is left of a key's quota, in the period that is now ("`UpdateUsage`": a temporary extension).
pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let today = cloud.now() / DAY_MS;
    let shown = cloud.store.transact(|tx| {
        let plan = usage_plan::wanted(tx, call)?;
        let (link, _) = plan_key::wanted(tx, call)?;
        let usage = &cloud.gateway.usage;
        let counter = usage.counter(tx, &call.place, &plan.id, &link.key_id)?;
        for operation in &operations {
            operation.check_rule(RULES, Wording::Listing)?;
            let remaining = operation.integer()?;
            if remaining < 0 {
                return Err(bad_request("Remaining quota must be non-negative"));
            }
            let quota = plan.quota.as_ref().ok_or_else(|| {
                bad_request(format!("Usage Plan {} has no quota to extend", plan.id))
            })?;
            counter.grant(quota, today, remaining);
        }
        tx.put(&call.place, &counter.record())?;
        Ok((
            link.key_id,
            counter.spent().shown(plan.quota.as_ref(), today),
        ))
    })?;
    let today = date(today);
    let today = format!(
        "{:04}-{:02}-{:02}",
        today.year(),
        u8::from(today.month()),
        today.day()
    );
    Ok(Answer::ok(json!({
        "usagePlanId": call.label("usageplanId"),
        "startDate": today,
        "endDate": today,
        "values": { (shown.0): [shown.1] },
    })))
}

/// `2026-11-24`.
fn day_parameter(call: &Call, name: &str) -> Result<Day, Refusal> {
    let text = call.parameter(name).unwrap_or_default();
    let parts: Vec<&str> = text.split('-').collect();
    let parsed = match parts.as_slice() {
        [year, month, day] => parsed(year, month, day),
        _ => None,
    };
    parsed.map(day_of).ok_or_else(|| {
        bad_request(format!(
            "Invalid {name} specified: '{text}'. It must be yyyy-MM-dd"
        ))
    })
}

fn parsed(year: &str, month: &str, day: &str) -> Option<Date> {
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(period: &str, offset: i64) -> Quota {
        Quota {
            limit: 10,
            offset,
            period: period.into(),
        }
    }

    fn start(period: &str, offset: i64, (year, month, day): (i32, u8, u8)) -> (i32, u8, u8) {
        let month = Month::try_from(month).expect("a month");
        let day = day_of(Date::from_calendar_date(year, month, day).expect("a date"));
        let start = date(start_of_period(&quota(period, offset), day));
        (start.year(), start.month().into(), start.day())
    }

    #[test]
    fn periods_start_where_the_offset_says() {
        let tuesday = (2026, 11, 24);
        assert_eq!(start("DAY", 0, tuesday), tuesday);
        assert_eq!(start("WEEK", 0, tuesday), (2026, 11, 22));
        assert_eq!(start("WEEK", 2, tuesday), tuesday);
        assert_eq!(start("WEEK", 3, tuesday), (2026, 11, 18));
        assert_eq!(start("MONTH", 0, tuesday), (2026, 11, 1));
        assert_eq!(start("MONTH", 27, tuesday), (2026, 10, 28));
        assert_eq!(start("MONTH", 27, (1970, 1, 1)), (1970, 1, 1));
    }

    #[test]
    fn a_quota_is_used_up_and_comes_back() {
        let counter = Counter {
            place: Place {
                account: "0".into(),
                region: "r".into(),
            },
            plan: "p".into(),
            key: "k".into(),
            spent: Mutex::default(),
            is_changed: AtomicBool::new(false),
        };
        let quota = quota("DAY", 0);
        let passed = |now| (0..20).filter(|_| counter.count(now, Some(&quota))).count();
        assert_eq!(passed(DAY_MS), 10);
        assert_eq!(passed(2 * DAY_MS - 1), 0);
        assert_eq!(passed(2 * DAY_MS), 10);
        assert_eq!(counter.spent().days, BTreeMap::from([(1, 10), (2, 10)]));
        counter.grant(&quota, 2, 5);
        assert_eq!(passed(2 * DAY_MS), 5);
        counter.grant(&quota, 2, 0);
        assert_eq!(passed(2 * DAY_MS), 0);
        assert_eq!(passed(3 * DAY_MS), 10);
    }
}
