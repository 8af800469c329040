//! The trace header that a function gets (AWS: "Visualize Lambda function invocations using AWS X-Ray").

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::known::Target;
use crate::clock::{Moment, seconds};
use crate::ids;
use crate::signature::hex;
use crate::trace::{Trace, new_root};

/// X-Ray's default rule: the first request of each second, and 5% of the others.
#[derive(Debug, Default)]
pub(super) struct Sampler(AtomicU64);

impl Sampler {
    fn takes(&self, now: Moment) -> bool {
        let now = seconds(now);
        self.0.swap(now, Ordering::Relaxed) != now || fastrand::u8(..100) < 5
    }
}

/// `Root=…;Parent=…;Sampled=…;Lineage=…` for an invocation of `target`, out of the header of whoever invokes it.
///
/// A function that only passes traces through has the caller's segment as its parent; one with active tracing has
/// one of its own, and decides whether to sample if nobody has before.
pub(super) fn header(sampler: &Sampler, target: &Target, caller: &str, now: Moment) -> String {
    let Trace {
        root,
        parent,
        sampled,
        lineage,
    } = Trace::read(caller);
    let root = root.unwrap_or_else(|| new_root(now));
    let is_active = target.function.settings.tracing == "Active";
    let sampled = sampled.unwrap_or_else(|| is_active && sampler.takes(now));
    let parent = parent
        .filter(|_| !is_active)
        .unwrap_or_else(|| ids::hex(16));
    let lineage = next_lineage(lineage.as_deref(), &target.arn);
    format!(
        "Root={root};Parent={parent};Sampled={};Lineage={lineage}",
        u8::from(sampled)
    )
}

/// `{invocations}:{8 hex of the function}:{loops}`: an invocation of the same function by itself is a loop.
fn next_lineage(before: Option<&str>, arn: &str) -> String {
    let digest = hex(&Sha256::digest(arn));
    let own = digest.get(..8).unwrap_or_default();
    let before = before.and_then(|before| {
        let mut fields = before.split(':');
        let count: u8 = fields.next()?.parse().ok()?;
        let function = fields.next()?.to_owned();
        let loops: u16 = fields.next()?.parse().ok()?;
        Some((count, function, loops))
    });
    match before {
        Some((count, function, loops)) if function == own => {
            format!(
                "{}:{own}:{}",
                count.saturating_add(1),
                loops.saturating_add(1)
            )
        }
        Some((count, _, loops)) => format!("{}:{own}:{loops}", count.saturating_add(1)),
        None => format!("1:{own}:0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_counts_invocations_and_loops() {
        let first = next_lineage(None, "f");
        let own = first.split(':').nth(1).expect("a function").to_owned();
        assert_eq!(first, format!("1:{own}:0"));
        assert_eq!(next_lineage(Some(&first), "f"), format!("2:{own}:1"));
        assert!(next_lineage(Some(&first), "g").starts_with("2:"));
        assert!(next_lineage(Some(&first), "g").ends_with(":0"));
        for broken in ["", "1", "x:y:z", "a87bd80c:1|68fd508a:5"] {
            assert_eq!(next_lineage(Some(broken), "f"), first, "{broken}");
        }
    }

    #[test]
    fn the_first_request_of_a_second_is_sampled() {
        let sampler = Sampler::default();
        assert!(sampler.takes(1_000));
        let sampled = (0..1_000).filter(|_| sampler.takes(1_500)).count();
        assert!(sampled < 200, "{sampled}");
        assert!(sampler.takes(2_000));
    }
}
