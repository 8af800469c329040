//! The age that a signature may have.

use crate::answer::Refusal;
use crate::clock::{self, Clock, Moment};
use crate::cloud::Cloud;
use crate::door::refused_signature;
use crate::service::Service;

const MINUTE_MS: u64 = 60 * 1000;

/// Minutes that a signature is good for, before and after. Of presigned URLs too, whatever their `X-Amz-Expires` says, as on
/// AWS in all services but S3 (aws/aws-sdk-go#2167, aws/aws-sdk-ruby#2887).
fn minutes(service: Service) -> u64 {
    match service {
        // Messages with 15 in aws/aws-cli#6676 (STS); with 5 of other services in aws/aws-sdk-js#573.
        Service::Iam | Service::Sts => 15,
        _ => 5,
    }
}

/// Refuses a signature that is too old or too new by the machine's clock, which clients sign by. A clock that runs ahead of
/// it in tests says nothing about a signature, and neither does a request without a time.
pub(crate) fn check(cloud: &Cloud, service: Service, time: Option<&str>) -> Result<(), Refusal> {
    let (Clock::System, Some(time)) = (&cloud.clock, time) else {
        return Ok(());
    };
    check_at(service, time, cloud.now())
}

fn check_at(service: Service, time: &str, now: Moment) -> Result<(), Refusal> {
    let Some(signed) = clock::read_compact(time) else {
        return Err(refused_signature(
            service,
            format!(
                "Date must be in ISO-8601 'basic format'. Got '{time}'. See http://en.wikipedia.org/wiki/ISO_8601"
            ),
        ));
    };
    let minutes = minutes(service);
    let shown = clock::compact(now);
    let oldest = now.saturating_sub(minutes * MINUTE_MS);
    let newest = now.saturating_add(minutes * MINUTE_MS);
    if signed < oldest {
        return Err(refused_signature(
            service,
            format!(
                "Signature expired: {time} is now earlier than {} ({shown} - {minutes} min.)",
                clock::compact(oldest)
            ),
        ));
    }
    if signed > newest {
        return Err(refused_signature(
            service,
            format!(
                "Signature not yet current: {time} is still later than {} ({shown} + {minutes} min.)",
                clock::compact(newest)
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_age() {
        let now = 1_795_512_600_123;
        let check = |service, time| check_at(service, time, now).map_err(|why| why.message);
        for time in ["20261124T093000Z", "20261124T092501Z", "20261124T093459Z"] {
            assert_eq!(check(Service::Lambda, time), Ok(()), "{time}");
        }
        assert_eq!(check(Service::Sts, "20261124T091501Z"), Ok(()));
        assert_eq!(
            check(Service::DynamoDb, "20261124T092459Z"),
            Err(
                "Signature expired: 20261124T092459Z is now earlier than 20261124T092500Z (20261124T093000Z - 5 min.)"
                    .to_owned()
            )
        );
        assert_eq!(
            check(Service::Sts, "20261124T094501Z"),
            Err(
                "Signature not yet current: 20261124T094501Z is still later than 20261124T094500Z \
                 (20261124T093000Z + 15 min.)"
                    .to_owned()
            )
        );
        assert!(check(Service::Sts, "yesterday").is_err());
    }
}
