//! What can go wrong at a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use provision_engine::interrupt::Signal;
use testkit::{Answer, Decision, Request};

use crate::world::{Hands, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody takes the connection.
    Refused,
    /// The connection breaks before AWS sees the request.
    DropBefore,
    /// AWS acts, and its answer is lost.
    DropAfter,
    /// AWS acts, and its answer breaks off in the middle.
    CutAfter,
    Status500,
    Status503,
    Throttled,
    /// Somebody else changes the same thing at this moment.
    Conflict,
    /// AWS acts, and its answer takes longer than anybody waits.
    Hang,
    /// From this call on, the credentials have expired.
    Expired,
    /// From this call on, there is no network.
    NetworkGone,
    KillBefore,
    KillAfter,
    Interrupt,
    Terminate,
}

impl Fault {
    pub(crate) const ALL: [Self; 15] = [
        Self::Refused,
        Self::DropBefore,
        Self::DropAfter,
        Self::CutAfter,
        Self::Conflict,
        Self::Status500,
        Self::Status503,
        Self::Throttled,
        Self::Hang,
        Self::Expired,
        Self::NetworkGone,
        Self::KillBefore,
        Self::KillAfter,
        Self::Interrupt,
        Self::Terminate,
    ];

    /// Returns true if a run takes it without failing.
    pub(crate) fn is_absorbed(self) -> bool {
        matches!(
            self,
            Self::Refused
                | Self::DropBefore
                | Self::DropAfter
                | Self::CutAfter
                | Self::Conflict
                | Self::Status500
                | Self::Status503
                | Self::Throttled
                | Self::Hang
        )
    }

    /// Makes it happen at call `at` (from 0) of the next run. The count of calls seen so far is returned.
    pub(crate) fn arm(self, world: &World, at: usize) -> (Hands, Arc<AtomicUsize>) {
        let hands = Hands::new();
        let seen = Arc::new(AtomicUsize::new(0));
        let (acting, counted) = (hands.clone(), seen.clone());
        world.way.decide(move |request| {
            let call = counted.fetch_add(1, Ordering::Relaxed);
            match self {
                Self::Expired if call >= at => Decision::Answer(expired(request)),
                Self::NetworkGone if call >= at => Decision::Refuse,
                _ if call != at => Decision::Forward,
                _ => self.decision(request, &acting),
            }
        });
        (hands, seen)
    }

    /// Makes it happen at the first call of `operation` of `service`. The count of such calls seen so far is returned.
    pub(crate) fn arm_at(
        self,
        world: &World,
        service: &'static str,
        operation: &'static str,
    ) -> (Hands, Arc<AtomicUsize>) {
        let hands = Hands::new();
        let seen = Arc::new(AtomicUsize::new(0));
        let (acting, counted) = (hands.clone(), seen.clone());
        world.way.decide(move |request| {
            let is_meant = request.service == service && request.operation == operation;
            let before = counted.fetch_add(usize::from(is_meant), Ordering::Relaxed);
            match self {
                Self::Expired if is_meant || before > 0 => Decision::Answer(expired(request)),
                Self::NetworkGone if is_meant || before > 0 => Decision::Refuse,
                _ if is_meant && before == 0 => self.decision(request, &acting),
                _ => Decision::Forward,
            }
        });
        (hands, seen)
    }

    fn decision(self, request: &Request, hands: &Hands) -> Decision {
        match self {
            Self::Refused | Self::NetworkGone => Decision::Refuse,
            Self::DropBefore => Decision::DropBefore,
            Self::DropAfter => Decision::DropAfter,
            Self::CutAfter => Decision::CutAfter,
            Self::Conflict => Decision::Answer(conflict(request)),
            Self::Status500 => Decision::Answer(error(request, 500, "InternalFailure")),
            Self::Status503 => Decision::Answer(error(request, 503, "ServiceUnavailable")),
            Self::Throttled => Decision::Answer(
                error(request, 429, "TooManyRequestsException").with_header("retry-after", "2"),
            ),
            Self::Hang => Decision::HangAfter,
            Self::Expired => Decision::Answer(expired(request)),
            Self::KillBefore => {
                hands.kill();
                Decision::Hang
            }
            Self::KillAfter => {
                hands.kill();
                Decision::HangAfter
            }
            Self::Interrupt => {
                hands.signal(Signal::Interrupt);
                Decision::Delay(Duration::from_millis(60))
            }
            Self::Terminate => {
                hands.signal(Signal::Terminate);
                Decision::Delay(Duration::from_millis(60))
            }
        }
    }
}

/// As each service words it.
fn conflict(request: &Request) -> Answer {
    const MESSAGE: &str =
        "Unable to complete operation due to concurrent modification. Please try again later.";
    match request.service.as_str() {
        "iam" | "sts" => Answer::query_error(409, "ConcurrentModification", MESSAGE),
        "lambda" => Answer::error(
            409,
            "ResourceConflictException",
            "The function could not be updated due to a concurrent update operation.",
        ),
        "logs" => Answer::error(400, "OperationAbortedException", MESSAGE),
        "apigateway" => Answer::error(409, "ConflictException", MESSAGE),
        _ => error(request, 500, "InternalServerError"),
    }
}

fn expired(request: &Request) -> Answer {
    let code = match request.service.as_str() {
        "iam" | "sts" => "ExpiredToken",
        _ => "ExpiredTokenException",
    };
    error(request, 403, code)
}

fn error(request: &Request, status: u16, code: &str) -> Answer {
    match request.service.as_str() {
        "iam" | "sts" => Answer::query_error(status, code, "made by the test"),
        _ => Answer::error(status, code, "made by the test"),
    }
}
