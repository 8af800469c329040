//! Which operation a REST request is, by method and path.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::percent_decode_str;

/// Method, path with labels in braces (`{name+}` takes the rest), operation.
pub(crate) type Route = (&'static str, &'static str, &'static str);

pub(crate) struct Routed {
    pub(crate) operation: &'static str,
    pub(crate) labels: BTreeMap<&'static str, String>,
}

/// The first route that fits; a trailing slash makes no difference.
pub(crate) fn find(routes: &'static [Route], method: &Method, path: &str) -> Option<Routed> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    routes.iter().find_map(|(of_method, pattern, operation)| {
        if method.as_str() != *of_method {
            return None;
        }
        let labels = labels(pattern, &segments)?;
        Some(Routed { operation, labels })
    })
}

fn labels(pattern: &'static str, segments: &[&str]) -> Option<BTreeMap<&'static str, String>> {
    let mut labels = BTreeMap::new();
    let mut at = 0;
    for part in pattern.trim_matches('/').split('/') {
        let label = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        match label.map(|name| (name, name.strip_suffix('+'))) {
            Some((_, Some(name))) => {
                let rest = segments.get(at..).filter(|rest| !rest.is_empty())?;
                labels.insert(name, decoded(&rest.join("/")));
                return Some(labels);
            }
            Some((name, None)) => {
                let segment = segments.get(at).filter(|segment| !segment.is_empty())?;
                labels.insert(name, decoded(segment));
            }
            None if segments.get(at) == Some(&part) => {}
            None => return None,
        }
        at += 1;
    }
    (at == segments.len()).then_some(labels)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &[Route] = &[
        ("GET", "/a", "ListAs"),
        ("GET", "/a/{id}", "GetA"),
        ("PUT", "/tags/{arn+}", "Tag"),
    ];

    fn found(method: &Method, path: &str) -> Option<(&'static str, Vec<String>)> {
        find(ROUTES, method, path)
            .map(|routed| (routed.operation, routed.labels.into_values().collect()))
    }

    #[test]
    fn paths_lead_to_operations() {
        assert_eq!(found(&Method::GET, "/a/"), Some(("ListAs", vec![])));
        assert_eq!(
            found(&Method::GET, "/a/x%20y"),
            Some(("GetA", vec!["x y".to_owned()]))
        );
        assert_eq!(
            found(&Method::PUT, "/tags/arn:aws:x::/r/1"),
            Some(("Tag", vec!["arn:aws:x::/r/1".to_owned()]))
        );
        assert_eq!(found(&Method::GET, "/a/x/y"), None);
        assert_eq!(found(&Method::POST, "/a"), None);
    }
}
