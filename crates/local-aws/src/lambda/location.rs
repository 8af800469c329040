//! Where packages of functions and layers are downloaded from: URLs of this server that are good for ten minutes, as
//! those into AWS's S3 are.

use std::sync::Arc;

use bytes::Bytes;
use hmac::Mac;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::code::{folder_name, hash_of};
use crate::answer::Refusal;
use crate::call::form;
use crate::clock::{Moment, iso};
use crate::cloud::Cloud;
use crate::ids;
use crate::place::Place;
use crate::signature::{hex, mac, unhex};
use crate::store::Record;

/// The beginning of these URLs' paths.
pub(crate) const PATH: &str = "/_lambda/code/";

/// Seconds.
const LASTS: u64 = 600;

/// Signs the URLs; kept, so that they survive a restart.
#[derive(Serialize, Deserialize)]
struct Secret {
    text: String,
}

impl Record for Secret {
    const KIND: &'static str = "lambda-location-secret";

    fn key(&self) -> String {
        String::new()
    }
}

fn secret(cloud: &Cloud) -> Result<Secret, Refusal> {
    let nowhere = Place {
        account: String::new(),
        region: String::new(),
    };
    cloud.store.transact(|tx| {
        if let Some(secret) = tx.get::<Secret>(&nowhere, "")? {
            return Ok(secret);
        }
        let secret = Secret {
            text: ids::mixed(40),
        };
        tx.put(&nowhere, &secret)?;
        Ok(secret)
    })
}

/// `20261124T093000Z`.
fn stamp(moment: Moment) -> String {
    iso(moment).replace(['-', ':'], "")
}

fn signed(method: &Method, name: &str, date: &str) -> String {
    format!("{method}\n{PATH}{name}\n{date}\n{LASTS}")
}

/// The URL of the zip with this hash.
pub(super) fn url(cloud: &Cloud, sha256: &str) -> Result<String, Refusal> {
    let endpoint = cloud
        .endpoint
        .get()
        .map_or("http://127.0.0.1", String::as_str);
    let name = folder_name(sha256);
    let date = stamp(cloud.now());
    let mac = mac(
        secret(cloud)?.text.as_bytes(),
        &signed(&Method::GET, &name, &date),
    );
    Ok(format!(
        "{endpoint}{PATH}{name}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}&X-Amz-SignedHeaders=host&\
         X-Amz-Expires={LASTS}&X-Amz-Signature={}",
        hex(&mac.finalize().into_bytes())
    ))
}

/// Answers a request for such a URL, in the form of S3.
pub(crate) async fn answer(cloud: &Arc<Cloud>, request: &Request<Bytes>) -> Response<Bytes> {
    match find(cloud, request).await {
        Ok((name, zip)) => {
            let mut response = Response::new(zip);
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
            if let Ok(tag) = HeaderValue::from_str(&format!("\"{name}\"")) {
                headers.insert(ETAG, tag);
            }
            response
        }
        Err((status, code, message)) => {
            let text = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            );
            let mut response = Response::new(text.into());
            *response.status_mut() = status;
            let xml = HeaderValue::from_static("application/xml");
            response.headers_mut().insert(CONTENT_TYPE, xml);
            response
        }
    }
}

type Refused = (StatusCode, &'static str, &'static str);

const DENIED: Refused = (StatusCode::FORBIDDEN, "AccessDenied", "Access Denied");

async fn find(cloud: &Arc<Cloud>, request: &Request<Bytes>) -> Result<(String, Bytes), Refused> {
    let name = request.uri().path().strip_prefix(PATH).unwrap_or_default();
    let query = form(request.uri().query().unwrap_or_default());
    let parameter = |name: &str| {
        let found = query.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let failed = |_| {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "We encountered an internal error. Please try again.",
        )
    };
    let (date, signature) = (parameter("X-Amz-Date"), parameter("X-Amz-Signature"));
    if signature.is_empty() {
        return Err(DENIED);
    }
    let secret = secret(cloud).map_err(failed)?;
    let expected = mac(
        secret.text.as_bytes(),
        &signed(request.method(), name, date),
    );
    let signature = unhex(signature).unwrap_or_default();
    if expected.verify_slice(&signature).is_err() {
        return Err((
            StatusCode::FORBIDDEN,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing \
             method.",
        ));
    }
    // Dates of this form are in the order of their letters.
    if date < stamp(cloud.now().saturating_sub(LASTS * 1000)).as_str() {
        return Err((StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"));
    }
    let hash = hash_of(name).ok_or(DENIED)?;
    let cloud = Arc::clone(cloud);
    let read =
        tokio::task::spawn_blocking(move || cloud.environments.code.zip(&cloud, &hash)).await;
    match read {
        Ok(Ok(Some(zip))) => Ok((name.to_owned(), zip)),
        Ok(Ok(None)) => Err((
            StatusCode::NOT_FOUND,
            "NoSuchKey",
            "The specified key does not exist.",
        )),
        Ok(Err(_)) | Err(_) => Err(failed(Refusal::internal("the zip cannot be read"))),
    }
}
