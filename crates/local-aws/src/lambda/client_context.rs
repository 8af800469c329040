//! What a caller says of itself (`X-Amz-Client-Context`), for the function.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::Value;

use crate::answer::Refusal;

/// AWS (`Invoke`): "Up to 3,583 bytes of base64-encoded data".
const LARGEST: usize = 3_583;

/// The JSON object that a call brings along.
pub(super) fn of(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(header) = headers.get("x-amz-client-context") else {
        return Ok(None);
    };
    if header.len() > LARGEST {
        let message =
            format!("Client context must be no more than {LARGEST} bytes when base64-encoded.");
        return Err(refused(&message));
    }
    STANDARD
        .decode(header.as_bytes())
        .ok()
        .and_then(|json| serde_json::from_slice::<Value>(&json).ok())
        .filter(Value::is_object)
        // Written anew: a header has no line breaks.
        .map(|context| Some(context.to_string()))
        // Reported in aws/aws-sdk-js#1388.
        .ok_or_else(|| refused("Client context must be a valid Base64-encoded JSON object."))
}

fn refused(message: &str) -> Refusal {
    Refusal::new(400, "InvalidRequestContentException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-client-context", header.parse().expect("a header"));
        of(&headers).map_err(|refusal| refusal.message)
    }

    #[test]
    fn a_context_is_a_json_object_in_base64() {
        assert_eq!(of(&HeaderMap::new()).expect("none"), None);
        let sent = STANDARD.encode("{ \"custom\":\n { \"a\": \"é\" } }");
        assert_eq!(
            read(&sent).expect("a context").as_deref(),
            Some("{\"custom\":{\"a\":\"é\"}}")
        );
        for broken in ["{}", "e30", "bnVsbA==", "W10="] {
            assert!(
                read(broken)
                    .expect_err("no object")
                    .contains("valid Base64"),
                "{broken}"
            );
        }
    }

    #[test]
    fn a_context_has_a_largest_size() {
        let fits = STANDARD.encode(format!(
            "{{\"custom\":{{\"a\":\"{}\"}}}}",
            "x".repeat(2_650)
        ));
        assert!(fits.len() <= LARGEST);
        assert!(read(&fits).is_ok());
        let large = STANDARD.encode(format!(
            "{{\"custom\":{{\"a\":\"{}\"}}}}",
            "x".repeat(2_700)
        ));
        assert!(read(&large).expect_err("too large").contains("3583"));
    }
}
