//! Tokens of answers in pages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::answer::Refusal;

/// Returns the token of the page after `key`.
pub(super) fn token(key: &str) -> String {
    STANDARD.encode(key)
}

/// Returns the key that a token stands for.
pub(super) fn after(token: Option<&String>) -> Result<Option<String>, Refusal> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    STANDARD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Some)
        .ok_or_else(|| Refusal::new(400, "InvalidNextToken", "The specified token isn't valid."))
}

/// Returns one page of `items`, which are in the order of their keys, and the token of the next page.
pub(super) fn page<T>(
    items: Vec<(String, T)>,
    token_given: Option<&String>,
    most: usize,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let after = after(token_given)?;
    let mut rest = items
        .into_iter()
        .skip_while(|(key, _)| after.as_ref().is_some_and(|after| key <= after));
    let mut last = None;
    let page = rest
        .by_ref()
        .take(most)
        .map(|(key, item)| {
            last = Some(key);
            item
        })
        .collect();
    let next = rest.next().and(last).map(|key| token(&key));
    Ok((page, next))
}
