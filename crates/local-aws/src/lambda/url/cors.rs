//! Cross-origin requests: a URL's settings, and what it answers by them (AWS: "Cross-origin resource sharing").

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use serde::{Deserialize, Serialize};

use super::super::checks::Checks;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cors {
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_credentials: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_methods: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_origins: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expose_headers: Option<Vec<String>>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<i64>,
}

impl Cors {
    pub(super) fn check(&self, checks: &mut Checks) {
        let lists = [
            (&self.allow_headers, "cors.allowHeaders", 100, 0, 1024),
            (&self.allow_methods, "cors.allowMethods", 6, 0, 6),
            (&self.allow_origins, "cors.allowOrigins", 100, 1, 253),
            (&self.expose_headers, "cors.exposeHeaders", 100, 0, 1024),
        ];
        for (list, member, most, shortest, longest) in lists {
            let Some(list) = list else { continue };
            let told = format!("[{}]", list.join(", "));
            if list.len() > most {
                let constraint = format!("have length less than or equal to {most}");
                checks.fail(&told, member, &constraint);
            }
            let fits = |text: &String| (shortest..=longest).contains(&text.chars().count());
            if !list.iter().all(fits) {
                let constraint = format!(
                    "satisfy constraint: [Member must have length less than or equal to {longest}, Member must have \
                     length greater than or equal to {shortest}, Member must satisfy regular expression pattern: .*]"
                );
                checks.fail(&told, member, &constraint);
            }
        }
        if let Some(age) = self.max_age {
            checks.range(age, "cors.maxAge", 0, 86_400);
        }
    }

    /// Returns true for settings that say nothing, by which an update clears them.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The headers of an answer to a request of this origin; none, if it may not ask.
    pub(super) fn answer(&self, request: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let Some(origin) = self.allowed_origin(request) else {
            return headers;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if self.allow_credentials == Some(true) {
            let yes = HeaderValue::from_static("true");
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
        joined(
            &mut headers,
            ACCESS_CONTROL_EXPOSE_HEADERS,
            self.expose_headers.as_ref(),
        );
        headers
    }

    /// The headers of an answer to a preflight request.
    pub(super) fn preflight(&self, request: &HeaderMap) -> HeaderMap {
        let mut headers = self.answer(request);
        if headers.is_empty() {
            return headers;
        }
        headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
        joined(
            &mut headers,
            ACCESS_CONTROL_ALLOW_METHODS,
            self.allow_methods.as_ref(),
        );
        joined(
            &mut headers,
            ACCESS_CONTROL_ALLOW_HEADERS,
            self.allow_headers.as_ref(),
        );
        if let Some(age) = self.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(age));
        }
        headers
    }

    /// `*` for everybody; with credentials, browsers want the origin itself.
    fn allowed_origin(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let origin = request.get(ORIGIN)?;
        let allowed = self.allow_origins.as_ref()?;
        if allowed.iter().any(|one| one == "*") && self.allow_credentials != Some(true) {
            return Some(HeaderValue::from_static("*"));
        }
        allowed
            .iter()
            .any(|one| one == "*" || one.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
            .then(|| origin.clone())
    }
}

fn joined(headers: &mut HeaderMap, name: HeaderName, values: Option<&Vec<String>>) {
    let values = values.filter(|values| !values.is_empty());
    if let Some(value) = values.and_then(|values| HeaderValue::from_str(&values.join(",")).ok()) {
        headers.insert(name, value);
    }
}

/// Returns true for a request by which a browser asks what it may send.
pub(super) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(ORIGIN)
        && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(json: &str) -> Cors {
        serde_json::from_str(json).expect("settings")
    }

    fn from(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().expect("a header"));
        headers
    }

    #[test]
    fn only_allowed_origins_are_answered() {
        let one =
            cors("{\"AllowOrigins\":[\"https://a.example\"],\"ExposeHeaders\":[\"x-a\",\"x-b\"]}");
        let answer = one.answer(&from("https://a.example"));
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.example");
        assert_eq!(answer[ACCESS_CONTROL_EXPOSE_HEADERS], "x-a,x-b");
        assert!(one.answer(&from("https://b.example")).is_empty());
        assert!(one.answer(&HeaderMap::new()).is_empty());
        let all = cors("{\"AllowOrigins\":[\"*\"]}");
        let answer = all.answer(&from("https://b.example"));
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let with_credentials = cors("{\"AllowOrigins\":[\"*\"],\"AllowCredentials\":true}");
        let answer = with_credentials.answer(&from("https://b.example"));
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "https://b.example");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    }

    #[test]
    fn settings_have_limits() {
        let mut checks = Checks::default();
        cors("{\"AllowMethods\":[\"GET\",\"OPTIONS\"],\"AllowOrigins\":[\"\"],\"MaxAge\":86401}")
            .check(&mut checks);
        let refusal = checks.finish().expect_err("three are wrong");
        assert!(
            refusal.message.starts_with("3 validation errors"),
            "{}",
            refusal.message
        );
        assert!(
            refusal
                .message
                .contains("Value '[GET, OPTIONS]' at 'cors.allowMethods'")
        );
    }
}
