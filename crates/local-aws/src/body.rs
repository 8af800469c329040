//! Bodies that were compressed on their way to a service.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::answer::Refusal;
use crate::server::LARGEST_BODY;
use crate::service::{Protocol, Service};
use crate::unknown;

/// The body as it was before `Content-Encoding`: SDKs send long ones with `gzip`.
pub(crate) fn decoded(
    service: Service,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Bytes, Refusal> {
    let Some(encoding) = headers.get(CONTENT_ENCODING) else {
        return Ok(body);
    };
    let encoding = String::from_utf8_lossy(encoding.as_bytes()).to_lowercase();
    match encoding.trim() {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => inflated(service, &body),
        // Chunks with signatures of their own, which S3 alone takes, among others.
        other => Err(unknown::unsupported(
            service,
            &format!("the content encoding {other}"),
        )),
    }
}

fn inflated(service: Service, body: &Bytes) -> Result<Bytes, Refusal> {
    let most = u64::try_from(LARGEST_BODY).unwrap_or(u64::MAX);
    let mut inflated = Vec::new();
    MultiGzDecoder::new(body.as_ref())
        .take(most + 1)
        .read_to_end(&mut inflated)
        .map_err(|_| unreadable(service))?;
    if inflated.len() > LARGEST_BODY {
        return Err(Refusal::new(
            413,
            &service.code("RequestEntityTooLarge"),
            "Request Too Long",
        ));
    }
    Ok(inflated.into())
}

fn unreadable(service: Service) -> Refusal {
    let code = match service.protocol() {
        Protocol::Query => "MalformedInput",
        _ => "SerializationException",
    };
    Refusal::new(400, code, "The request body is not valid gzip")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;

    use super::*;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory").into()
    }

    fn decode(encoding: &'static str, body: Bytes) -> Result<Bytes, Refusal> {
        let headers =
            HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(encoding))]);
        decoded(Service::Logs, &headers, body)
    }

    #[test]
    fn gzip_is_read() {
        assert_eq!(decode("gzip", gzip(b"{}")), Ok(Bytes::from("{}")));
        assert_eq!(decode("identity", "{}".into()), Ok(Bytes::from("{}")));
        let two = [gzip(b"{"), gzip(b"}")].concat();
        assert_eq!(decode("GZIP", two.into()), Ok(Bytes::from("{}")));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let code = |encoding, body| decode(encoding, body).expect_err("it cannot").code;
        assert_eq!(code("gzip", "{}".into()), "SerializationException");
        let cut = gzip(b"{}").slice(..10);
        assert_eq!(code("gzip", cut), "SerializationException");
        assert_eq!(code("aws-chunked", "{}".into()), "NotImplementedException");
        assert_eq!(code("br", "{}".into()), "NotImplementedException");
    }

    #[test]
    fn a_bomb_does_not_explode() {
        let bomb = gzip(&vec![0; LARGEST_BODY + 1]);
        assert!(bomb.len() < 100_000);
        let refusal = decode("gzip", bomb).expect_err("it is too large");
        assert_eq!(refusal.status, 413);
    }
}
