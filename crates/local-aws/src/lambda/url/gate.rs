//! Requests to function URLs: which may pass, and what becomes of them.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::super::invoke::{self, LARGEST_PAYLOAD};
use super::super::name::Named;
use super::super::outlet;
use super::super::run;
use super::super::streaming::{self, Begun, Stream};
use super::event::Incoming;
use super::reply::{self, Reply, Start};
use super::target::Target;
use super::{FunctionUrl, Served, access, cors};
use crate::answer::Refusal;
use crate::cloud::Cloud;
use crate::response_body::{Body, Broken};
use crate::{ids, trace};

/// AWS: "Invocation payload: 6 MB each for request and response".
const LARGEST_BODY: usize = 6 * 1024 * 1024;
/// More than the status and the headers of an answer take.
const LARGEST_PRELUDE: usize = 64 * 1024;

/// An answer by the URL itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Denied {
    status: u16,
    /// `x-amzn-ErrorType`.
    kind: String,
    body: Value,
}

impl Denied {
    fn new(status: u16, kind: &str, body: Value) -> Self {
        Self {
            status,
            kind: kind.to_owned(),
            body,
        }
    }

    /// No policy lets the request pass, or the URL is a former one.
    pub(super) fn forbidden() -> Self {
        let message = "Forbidden. For troubleshooting Function URL authorization issues, see: \
                       https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";
        Self::new(403, "AccessDeniedException", json!({ "Message": message }))
    }

    /// There was never a URL of this id.
    fn unknown() -> Self {
        Self::new(403, "AccessDeniedException", json!({ "Message": null }))
    }

    pub(super) fn signature(message: &str) -> Self {
        Self::new(
            403,
            "InvalidSignatureException",
            json!({ "message": message }),
        )
    }

    fn too_large(message: &str) -> Self {
        Self::new(
            413,
            "RequestEntityTooLargeException",
            json!({ "Message": message }),
        )
    }
}

impl From<&Refusal> for Denied {
    fn from(refusal: &Refusal) -> Self {
        let mut body = json!({ "message": refusal.message });
        for (name, value) in &refusal.members {
            body[name] = value.clone();
        }
        Self::new(refusal.status, &refusal.code, body)
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::from(&refusal)
    }
}

/// Status, headers and a body that may come in pieces.
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

impl Answered {
    fn new(reply: Reply, body: Body) -> Self {
        Self {
            status: reply.status,
            headers: reply.headers,
            body,
        }
    }

    fn whole(mut reply: Reply) -> Self {
        let body = std::mem::take(&mut reply.body);
        Self::new(reply, Body::Whole(body))
    }

    /// The function failed, or answered in another form.
    fn failed() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self {
            status: StatusCode::BAD_GATEWAY,
            headers,
            body: Body::Whole(Bytes::from_static(b"Internal Server Error")),
        }
    }
}

impl From<Denied> for Answered {
    fn from(denied: Denied) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(kind) = HeaderValue::from_str(&denied.kind) {
            headers.insert("x-amzn-errortype", kind);
        }
        Self {
            status: StatusCode::from_u16(denied.status)
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers,
            body: Body::Whole(denied.body.to_string().into()),
        }
    }
}

pub(crate) async fn answer(
    cloud: &Arc<Cloud>,
    target: &Target,
    request: Request<Bytes>,
) -> Response<Body> {
    let request_id = ids::uuid();
    let (parts, body) = request.into_parts();
    let answered = pass(cloud, target, &parts, &body, &request_id)
        .await
        .unwrap_or_else(Answered::from);
    let mut response = Response::new(answered.body);
    *response.status_mut() = answered.status;
    *response.headers_mut() = answered.headers;
    put(response.headers_mut(), "x-amzn-requestid", &request_id);
    response
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

async fn pass(
    cloud: &Arc<Cloud>,
    target: &Target,
    parts: &Parts,
    body: &Bytes,
    request_id: &str,
) -> Result<Answered, Denied> {
    let served = cloud
        .environments
        .urls
        .served(cloud, &target.id)?
        .ok_or_else(Denied::unknown)?;
    let url = served.url.as_ref().ok_or_else(Denied::forbidden)?;
    if let Some(cors) = &url.cors
        && cors::is_preflight(parts)
    {
        return Ok(Answered {
            status: StatusCode::OK,
            headers: cors.preflight(&parts.headers),
            body: Body::Whole(Bytes::new()),
        });
    }
    let outcome = invoked(cloud, &served, url, target, parts, body, request_id).await;
    let mut answered = outcome.unwrap_or_else(Answered::from);
    // Beside the function's own, as on AWS, and on refusals too: browsers hide those of others.
    if let Some(cors) = &url.cors {
        for (name, value) in &cors.answer(&parts.headers) {
            answered.headers.append(name, value.clone());
        }
    }
    Ok(answered)
}

async fn invoked(
    cloud: &Arc<Cloud>,
    served: &Served,
    url: &FunctionUrl,
    target: &Target,
    parts: &Parts,
    body: &Bytes,
    request_id: &str,
) -> Result<Answered, Denied> {
    let place = &served.place;
    let named = Named {
        name: url.function.clone(),
        qualifier: Some(url.qualifier.clone()).filter(|alias| !alias.is_empty()),
    };
    let function = invoke::target(cloud, place, named).map_err(|refusal| match refusal.status {
        404 => Denied::forbidden(),
        _ => refusal.into(),
    })?;
    let identity = access::check(cloud, place, url, &function, parts, body)?;
    if body.len() > LARGEST_BODY {
        return Err(Denied::too_large(&format!(
            "Request must be smaller than {LARGEST_BODY} bytes for the InvokeFunction operation"
        )));
    }
    let now = cloud.now();
    let caller = trace::of(&parts.headers, now);
    let incoming = Incoming {
        place,
        target,
        parts,
        body,
        identity: identity.as_ref(),
        request_id,
        trace: &caller,
        now,
    };
    let payload = incoming
        .event()
        .map_err(|error| Refusal::internal(error.to_string()))?;
    invoke::check_size(&payload, LARGEST_PAYLOAD)
        .map_err(|refusal| Denied::too_large(&refusal.message))?;
    let event = run::Event::new(cloud, &function, payload, request_id, &caller);
    let trace = event.trace.clone();
    let begun = streaming::begin(cloud, function, event).await?;
    let mut answered = if url.streams() {
        streamed(begun).await
    } else {
        buffered(begun).await
    };
    put(&mut answered.headers, trace::HEADER, &trace);
    Ok(answered)
}

/// An answer when all of it is there.
async fn buffered(begun: Begun) -> Answered {
    let reply = match begun {
        Begun::Whole(invoked) if invoked.error.is_some() => None,
        Begun::Whole(invoked) => Reply::inferred(&invoked.payload),
        Begun::Streamed(stream) => collected(stream).await,
    };
    reply.map_or_else(Answered::failed, Answered::whole)
}

async fn collected(mut stream: Stream) -> Option<Reply> {
    let mut whole = BytesMut::new();
    let mut is_too_large = false;
    while let Some(data) = stream.next().await {
        is_too_large |= whole.len() + data.len() > LARGEST_PAYLOAD;
        if !is_too_large {
            whole.extend_from_slice(&data);
        }
    }
    let has_prelude = reply::has_prelude(stream.content_type.as_ref());
    let invoked = stream.end().await.ok()?;
    if is_too_large || invoked.error.is_some() {
        return None;
    }
    let whole = whole.freeze();
    if has_prelude {
        Reply::streamed(reply::split(&whole)?)
    } else {
        Reply::inferred(&whole)
    }
}

/// An answer as it comes. What a function returned whole is handed on as it is (recorded by localstack,
/// `test_lambda_url_echo_invoke`).
async fn streamed(begun: Begun) -> Answered {
    let mut stream = match begun {
        Begun::Whole(invoked) if invoked.error.is_some() => return Answered::failed(),
        Begun::Whole(invoked) => {
            let start = Start::Plain {
                content_type: None,
                body: invoked.payload,
            };
            return Reply::streamed(start).map_or_else(Answered::failed, Answered::whole);
        }
        Begun::Streamed(stream) => stream,
    };
    let Some(mut reply) = start(&mut stream).await.and_then(Reply::streamed) else {
        return Answered::failed();
    };
    let (sender, pieces) = outlet::body();
    let first = std::mem::take(&mut reply.body);
    tokio::spawn(hand_on(stream, first, sender));
    Answered::new(reply, Body::Pieces(pieces))
}

/// Reads up to the end of status and headers, if the stream starts with them.
async fn start(stream: &mut Stream) -> Option<Start> {
    if !reply::has_prelude(stream.content_type.as_ref()) {
        return Some(Start::Plain {
            content_type: stream.content_type.clone(),
            body: Bytes::new(),
        });
    }
    let mut read = BytesMut::new();
    while read.len() <= LARGEST_PRELUDE {
        read.extend_from_slice(&stream.next().await?);
        if let Some(start) = reply::split(&read.clone().freeze()) {
            return Some(start);
        }
    }
    None
}

/// Hands a stream on until it ends or nobody listens any more. A function that fails in the middle closes the connection.
async fn hand_on(mut stream: Stream, first: Bytes, to: mpsc::Sender<Result<Bytes, Broken>>) {
    let mut next = Some(first);
    while let Some(data) = next {
        if !data.is_empty() && to.send(Ok(data)).await.is_err() {
            break;
        }
        next = stream.next().await;
    }
    let outcome = stream.end().await;
    if outcome.map_or(true, |invoked| invoked.error.is_some()) {
        let _ = to.send(Err(Broken)).await;
    }
}
