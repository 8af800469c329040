//! Tokens of answers in pages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::invalid;
use crate::answer::Refusal;
use crate::clock::Moment;

/// AWS: `PaginationTokenExpiredException`, "valid for a maximum of 15 minutes".
const VALID_MS: u64 = 15 * 60 * 1000;

/// Returns the token of the page after `key`.
pub(super) fn token(key: &str, now: Moment) -> String {
    STANDARD.encode(format!("{now} {key}"))
}

/// Returns the key that a token stands for; an empty token stands for none.
pub(super) fn after(token: Option<&String>, now: Moment) -> Result<Option<String>, Refusal> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    let text = STANDARD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let parts = text.as_ref().and_then(|text| {
        let (made, key) = text.split_once(' ')?;
        Some((made.parse::<Moment>().ok()?, key))
    });
    match parts {
        None => Err(invalid("The specified PaginationToken is not valid.")),
        Some((made, _)) if made.saturating_add(VALID_MS) < now => Err(Refusal::new(
            400,
            "PaginationTokenExpiredException",
            "The specified PaginationToken has expired. A PaginationToken is valid for a maximum of 15 minutes.",
        )),
        Some((_, key)) => Ok(Some(key.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_expires() {
        let token = token("arn:x y", 1_000);
        let after = |now| after(Some(&token), now).map_err(|refusal| refusal.code);
        assert_eq!(after(1_000 + VALID_MS), Ok(Some("arn:x y".to_owned())));
        assert_eq!(
            after(1_001 + VALID_MS),
            Err("PaginationTokenExpiredException".to_owned())
        );
    }

    #[test]
    fn an_empty_token_is_none() {
        assert_eq!(after(Some(&String::new()), 0), Ok(None));
        assert!(after(Some(&"x".to_owned()), 0).is_err());
    }
}
