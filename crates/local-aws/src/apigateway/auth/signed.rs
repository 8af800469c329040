//! Methods with `AWS_IAM`: whose signature a request has, and what that caller may do.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::request::Parts;
use sha2::{Digest, Sha256};

use crate::answer::Refusal;
use crate::apigateway::invocation::Incoming;
use crate::apigateway::reply::Denied;
use crate::call::Caller;
use crate::clock::{self, Moment};
use crate::cloud::Cloud;
use crate::door;
use crate::iam::{self, Decision};
use crate::place::Place;
use crate::signature::{Signature, Unsigned};

/// Milliseconds that a signature's time may be off (mhart/aws4#118, measured by MI #1746).
const TOLERANCE: u64 = 5 * 60 * 1000;
const SERVICE: &str = "execute-api";

/// The members of `requestContext.identity` that tell who signed.
#[derive(Clone, Debug)]
pub(in crate::apigateway) struct Identity {
    pub(in crate::apigateway) access_key: String,
    pub(in crate::apigateway) account_id: String,
    /// The account's id, or `{role id}:{session}`.
    pub(in crate::apigateway) caller: String,
    pub(in crate::apigateway) user_arn: String,
}

/// Whoever signed a request.
pub(super) struct Signer {
    pub(super) identity: Identity,
    pub(super) place: Place,
    caller: Caller,
    is_function: bool,
    /// The ARN of the role that is assumed.
    role_arn: Option<String>,
}

impl Signer {
    /// All ARNs that a policy may name it by.
    pub(super) fn arns(&self) -> Vec<String> {
        std::iter::once(self.identity.user_arn.clone())
            .chain(self.role_arn.clone())
            .collect()
    }

    /// What its own policies say, if they are looked at; else it may do everything.
    pub(super) fn decision(
        &self,
        cloud: &Cloud,
        action: &str,
        arn: &str,
    ) -> Result<Decision, Refusal> {
        iam::decide(
            cloud,
            &self.place,
            &self.caller,
            self.is_function,
            action,
            arn,
            &[],
        )
    }
}

/// Why a request is not taken for a signed one; `None` if it has a header of the form.
pub(super) fn unsigned(headers: &HeaderMap) -> Option<Denied> {
    match Signature::of(headers) {
        Ok(_) => None,
        Err(Unsigned::Missing) => Some(Denied::no_route()),
        Err(Unsigned::Incomplete) => {
            let header = headers.get("authorization")?;
            let hash = STANDARD.encode(Sha256::digest(header.as_bytes()));
            let text = String::from_utf8_lossy(header.as_bytes());
            let rest = text.trim().split_once(' ').map_or("", |(_, rest)| rest);
            let pairs = rest.split(',').map(str::trim);
            let how = "(hashed with SHA-256 and encoded with Base64)";
            if pairs.clone().any(|pair| !pair.contains('=')) {
                return Some(Denied::incomplete_signature(&format!(
                    "Invalid key=value pair (missing equal-sign) in Authorization header {how}: '{hash}'."
                )));
            }
            let has = |name: &str| {
                pairs
                    .clone()
                    .any(|pair| pair.split('=').next() == Some(name))
            };
            let mut message = String::new();
            for name in ["Credential", "Signature", "SignedHeaders"] {
                if !has(name) {
                    message.push_str("Authorization header requires '");
                    message.push_str(name);
                    message.push_str("' parameter. ");
                }
            }
            if !headers.contains_key("x-amz-date") && !headers.contains_key("date") {
                message.push_str(
                    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
                );
            }
            message.push_str("(Hashed with SHA-256 and encoded with Base64) Authorization=");
            Some(Denied::incomplete_signature(&format!("{message}{hash}")))
        }
    }
}

/// Who signed, if the signature is right and of this time. Keys that are no session's are of their account, with any secret.
pub(super) fn verify(incoming: &Incoming, parts: &Parts) -> Result<Signer, Denied> {
    let headers = &parts.headers;
    let signature = match (unsigned(headers), Signature::of(headers)) {
        (None, Ok(signature)) => signature,
        (denied, _) => return Err(denied.unwrap_or_else(Denied::no_route)),
    };
    let cloud = incoming.cloud;
    check_scope(&signature, incoming)?;
    check_time(headers, cloud.now())?;
    let Some(session) = cloud.session(&signature.access_key) else {
        let place = Place {
            account: door::account(&signature.access_key),
            region: incoming.place.region.clone(),
        };
        return signer(cloud, signature.access_key, place, Caller::Account, false);
    };
    let token = headers.get("x-amz-security-token");
    if token.is_none_or(|token| token.as_bytes() != session.token.as_bytes()) {
        return Err(Denied::unknown_token());
    }
    if session.expires < cloud.now() {
        return Err(Denied::expired_token());
    }
    let is_by = signature.is_by(
        &session.secret,
        &parts.method,
        parts.uri.path(),
        parts.uri.query().unwrap_or_default(),
        headers,
        &incoming.body,
    );
    if !is_by {
        return Err(Denied::invalid_signature(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
             Key and signing method. Consult the service documentation for details.",
        ));
    }
    let place = Place {
        region: incoming.place.region.clone(),
        ..session.place
    };
    signer(
        cloud,
        signature.access_key,
        place,
        session.caller,
        session.is_function,
    )
}

fn signer(
    cloud: &Cloud,
    access_key: String,
    place: Place,
    caller: Caller,
    is_function: bool,
) -> Result<Signer, Denied> {
    let (id, role_arn) = match &caller {
        Caller::Account => (place.account.clone(), None),
        Caller::Role { name, session } => {
            let role = cloud
                .store
                .transact(|tx| iam::role(tx, &place, name))
                .map_err(|_| Denied::configuration())?
                .ok_or_else(Denied::unknown_token)?;
            (format!("{}:{session}", role.id), Some(role.arn))
        }
    };
    let identity = Identity {
        access_key,
        account_id: place.account.clone(),
        caller: id,
        user_arn: caller.arn(&place),
    };
    Ok(Signer {
        identity,
        place,
        caller,
        is_function,
        role_arn,
    })
}

fn check_scope(signature: &Signature, incoming: &Incoming) -> Result<(), Denied> {
    if signature.region != incoming.place.region {
        return Err(Denied::invalid_signature(&format!(
            "Credential should be scoped to a valid region, not '{}'. ",
            signature.region
        )));
    }
    if signature.service != SERVICE {
        return Err(Denied::invalid_signature(&format!(
            "Credential should be scoped to correct service: '{SERVICE}'. "
        )));
    }
    Ok(())
}

fn check_time(headers: &HeaderMap, now: Moment) -> Result<(), Denied> {
    let sent = headers
        .get("x-amz-date")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let Some(signed) = moment(sent) else {
        return Err(Denied::incomplete_signature(&format!(
            "Date must be in ISO-8601 'basic format'. Got '{sent}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )));
    };
    let earliest = now.saturating_sub(TOLERANCE);
    let latest = now.saturating_add(TOLERANCE);
    if signed / 1000 < earliest / 1000 {
        return Err(Denied::invalid_signature(&format!(
            "Signature expired: {sent} is now earlier than {} ({} - 5 min.)",
            basic(earliest),
            basic(now)
        )));
    }
    if signed / 1000 > latest / 1000 {
        return Err(Denied::invalid_signature(&format!(
            "Signature not yet current: {sent} is still later than {} ({} + 5 min.)",
            basic(latest),
            basic(now)
        )));
    }
    Ok(())
}

/// `20261124T093000Z`.
fn basic(moment: Moment) -> String {
    clock::iso(moment).replace(['-', ':'], "")
}

fn moment(text: &str) -> Option<Moment> {
    let digits: String = text.strip_suffix('Z')?.replacen('T', "", 1);
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<u8>().ok();
    let year = digits.get(..4)?.parse().ok()?;
    let month = time::Month::try_from(part(4, 6)?).ok()?;
    let date = time::Date::from_calendar_date(year, month, part(6, 8)?).ok()?;
    let at = date
        .with_hms(part(8, 10)?, part(10, 12)?, part(12, 14)?)
        .ok()?;
    Moment::try_from(at.assume_utc().unix_timestamp())
        .ok()?
        .checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_age_in_five_minutes() {
        let now = moment("20201027T130007Z").expect("a time");
        let checked = |date: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-amz-date", http::HeaderValue::from_static(date));
            check_time(&headers, now).map_err(|denied| denied.message)
        };
        assert_eq!(checked("20201027T125507Z"), Ok(()));
        assert_eq!(checked("20201027T130507Z"), Ok(()));
        assert_eq!(
            checked("20201027T123008Z"),
            Err("Signature expired: 20201027T123008Z is now earlier than 20201027T125507Z (20201027T130007Z - 5 min.)".into())
        );
        assert!(checked("20201027T130508Z").is_err());
        assert!(checked("2020").is_err());
        assert!(checked("99999999T999999Z").is_err());
    }

    #[test]
    fn headers_that_are_no_signature_are_told_apart() {
        let denied = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", http::HeaderValue::from_static(text));
            unsigned(&headers).expect("it is none").message
        };
        assert!(denied("Bearer sometoken").starts_with("Invalid key=value pair"));
        assert!(
            denied("Basic a=b")
                .starts_with("Authorization header requires 'Credential' parameter.")
        );
    }
}
