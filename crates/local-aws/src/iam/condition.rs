//! The conditions of policies (AWS: "IAM JSON policy elements: Condition operators").

use std::cmp::Ordering;
use std::net::IpAddr;

use time::{Date, Month};

use super::evaluate::Context;
use super::pattern;

/// One key of one operator, with the values that it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    operator: Operator,
    quantifier: Option<Quantifier>,
    if_exists: bool,
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Quantifier {
    Any,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Operator {
    comparison: Comparison,
    negated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equals,
    EqualsInAnyCase,
    Like,
    Arn,
    Numeric(Order),
    Date(Order),
    Bool,
    IpAddress,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Equals,
    Less,
    LessOrEquals,
    Greater,
    GreaterOrEquals,
}

impl Condition {
    /// `None` if there is no such operator.
    pub(crate) fn new(operator: &str, key: &str, values: Vec<String>) -> Option<Self> {
        let (quantifier, name) = match operator.split_once(':') {
            None => (None, operator),
            Some(("ForAnyValue", name)) => (Some(Quantifier::Any), name),
            Some(("ForAllValues", name)) => (Some(Quantifier::All), name),
            Some(_) => return None,
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let operator = Operator::named(name)?;
        if operator.comparison == Comparison::Null && (if_exists || quantifier.is_some()) {
            return None;
        }
        Some(Self {
            operator,
            quantifier,
            if_exists,
            key: key.to_owned(),
            values,
        })
    }

    pub(crate) fn holds(&self, context: &Context) -> bool {
        let found = context.values(&self.key);
        if self.operator.comparison == Comparison::Null {
            let wanted = if found.is_empty() { "true" } else { "false" };
            return self
                .values
                .iter()
                .any(|value| value.eq_ignore_ascii_case(wanted));
        }
        match self.quantifier {
            Some(Quantifier::All) => found.iter().all(|value| self.accepts(value, context)),
            _ if found.is_empty() => {
                // A negated operator is satisfied by a key that is not there.
                self.if_exists || (self.operator.negated && self.quantifier.is_none())
            }
            _ => found.iter().any(|value| self.accepts(value, context)),
        }
    }

    fn accepts(&self, found: &str, context: &Context) -> bool {
        let is_one = self
            .values
            .iter()
            .any(|value| self.operator.comparison.holds(value, found, context));
        is_one != self.operator.negated
    }
}

impl Operator {
    fn named(name: &str) -> Option<Self> {
        let (comparison, negated) = match name {
            "StringEquals" | "BinaryEquals" => (Comparison::Equals, false),
            "StringNotEquals" => (Comparison::Equals, true),
            "StringEqualsIgnoreCase" => (Comparison::EqualsInAnyCase, false),
            "StringNotEqualsIgnoreCase" => (Comparison::EqualsInAnyCase, true),
            "StringLike" => (Comparison::Like, false),
            "StringNotLike" => (Comparison::Like, true),
            "ArnEquals" | "ArnLike" => (Comparison::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Comparison::Arn, true),
            "Bool" => (Comparison::Bool, false),
            "IpAddress" => (Comparison::IpAddress, false),
            "NotIpAddress" => (Comparison::IpAddress, true),
            "Null" => (Comparison::Null, false),
            _ => {
                let (of, order) = match name.strip_prefix("Numeric") {
                    Some(order) => (Comparison::Numeric as fn(Order) -> Comparison, order),
                    None => (
                        Comparison::Date as fn(Order) -> Comparison,
                        name.strip_prefix("Date")?,
                    ),
                };
                let (order, negated) = match order {
                    "Equals" => (Order::Equals, false),
                    "NotEquals" => (Order::Equals, true),
                    "LessThan" => (Order::Less, false),
                    "LessThanEquals" => (Order::LessOrEquals, false),
                    "GreaterThan" => (Order::Greater, false),
                    "GreaterThanEquals" => (Order::GreaterOrEquals, false),
                    _ => return None,
                };
                (of(order), negated)
            }
        };
        Some(Self {
            comparison,
            negated,
        })
    }
}

impl Comparison {
    fn holds(self, wanted: &str, found: &str, context: &Context) -> bool {
        let filled = || pattern::filled(wanted, context);
        match self {
            Self::Equals => filled().is_some_and(|wanted| wanted == found),
            Self::EqualsInAnyCase => {
                filled().is_some_and(|wanted| wanted.to_lowercase() == found.to_lowercase())
            }
            Self::Like => pattern::fits_in(wanted, found, context),
            Self::Arn => is_like_arn(wanted, found, context),
            Self::Numeric(order) => {
                order.holds(found.trim().parse::<f64>().ok(), wanted.trim().parse().ok())
            }
            Self::Date(order) => order.holds(instant(found), instant(wanted)),
            Self::Bool => wanted.eq_ignore_ascii_case(found),
            Self::IpAddress => is_in_network(wanted, found).unwrap_or(false),
            Self::Null => false,
        }
    }
}

impl Order {
    fn holds<T: PartialOrd>(self, found: Option<T>, wanted: Option<T>) -> bool {
        let (Some(found), Some(wanted)) = (found, wanted) else {
            return false;
        };
        found.partial_cmp(&wanted).is_some_and(|order| match self {
            Self::Equals => order == Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEquals => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEquals => order != Ordering::Less,
        })
    }
}

/// Each of the six parts by itself: a wildcard does not reach over a colon, except in the last.
fn is_like_arn(wanted: &str, found: &str, context: &Context) -> bool {
    let wanted = arn_parts(wanted);
    let found: Vec<&str> = found.splitn(6, ':').collect();
    wanted.len() == 6
        && found.len() == 6
        && wanted
            .iter()
            .zip(found)
            .all(|(wanted, found)| pattern::fits_in(wanted, found, context))
}

/// Colons within variables do not separate.
fn arn_parts(arn: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut in_variable) = (0, false);
    for (at, c) in arn.char_indices() {
        match c {
            '{' => in_variable = true,
            '}' => in_variable = false,
            ':' if !in_variable && parts.len() < 5 => {
                parts.push(&arn[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&arn[start..]);
    parts
}

/// Seconds since the Unix epoch, of `2026-11-24T09:30:00Z`, `2026-11-24` or the number itself.
fn instant(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (date, time) = match text.trim_end_matches('Z').split_once('T') {
        Some((date, time)) => (date, time),
        None => (text, "00:00:00"),
    };
    let mut date = date.splitn(3, '-');
    let year = date.next()?.parse().ok()?;
    let month = Month::try_from(date.next()?.parse::<u8>().ok()?).ok()?;
    let day = date.next()?.parse().ok()?;
    let mut time = time.split(['.', ':']);
    let mut part = || time.next().map_or(Ok(0), str::parse::<u8>);
    let (hour, minute, second) = (part().ok()?, part().ok()?, part().ok()?);
    let date = Date::from_calendar_date(year, month, day).ok()?;
    let moment = date.with_hms(hour, minute, second).ok()?;
    Some(moment.assume_utc().unix_timestamp())
}

/// Returns true if `found` is in the network `203.0.113.0/24`; `None` for what is no address.
fn is_in_network(network: &str, found: &str) -> Option<bool> {
    let (address, prefix) = match network.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
        None => (network, None),
    };
    let (own, other, width) = match (address.parse().ok()?, found.parse().ok()?) {
        (IpAddr::V4(own), IpAddr::V4(other)) => (
            u128::from(own.to_bits()),
            u128::from(other.to_bits()),
            32_u32,
        ),
        (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
        _ => return Some(false),
    };
    let host_bits = width.checked_sub(prefix.unwrap_or(width))?;
    Some((own ^ other).checked_shr(host_bits).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context::default()
            .with("aws:userid", "AROA:me")
            .with("aws:SourceIp", "203.0.113.7")
            .with("aws:CurrentTime", "2026-11-24T09:30:00Z")
            .with("aws:SecureTransport", "true")
            .with("aws:PrincipalArn", "arn:aws:iam::000000000000:role/path/r")
            .with("size", "10")
            .with("keys", "a")
            .with("keys", "b")
    }

    fn holds(operator: &str, key: &str, values: &[&str]) -> bool {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Condition::new(operator, key, values)
            .expect("an operator")
            .holds(&context())
    }

    #[test]
    fn operators_compare() {
        for (operator, key, values, expected) in [
            ("StringEquals", "AWS:UserId", &["x", "AROA:me"][..], true),
            ("StringEquals", "aws:userid", &["AROA:*"], false),
            ("StringLike", "aws:userid", &["AROA:*"], true),
            ("StringNotLike", "aws:userid", &["AROA:*"], false),
            ("StringNotEquals", "aws:userid", &["x"], true),
            ("StringEqualsIgnoreCase", "aws:userid", &["aroa:ME"], true),
            ("StringEquals", "aws:userid", &["${aws:userid}"], true),
            (
                "ArnLike",
                "aws:PrincipalArn",
                &["arn:aws:iam::*:role/*/r"],
                true,
            ),
            (
                "ArnEquals",
                "aws:PrincipalArn",
                &["arn:aws:*:role/path/r"],
                false,
            ),
            (
                "ArnNotLike",
                "aws:PrincipalArn",
                &["arn:aws:iam::1:*"],
                true,
            ),
            ("NumericLessThanEquals", "size", &["10"], true),
            ("NumericLessThan", "size", &["10"], false),
            ("NumericNotEquals", "size", &["9", "11"], true),
            ("NumericEquals", "size", &["ten"], false),
            ("DateGreaterThan", "aws:CurrentTime", &["2026-11-24"], true),
            (
                "DateLessThan",
                "aws:CurrentTime",
                &["2026-11-24T09:30:00Z"],
                false,
            ),
            ("Bool", "aws:SecureTransport", &["True"], true),
            ("IpAddress", "aws:SourceIp", &["203.0.113.0/24"], true),
            ("NotIpAddress", "aws:SourceIp", &["203.0.113.0/24"], false),
            ("IpAddress", "aws:SourceIp", &["0.0.0.0/0"], true),
            (
                "IpAddress",
                "aws:SourceIp",
                &["203.0.113.8", "2001:db8::/32", "x/99"],
                false,
            ),
            ("Null", "aws:userid", &["false"], true),
            ("Null", "gone", &["true"], true),
            ("Null", "gone", &["false"], false),
        ] {
            assert_eq!(
                holds(operator, key, values),
                expected,
                "{operator} {key} {values:?}"
            );
        }
    }

    #[test]
    fn a_missing_key_satisfies_only_what_says_so() {
        for (operator, expected) in [
            ("StringEquals", false),
            ("StringEqualsIfExists", true),
            ("StringNotEquals", true),
            ("Bool", false),
            ("ForAllValues:StringEquals", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringNotEquals", false),
        ] {
            assert_eq!(holds(operator, "gone", &["x"]), expected, "{operator}");
        }
    }

    #[test]
    fn sets_are_compared_value_by_value() {
        assert!(holds("ForAllValues:StringEquals", "keys", &["a", "b", "c"]));
        assert!(!holds("ForAllValues:StringEquals", "keys", &["a"]));
        assert!(holds("ForAnyValue:StringEquals", "keys", &["a"]));
        assert!(holds("ForAnyValue:StringNotEquals", "keys", &["a"]));
        assert!(!holds("ForAnyValue:StringEquals", "keys", &["c"]));
    }

    #[test]
    fn other_operators_are_unknown() {
        for operator in [
            "StringIs",
            "ForSome:StringEquals",
            "NullIfExists",
            "NumericLike",
            "",
        ] {
            assert_eq!(Condition::new(operator, "k", vec![]), None, "{operator}");
        }
    }
}
