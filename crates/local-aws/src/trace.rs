//! Trace headers, `X-Amzn-Trace-Id`: what ties the calls together that come of one request (AWS X-Ray: "Tracing header").

use http::HeaderMap;

use crate::clock::{Moment, seconds};
use crate::ids;

pub(crate) const HEADER: &str = "x-amzn-trace-id";

/// The fields of a header that are well-formed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    /// `1-{8 hex}-{24 hex}`.
    pub(crate) root: Option<String>,
    /// 16 hexadecimal digits.
    pub(crate) parent: Option<String>,
    /// `None` leaves the decision to the next service.
    pub(crate) sampled: Option<bool>,
    pub(crate) lineage: Option<String>,
}

impl Trace {
    pub(crate) fn read(header: &str) -> Self {
        let mut trace = Self::default();
        for field in header.split(';') {
            let Some((name, value)) = field.split_once('=') else {
                continue;
            };
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "root" if is_root(value) => trace.root = Some(value.to_owned()),
                "parent" if is_hex(value, 16) => trace.parent = Some(value.to_owned()),
                "sampled" if value == "1" => trace.sampled = Some(true),
                "sampled" if value == "0" => trace.sampled = Some(false),
                "lineage" => trace.lineage = Some(value.to_owned()),
                _ => {}
            }
        }
        trace
    }
}

/// The header that a request goes on with: the caller's, or one with a new root.
pub(crate) fn of(headers: &HeaderMap, now: Moment) -> String {
    headers
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|value| Trace::read(value).root.is_some())
        .map_or_else(|| format!("Root={}", new_root(now)), ToOwned::to_owned)
}

pub(crate) fn new_root(now: Moment) -> String {
    format!("1-{:08x}-{}", seconds(now), ids::hex(24))
}

fn is_root(text: &str) -> bool {
    let mut parts = text.split('-');
    parts.next() == Some("1")
        && parts.next().is_some_and(|time| is_hex(time, 8))
        && parts.next().is_some_and(|unique| is_hex(unique, 24))
        && parts.next().is_none()
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

    #[test]
    fn fields_are_read_in_any_order_and_case() {
        let trace = Trace::read(&format!(
            "Self=1-x; Sampled=1;parent=53995c3f42cd8ad8;root={ROOT};Lineage=1:a87bd80c:0"
        ));
        let expected = Trace {
            root: Some(ROOT.to_owned()),
            parent: Some("53995c3f42cd8ad8".to_owned()),
            sampled: Some(true),
            lineage: Some("1:a87bd80c:0".to_owned()),
        };
        assert_eq!(trace, expected);
        for header in [
            "",
            "Root=1-2-3",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Sampled=?",
        ] {
            assert_eq!(Trace::read(header), Trace::default(), "{header}");
        }
    }

    #[test]
    fn a_request_keeps_its_root_or_gets_one() {
        let mut headers = HeaderMap::new();
        assert!(Trace::read(&of(&headers, 1_795_512_600_123)).root.is_some());
        let sent = format!("Root={ROOT};Sampled=0");
        headers.insert(HEADER, sent.parse().expect("a header"));
        assert_eq!(of(&headers, 0), sent);
    }
}
