//! Chains of calls that depend on each other, derived from their times.

use std::time::Duration;

use crate::call::Call;

/// One call of a chain, with the time the client took to send it.
#[derive(Clone, Debug)]
pub struct Link {
    /// Name of the operation.
    pub operation: String,
    /// Time between the previous call's answer and this call's arrival; zero for the first call.
    pub gap: Duration,
    /// Time between this call's arrival and its answer.
    pub took: Duration,
}

/// Returns the chain that ends with the last answer. Each call follows the last one that was answered before it began.
///
/// An independent call may follow another by chance, so the chain is an upper bound of the dependent calls.
pub fn critical_chain(calls: &[Call]) -> Vec<Link> {
    let mut chain = Vec::new();
    let mut current = calls.iter().max_by_key(|call| call.ended);
    while let Some(call) = current {
        let previous = calls
            .iter()
            .filter(|other| other.ended <= call.started)
            .max_by_key(|other| other.ended);
        chain.push(Link {
            operation: call.operation.clone(),
            gap: previous.map_or(Duration::ZERO, |previous| {
                call.started.saturating_sub(previous.ended)
            }),
            took: call.took(),
        });
        current = previous;
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(operation: &str, started: u64, ended: u64) -> Call {
        Call {
            started: Duration::from_millis(started),
            ended: Duration::from_millis(ended),
            service: String::new(),
            operation: operation.to_owned(),
            line: String::new(),
            write: false,
            status: Some(200),
        }
    }

    #[test]
    fn goes_back_from_the_last_answer() {
        let calls = [
            call("look", 0, 60),
            call("look too", 1, 62),
            call("CreateRole", 63, 123),
            call("CreateRestApi", 63, 125),
            call("CreateResource", 126, 190),
        ];
        let names: Vec<_> = critical_chain(&calls)
            .into_iter()
            .map(|link| link.operation)
            .collect();
        assert_eq!(names, ["look too", "CreateRestApi", "CreateResource"]);
    }

    #[test]
    fn no_calls_make_no_chain() {
        assert!(critical_chain(&[]).is_empty());
    }
}
