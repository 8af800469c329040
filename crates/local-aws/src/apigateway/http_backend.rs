//! Integrations of the types `HTTP` and `HTTP_PROXY`: to servers on this machine, and no others.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, TE,
    TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpStream;

use super::exchange::{self, Endpoint, Mapped};
use super::invocation::Incoming;
use super::reply::Denied;

/// API Gateway's payload.
const LARGEST: usize = 10 * 1024 * 1024;

/// What stays as it is in a query.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Of the connection, or made anew for the next one.
const DROPPED: [&str; 13] = [
    "connection",
    "content-length",
    "content-md5",
    "expect",
    "host",
    "keep-alive",
    "max-forwards",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// A request to the server that an integration names.
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    /// True if the caller's headers and query go along.
    pub(super) is_proxy: bool,
    pub(super) query: &'a [(String, String)],
    pub(super) mapped: Mapped,
    pub(super) trace: &'a str,
    pub(super) body: Bytes,
}

pub(super) async fn send(
    incoming: &Incoming<'_>,
    outgoing: Outgoing<'_>,
) -> Result<Endpoint, Denied> {
    let url = with_path(outgoing.url, &outgoing.mapped);
    let url = with_query(&url, &outgoing);
    let configuration = |why: &str| {
        incoming.tell(format!(
            "Execution failed due to configuration error: {why}"
        ));
        Denied::configuration()
    };
    let uri: Uri = url
        .parse()
        .map_err(|_| configuration("Invalid endpoint address"))?;
    if uri.scheme_str() != Some("http") {
        return Err(configuration(
            "The local AWS forwards by `http` only, not by `https`",
        ));
    }
    let host = uri.host().unwrap_or_default().to_owned();
    let Some(address) = loopback(&host) else {
        return Err(configuration(&format!(
            "The local AWS forwards to loopback addresses only, not to `{host}`"
        )));
    };
    let method = match outgoing.method {
        "ANY" => incoming.method.clone(),
        method => Method::from_bytes(method.as_bytes())
            .map_err(|_| configuration("Invalid HTTP method"))?,
    };
    let headers = headers(incoming, &outgoing, &uri);
    incoming.tell(format!("Endpoint request URI: {uri}"));
    incoming.tell_data("Endpoint request headers", &exchange::shown(&headers));
    incoming.tell_data(
        "Endpoint request body after transformations",
        &String::from_utf8_lossy(&outgoing.body),
    );
    incoming.tell(format!("Sending request to {uri}"));
    let mut request = Request::new(Full::new(outgoing.body));
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path
        .parse()
        .map_err(|_| configuration("Invalid endpoint address"))?;
    let port = uri.port_u16().unwrap_or(80);
    exchanged(request, address, port).await.ok_or_else(|| {
        incoming.tell("Execution failed due to a network error communicating with endpoint");
        Denied::no_endpoint()
    })
}

/// `None` for what is lost on the way.
async fn exchanged(request: Request<Full<Bytes>>, address: IpAddr, port: u16) -> Option<Endpoint> {
    let stream = TcpStream::connect((address, port)).await.ok()?;
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await;
    let outcome = match response {
        Ok(response) => {
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, LARGEST).collect().await.ok();
            body.map(|body| Endpoint {
                status: parts.status.as_u16(),
                headers: parts.headers,
                body: body.to_bytes(),
                outcome: Some(parts.status.as_str().to_owned()),
            })
        }
        Err(_) => None,
    };
    connection.abort();
    outcome
}

/// Names of this machine need no server of names.
fn loopback(host: &str) -> Option<IpAddr> {
    if host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost") {
        return Some(IpAddr::from([127, 0, 0, 1]));
    }
    let address: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
    address.is_loopback().then_some(address)
}

/// `{name}` replaced by what is mapped to it.
fn with_path(url: &str, mapped: &Mapped) -> String {
    let mut text = url.to_owned();
    for (name, value) in &mapped.path {
        for variable in [format!("{{{name}}}"), format!("{{{name}+}}")] {
            text = text.replace(&variable, value);
        }
    }
    text
}

fn with_query(url: &str, outgoing: &Outgoing) -> String {
    let sent = outgoing.query.iter().filter(|_| outgoing.is_proxy);
    // What is mapped comes after what was sent under the same name.
    let pairs: Vec<String> = sent
        .chain(&outgoing.mapped.query)
        .map(|(name, value)| {
            format!(
                "{}={}",
                utf8_percent_encode(name, KEPT),
                utf8_percent_encode(value, KEPT)
            )
        })
        .collect();
    if pairs.is_empty() {
        return url.to_owned();
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{}", pairs.join("&"))
}

fn headers(incoming: &Incoming, outgoing: &Outgoing, uri: &Uri) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if outgoing.is_proxy {
        for (name, value) in incoming.headers {
            if !DROPPED.contains(&name.as_str()) && name != "via" {
                headers.append(name.clone(), value.clone());
            }
        }
    }
    for (name, value) in &outgoing.mapped.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) && ![CONNECTION, TE, HOST].contains(&name)
        {
            headers.insert(name, value);
        }
    }
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    let agent = format!("AmazonAPIGateway_{}", incoming.api);
    let mut set = |name: HeaderName, value: &str, replaces: bool| {
        if let Ok(value) = HeaderValue::from_str(value)
            && (replaces || !headers.contains_key(&name))
        {
            headers.insert(name, value);
        }
    };
    set(ACCEPT, "application/json", false);
    set(USER_AGENT, &agent, false);
    let has_body = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(incoming.method);
    if let Some(kind) = incoming.headers.get(CONTENT_TYPE).filter(|_| has_body) {
        set(CONTENT_TYPE, kind.to_str().unwrap_or_default(), false);
    }
    set(
        HeaderName::from_static("x-amzn-trace-id"),
        outgoing.trace,
        true,
    );
    set(
        HeaderName::from_static("x-amzn-apigateway-api-id"),
        incoming.api,
        true,
    );
    let host = uri.authority().map_or("", |authority| authority.as_str());
    set(HOST, host, true);
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached() {
        for host in [
            "localhost",
            "a.localhost",
            "127.0.0.1",
            "127.1.2.3",
            "[::1]",
        ] {
            assert!(loopback(host).is_some(), "{host}");
        }
        for host in [
            "example.com",
            "10.0.0.1",
            "[::2]",
            "localhost.example.com",
            "0.0.0.0",
            "",
        ] {
            assert_eq!(loopback(host), None, "{host}");
        }
    }
}
