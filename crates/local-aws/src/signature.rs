//! Version 4 signatures: what a request claims to be signed by, and whether it is.

use std::fmt::Write;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::call::{Call, form};

/// What the `Authorization` header says, or the query of a presigned URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) access_key: String,
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    signed_headers: Vec<String>,
    given: String,
    /// Of a presigned URL; else it is in a header.
    query: Option<Presigned>,
}

/// What only the query of a presigned URL has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Presigned {
    time: String,
    token: Option<String>,
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

    /// Reads the signature of a request, in its query or its header.
    pub(crate) fn of_request(query: &str, headers: &HeaderMap) -> Result<Self, Unsigned> {
        let parameters = form(query);
        if parameters.iter().any(|(name, _)| name == "X-Amz-Algorithm") {
            return Self::of_query(&parameters).ok_or(Unsigned::Incomplete);
        }
        Self::of(headers)
    }

    /// A presigned URL's (AWS: "Authenticating requests: using query parameters").
    fn of_query(parameters: &[(String, String)]) -> Option<Self> {
        let parameter = |name: &str| {
            let found = parameters.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.as_str())
        };
        if parameter("X-Amz-Algorithm") != Some(ALGORITHM) {
            return None;
        }
        let query = Presigned {
            time: parameter("X-Amz-Date")?.to_owned(),
            token: parameter("X-Amz-Security-Token").map(str::to_owned),
        };
        let signature = Self::of_parts(
            parameter("X-Amz-Credential")?,
            parameter("X-Amz-SignedHeaders")?,
            parameter("X-Amz-Signature")?,
        )?;
        Some(Self {
            query: Some(query),
            ..signature
        })
    }

    fn read(header: &str) -> Option<Self> {
        let parts = header.trim().strip_prefix(ALGORITHM)?;
        let part = |name: &str| {
            parts
                .split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        Self::of_parts(
            part("Credential")?,
            part("SignedHeaders")?,
            part("Signature")?,
        )
    }

    fn of_parts(credential: &str, signed_headers: &str, given: &str) -> Option<Self> {
        let credential: Vec<&str> = credential.split('/').collect();
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
            signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
            given: given.to_owned(),
            query: None,
        })
    }

    /// When the request says that it was signed: `20261124T093000Z`.
    pub(crate) fn time<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        match &self.query {
            Some(query) => Some(&query.time),
            None => headers
                .get("x-amz-date")
                .and_then(|value| value.to_str().ok()),
        }
    }

    /// The token of temporary credentials.
    pub(crate) fn token<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        match &self.query {
            Some(query) => query.token.as_deref(),
            None => headers
                .get("x-amz-security-token")
                .and_then(|value| value.to_str().ok()),
        }
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
        let Some(time) = self.time(headers) else {
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
            .filter(|(name, _)| self.query.is_none() || name != "X-Amz-Signature")
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
            payload_hash(headers, body)
        )
    }
}

/// What stands for the body in a canonical request.
fn payload_hash(headers: &HeaderMap, body: &Bytes) -> String {
    const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
    if headers
        .get("x-amz-content-sha256")
        .is_some_and(|hash| hash.as_bytes() == UNSIGNED.as_bytes())
    {
        return UNSIGNED.to_owned();
    }
    hex(&Sha256::digest(body))
}

/// The access key that signed a call.
pub(crate) fn access_key(call: &Call) -> Option<String> {
    if let Ok(signature) = Signature::of(&call.headers) {
        return Some(signature.access_key);
    }
    let credential = call.parameter("X-Amz-Credential")?;
    credential.split('/').next().map(str::to_owned)
}

pub(crate) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

pub(crate) fn mac(key: &[u8], text: &str) -> Hmac<Sha256> {
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

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
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

    /// Signed by botocore.
    #[test]
    fn a_presigned_url_is_verified() {
        let query = |signature: &str| {
            format!(
                "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\
                 AKIDEXAMPLE%2F20261124%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20261124T093000Z&X-Amz-Expires=60&\
                 X-Amz-Security-Token=t%2F%2B&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}"
            )
        };
        let headers = HeaderMap::from_iter([(
            http::header::HOST,
            http::HeaderValue::from_static("sts.amazonaws.com"),
        )]);
        let is_by = |query: &str, secret: &str| {
            let signature = Signature::of_request(query, &headers).expect("it is of the form");
            assert_eq!(signature.token(&headers), Some("t/+"));
            assert_eq!(signature.time(&headers), Some("20261124T093000Z"));
            signature.is_by(secret, &Method::GET, "/", query, &headers, &Bytes::new())
        };
        let good = query("ff1e67a10e6b020a4babb6bbe446f12ca6fac993012286af3e76f6abde976c4a");
        assert!(is_by(&good, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
        assert!(!is_by(&good, "another"));
        let changed = good.replace("Expires=60", "Expires=61");
        assert!(!is_by(&changed, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
        for broken in [
            good.replace("X-Amz-Date", "X-Amz-Day"),
            good.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
            good.replace("%2Faws4_request", ""),
        ] {
            assert_eq!(
                Signature::of_request(&broken, &headers),
                Err(Unsigned::Incomplete)
            );
        }
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
