//! The gateway's answers to callers who may not pass.

use serde_json::json;

use crate::apigateway::gateway_response;
use crate::apigateway::reply::Denied;

/// With a body of its own.
fn denied(status: u16, kind: &'static str, message: &str, body: &serde_json::Value) -> Denied {
    Denied {
        body: Some(body.to_string()),
        ..plain(status, kind, message)
    }
}

fn plain(status: u16, kind: &'static str, message: &str) -> Denied {
    Denied {
        status,
        kind,
        message: message.to_owned(),
        response: gateway_response::family(status),
        why: None,
        body: None,
    }
}

fn access_denied(message: &str) -> Denied {
    denied(
        403,
        "AccessDeniedException",
        message,
        &json!({ "Message": message }),
    )
    .of_type("ACCESS_DENIED")
}

impl Denied {
    /// UNAUTHORIZED: what identifies the caller is missing, or the authorizer says so.
    pub(super) fn unauthorized() -> Self {
        plain(401, "UnauthorizedException", "Unauthorized").of_type("UNAUTHORIZED")
    }

    /// `ACCESS_DENIED` by an authorizer's policy.
    pub(super) fn by_authorizer(is_explicit: bool) -> Self {
        access_denied(if is_explicit {
            "User is not authorized to access this resource with an explicit deny"
        } else {
            "User is not authorized to access this resource"
        })
    }

    /// `ACCESS_DENIED` by the resource policy or the caller's rights. Of the account in the ARN, the last four digits show.
    pub(super) fn to_user(user: &str, arn: &str, is_explicit: bool) -> Self {
        let masked: Vec<String> = arn
            .splitn(6, ':')
            .enumerate()
            .map(|(at, part)| match part.len().checked_sub(4) {
                Some(hidden) if at == 4 => {
                    format!("********{}", part.get(hidden..).unwrap_or_default())
                }
                _ => part.to_owned(),
            })
            .collect();
        let why = if is_explicit {
            " with an explicit deny"
        } else {
            ""
        };
        access_denied(&format!(
            "User: {user} is not authorized to perform: execute-api:Invoke on resource: {}{why}",
            masked.join(":")
        ))
    }

    /// `AUTHORIZER_CONFIGURATION_ERROR`: no permission, a function that fails, an answer of another form.
    pub(super) fn authorizer_configuration() -> Self {
        let body = json!({ "message": null });
        denied(500, "AuthorizerConfigurationException", "", &body)
            .of_type("AUTHORIZER_CONFIGURATION_ERROR")
    }

    /// `AUTHORIZER_FAILURE`: the function was not run, or not to its end.
    pub(super) fn authorizer_failure() -> Self {
        let body = json!({ "message": null });
        denied(500, "AuthorizerFailureException", "", &body).of_type("AUTHORIZER_FAILURE")
    }

    /// `INVALID_SIGNATURE`.
    pub(super) fn invalid_signature(message: &str) -> Self {
        plain(403, "InvalidSignatureException", message).of_type("INVALID_SIGNATURE")
    }

    pub(super) fn incomplete_signature(message: &str) -> Self {
        plain(403, "IncompleteSignatureException", message)
    }

    pub(super) fn unknown_token() -> Self {
        plain(
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    }

    /// `EXPIRED_TOKEN`.
    pub(super) fn expired_token() -> Self {
        plain(
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        )
        .of_type("EXPIRED_TOKEN")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_masked() {
        let arn = "arn:aws:execute-api:us-west-2:123456782543:vd2gh6uqw3/api/GET/";
        assert_eq!(
            Denied::to_user("anonymous", arn, false).message,
            "User: anonymous is not authorized to perform: execute-api:Invoke on resource: \
             arn:aws:execute-api:us-west-2:********2543:vd2gh6uqw3/api/GET/"
        );
    }
}
