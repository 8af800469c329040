//! Version 4 signatures: what a request claims to be signed by, and whether it is.

use std::fmt::Write;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::call::form;

/// What the `Authorization` header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) access_key: String,
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    signed_headers: Vec<String>,
    given: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// No such header.
    Missing,
    /// A header that is not of the form.
    Incomplete,
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

impl Signature {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Unsigned> {
        let header = headers.get("authorization").ok_or(Unsigned::Missing)?;
        header
            .to_str()
            .ok()
            .and_then(Self::read)
            .ok_or(Unsigned::Incomplete)
    }

    fn read(header: &str) -> Option<Self> {
        let parts = header.trim().strip_prefix(ALGORITHM)?;
        let part = |name: &str| {
            parts
                .split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let credential: Vec<&str> = part("Credential")?.split('/').collect();
        let [access_key, date, region, service, "aws4_request"] = credential[..] else {
            return None;
        };
        // A region becomes part of file names.
        let is_region = |text: &str| {
            (1..=32).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if access_key.is_empty() || service.is_empty() || !is_region(region) {
            return None;
        }
        Some(Self {
            access_key: access_key.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: part("SignedHeaders")?
                .split(';')
                .map(str::to_owned)
                .collect(),
            given: part("Signature")?.to_owned(),
        })
    }

    /// Returns true if `secret` signed this very request.
    pub(crate) fn is_by(
        &self,
        secret: &str,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> bool {
        let Some(time) = headers
            .get("x-amz-date")
            .and_then(|value| value.to_str().ok())
        else {
            return false;
        };
        let request = self.canonical_request(method, path, query, headers, body);
        let scope = format!(
            "{}/{}/{}/aws4_request",
            self.date, self.region, self.service
        );
        let to_sign = format!(
            "{ALGORITHM}\n{time}\n{scope}\n{}",
            hex(&Sha256::digest(request))
        );
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [&self.date, &self.region, &self.service, "aws4_request"] {
            key = mac(&key, part).finalize().into_bytes().to_vec();
        }
        let Some(signature) = unhex(&self.given) else {
            return false;
        };
        mac(&key, &to_sign).verify_slice(&signature).is_ok()
    }

    fn canonical_request(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> String {
        // What is encoded already is encoded once more, in all services but S3.
        let path = utf8_percent_encode(if path.is_empty() { "/" } else { path }, PATH);
        let mut pairs: Vec<String> = form(query)
            .iter()
            .map(|(name, value)| {
                format!(
                    "{}={}",
                    utf8_percent_encode(name, UNRESERVED),
                    utf8_percent_encode(value, UNRESERVED)
                )
            })
            .collect();
        pairs.sort_unstable();
        let mut lines = String::new();
        for name in &self.signed_headers {
            let values: Vec<String> = headers
                .get_all(name.as_str())
                .iter()
                .map(|value| {
                    let text = String::from_utf8_lossy(value.as_bytes());
                    text.split_whitespace().collect::<Vec<_>>().join(" ")
                })
                .collect();
            let _ = writeln!(lines, "{name}:{}", values.join(","));
        }
        format!(
            "{method}\n{path}\n{}\n{lines}\n{}\n{}",
            pairs.join("&"),
            self.signed_headers.join(";"),
            hex(&Sha256::digest(body))
        )
    }
}

pub(crate) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

fn mac(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("a key of any length fits");
    mac.update(text.as_bytes());
    mac
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    bytes
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's documentation "Signature Version 4 signing process" (`ListUsers`).
    #[test]
    fn the_documented_example_is_signed() {
        let headers = HeaderMap::from_iter(
            [
                ("host", "iam.amazonaws.com"),
                (
                    "content-type",
                    "application/x-www-form-urlencoded; charset=utf-8",
                ),
                ("x-amz-date", "20150830T123600Z"),
                (
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                     SignedHeaders=content-type;host;x-amz-date, \
                     Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
                ),
            ]
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    http::HeaderValue::from_static(value),
                )
            }),
        );
        let signature = Signature::of(&headers).expect("it is of the form");
        assert_eq!(signature.service, "iam");
        let is_by = |secret| {
            signature.is_by(
                secret,
                &Method::GET,
                "/",
                "Action=ListUsers&Version=2010-05-08",
                &headers,
                &Bytes::new(),
            )
        };
        assert!(is_by("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
        assert!(!is_by("another"));
    }

    #[test]
    fn what_is_no_signature_is_told_apart() {
        let mut headers = HeaderMap::new();
        assert_eq!(Signature::of(&headers), Err(Unsigned::Missing));
        for text in [
            "AWS4-HMAC-SHA256 Credential=a/20260101/../iam/aws4_request, SignedHeaders=host, Signature=0",
            "Basic abc",
            "AWS4-HMAC-SHA256 Credential=a/b/c",
            "AWS4-HMAC-SHA256",
        ] {
            headers.insert("authorization", text.parse().expect("a header"));
            assert_eq!(Signature::of(&headers), Err(Unsigned::Incomplete));
        }
    }
}
