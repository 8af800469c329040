//! The formats of JSON Schema, draft 4.

use std::net::{Ipv4Addr, Ipv6Addr};

use regex_lite::Regex;

/// RFC 3339.
const MOMENT: &str = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$";

/// Returns true if `text` has the format, or if the draft does not know it.
pub(super) fn fits(format: &str, text: &str) -> bool {
    match format {
        "date-time" => Regex::new(MOMENT).is_ok_and(|moment| moment.is_match(text)),
        "email" => is_email(text),
        "hostname" => is_host(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "regex" => Regex::new(text).is_ok(),
        "uri" => is_uri(text),
        _ => true,
    }
}

fn is_email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !local.contains(char::is_whitespace) && is_host(host)
    })
}

/// RFC 1034: labels of at most 63 letters, digits and hyphens, 255 characters in all.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 255 && text.split('.').all(is_label)
}

/// A scheme, a colon, and no blank.
fn is_uri(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && !rest.is_empty()
            && !rest.contains(|c: char| c.is_whitespace() || "<>\"{}|\\^`".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        for (format, good, bad) in [
            ("date-time", "2026-11-28T03:40:00Z", "2026-11-28"),
            ("email", "a.b@c.d", "@c.d"),
            ("hostname", "a-b.c", "a_b"),
            ("ipv4", "127.0.0.1", "127.0.0"),
            ("ipv6", "::1", "1"),
            ("regex", "^a$", "("),
            ("uri", "https://a.b/c?d", "/c d"),
            ("colour", "red", ""),
        ] {
            assert!(fits(format, good), "{format}");
            assert!(bad.is_empty() || !fits(format, bad), "{format}");
        }
    }
}
