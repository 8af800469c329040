//! Which function URL a request is for.

use bytes::Bytes;
use http::Request;
use http::header::HOST;

/// The path that leads to a URL where its host name cannot be resolved.
const PREFIX: &str = "/_lambda-url/";

/// A URL by its id, and what is asked of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(super) id: String,
    /// Host and port, if the URL is named by them.
    pub(super) host: Option<String>,
    /// As it was sent, without the id.
    pub(super) path: String,
}

/// The host `{id}.lambda-url.{region}.…`, or the path `/_lambda-url/{id}/…` of any host.
pub(crate) fn target(request: &Request<Bytes>) -> Option<Target> {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().host())
        .unwrap_or_default();
    let path = request.uri().path();
    if let Some((id, _)) = host.split_once(".lambda-url.")
        && !id.is_empty()
        && !id.contains('.')
    {
        return Some(Target {
            id: id.to_ascii_lowercase(),
            host: Some(host.to_owned()),
            path: path.to_owned(),
        });
    }
    let rest = path.strip_prefix(PREFIX)?;
    let (id, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    (!id.is_empty()).then(|| Target {
        id: id.to_ascii_lowercase(),
        host: None,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(host: &str, path: &str) -> Option<(String, String)> {
        let request = Request::builder()
            .uri(path)
            .header(HOST, host)
            .body(Bytes::new())
            .expect("a request");
        target(&request).map(|target| (target.id, target.path))
    }

    #[test]
    fn urls_are_named_by_the_host_or_the_path() {
        let expected = |path: &str| Some(("abc".to_owned(), path.to_owned()));
        for host in [
            "abc.lambda-url.eu-west-1.localhost:4566",
            "ABC.lambda-url.eu-west-1.on.aws",
        ] {
            assert_eq!(found(host, "/a/b?c=d"), expected("/a/b"), "{host}");
            assert_eq!(found(host, "/_local/stop"), expected("/_local/stop"));
        }
        let local = "127.0.0.1:4566";
        assert_eq!(found(local, "/_lambda-url/abc/a%2Fb"), expected("/a%2Fb"));
        assert_eq!(found(local, "/_lambda-url/abc?d"), expected("/"));
        for path in ["/", "/_lambda-url/", "/2021-10-31/functions/f/url"] {
            assert_eq!(found(local, path), None, "{path}");
        }
        assert_eq!(found("lambda-url.eu-west-1.on.aws", "/"), None);
    }
}
