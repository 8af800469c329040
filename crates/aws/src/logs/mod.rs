//! CloudWatch Logs (AWS: "CloudWatch Logs quotas" for rates).

mod log_group;

use provision_engine::operation::{Meaning, Reading, Service};

pub use self::log_group::{
    FILTER_EVENTS, LogGroup, LogGroupHandle, LogGroupOutput, RETENTION_DAYS,
};

const LOGS: Service = Service::new(
    "CloudWatch Logs",
    &[
        Reading::of("OperationAbortedException", Meaning::ConcurrentChange),
        Reading::of("ResourceNotFoundException", Meaning::NotFound),
        Reading::of("ResourceAlreadyExistsException", Meaning::Exists),
    ],
);
