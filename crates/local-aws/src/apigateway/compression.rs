//! Payload compression: answers by what the caller accepts, and requests that come compressed ("Payload compression for
//! REST APIs in API Gateway").

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};

use super::reply::{Denied, Reply};

/// API Gateway's payload.
const LARGEST: u64 = 10 * 1024 * 1024;

/// Compresses an answer of at least `minimum` bytes in the first encoding that the caller names and AWS has.
pub(super) fn compressed(mut reply: Reply, accepted: &HeaderMap, minimum: i64) -> Reply {
    let is_long = i64::try_from(reply.body.len()).is_ok_and(|length| length >= minimum);
    if !is_long || reply.body.is_empty() || reply.headers.contains_key(CONTENT_ENCODING) {
        return reply;
    }
    let accepted = accepted.get_all(ACCEPT_ENCODING).iter();
    let encoding = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter(|coding| !coding.replace(' ', "").ends_with(";q=0"))
        .map(|coding| coding.split(';').next().unwrap_or_default().trim())
        .find_map(|coding| match coding.to_ascii_lowercase().as_str() {
            "gzip" | "*" => Some("gzip"),
            "deflate" => Some("deflate"),
            _ => None,
        });
    let Some(encoding) = encoding else {
        return reply;
    };
    let made = if encoding == "gzip" {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(&reply.body)
            .and_then(|()| encoder.finish())
    } else {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(&reply.body)
            .and_then(|()| encoder.finish())
    };
    if let Ok(made) = made {
        reply.body = made.into();
        reply
            .headers
            .insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    reply
}

/// A request's body without its compression, and its headers without the name of it.
pub(super) fn decompressed(headers: &HeaderMap, body: &Bytes) -> Result<Option<Bytes>, Denied> {
    let Some(encoding) = headers.get(CONTENT_ENCODING) else {
        return Ok(None);
    };
    let mut made = Vec::new();
    let limit = LARGEST + 1;
    let outcome = match encoding
        .to_str()
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "" | "identity" => return Ok(None),
        "gzip" => GzDecoder::new(&**body).take(limit).read_to_end(&mut made),
        "deflate" => ZlibDecoder::new(&**body).take(limit).read_to_end(&mut made),
        _ => return Err(Denied::unsupported_media_type()),
    };
    if outcome.is_err() {
        return Err(Denied::bad_body("the content is not of its encoding"));
    }
    if made.len() as u64 > LARGEST {
        return Err(Denied::too_long());
    }
    Ok(Some(made.into()))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn encoded(accept: &'static str, minimum: i64) -> Reply {
        let mut accepted = HeaderMap::new();
        accepted.insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
        let reply = Reply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        };
        compressed(reply, &accepted, minimum)
    }

    #[test]
    fn answers_are_compressed_as_the_caller_accepts() {
        for (accept, minimum, expected) in [
            ("gzip", 0, Some("gzip")),
            ("br, deflate, gzip", 40, Some("deflate")),
            ("gzip;q=0, *", 1, Some("gzip")),
            ("br", 0, None),
            ("gzip", 41, None),
        ] {
            let reply = encoded(accept, minimum);
            let found = reply.headers.get(CONTENT_ENCODING);
            assert_eq!(
                found.and_then(|value| value.to_str().ok()),
                expected,
                "{accept}"
            );
            let back = decompressed(&reply.headers, &reply.body).expect("its encoding");
            assert_eq!(back.unwrap_or(reply.body).len(), 40);
        }
    }

    #[test]
    fn what_is_not_compressed_right_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let refused = decompressed(&headers, &Bytes::from_static(b"no gzip"));
        assert_eq!(refused.map_err(|denied| denied.status), Err(400));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
        let refused = decompressed(&headers, &Bytes::from_static(b"x"));
        assert_eq!(refused.map_err(|denied| denied.status), Err(415));
    }
}
