//! Filters of `GetResources`: by tags and by types.

use std::fmt;

use serde::Deserialize;

use super::index::Tags;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagFilter {
    #[serde(default)]
    pub(super) key: String,
    #[serde(default)]
    pub(super) values: Vec<String>,
}

impl fmt::Display for TagFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TagFilter(key={}, values={:?})", self.key, self.values)
    }
}

impl TagFilter {
    /// Returns true if there is a tag with this key, and with one of the values if any are given.
    pub(super) fn fits(&self, tags: &Tags) -> bool {
        tags.get(&self.key)
            .is_some_and(|value| self.values.is_empty() || self.values.contains(value))
    }
}

/// Returns true if a resource is of the type `service` or `service:type`. AWS: "The string for each service name and resource type is the
/// same as that embedded in a resource's Amazon Resource Name (ARN)", so `apigateway:restapis` is of APIs and of their
/// stages, whose ARNs both begin with `/restapis`.
pub(super) fn is_of_type(arn: &str, wanted: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next(), parts.nth(2));
    let (wanted_service, wanted_type) = match wanted.split_once(':') {
        Some((service, kind)) => (service, Some(kind.trim_start_matches('/'))),
        None => (wanted, None),
    };
    if service != Some(wanted_service) {
        return false;
    }
    let Some(wanted_type) = wanted_type else {
        return true;
    };
    resource
        .and_then(|resource| resource.trim_start_matches('/').split([':', '/']).next())
        .is_some_and(|kind| kind == wanted_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_as_in_arns() {
        for (arn, kind) in [
            ("arn:aws:dynamodb:r:1:table/t", "dynamodb:table"),
            ("arn:aws:lambda:r:1:function:f", "lambda:function"),
            ("arn:aws:logs:r:1:log-group:/aws/lambda/f", "logs:log-group"),
            ("arn:aws:ssm:r:1:parameter/a/b", "ssm:parameter"),
            ("arn:aws:apigateway:r::/restapis/a", "apigateway:restapis"),
            (
                "arn:aws:apigateway:r::/restapis/a/stages/s",
                "apigateway:restapis",
            ),
            ("arn:aws:apigateway:r::/apikeys/k", "apigateway:apikeys"),
            ("arn:aws:apigateway:r::/usageplans/p", "apigateway"),
        ] {
            assert!(is_of_type(arn, kind), "{arn} {kind}");
            assert!(!is_of_type(arn, "ec2:instance"), "{arn}");
            assert!(!is_of_type(arn, "apigateway:tab"), "{arn}");
        }
    }

    #[test]
    fn a_filter_without_values_asks_for_the_key() {
        let tags = Tags::from([("a".to_owned(), "1".to_owned())]);
        let fits = |key: &str, values: &[&str]| {
            let values = values.iter().map(ToString::to_string).collect();
            let key = key.to_owned();
            TagFilter { key, values }.fits(&tags)
        };
        assert!(fits("a", &[]));
        assert!(fits("a", &["2", "1"]));
        assert!(!fits("a", &["2"]));
        assert!(!fits("A", &[]), "keys are case-sensitive");
    }
}
