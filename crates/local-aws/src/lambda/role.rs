//! Whether a function may have its role.

use super::refusals::invalid;
use crate::answer::Refusal;
use crate::cloud::Cloud;
use crate::iam;
use crate::place::Place;
use crate::store::Tx;

/// Refuses a role that is not there, is another account's, or cannot be assumed by Lambda.
pub(super) fn check(cloud: &Cloud, tx: &Tx, place: &Place, arn: &str) -> Result<(), Refusal> {
    if arn.split(':').nth(4) != Some(place.account.as_str()) {
        return Err(Refusal::new(
            403,
            "AccessDeniedException",
            "Cross-account pass role is not allowed.",
        ));
    }
    if is_assumable(cloud, tx, place, name(arn))? {
        Ok(())
    } else {
        Err(invalid(
            "The role defined for the function cannot be assumed by Lambda.",
        ))
    }
}

/// The role's name: the last part of its ARN, after its path.
pub(super) fn name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

fn is_assumable(cloud: &Cloud, tx: &Tx, place: &Place, name: &str) -> Result<bool, Refusal> {
    let role = iam::role(tx, place, name)?;
    Ok(role.is_some_and(|role| iam::is_assumable_by(cloud, &role, "lambda.amazonaws.com")))
}
