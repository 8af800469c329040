//! A route of an API: a method and a path.

use std::fmt;

/// An HTTP method that an API Gateway route can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `DELETE`.
    Delete,
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `OPTIONS`.
    Options,
    /// `PATCH`.
    Patch,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// Every method that the path has no route for.
    Any,
}

impl Method {
    /// The method's name in requests; `ANY` for all.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Any => "ANY",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A method and a path, such as `GET /orders/{id}`. In a `const`, a malformed path does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    method: Method,
    path: &'static str,
}

impl Route {
    /// A route of `method`. A parameter is a whole segment in braces; `{name+}` at the end takes all segments that follow.
    ///
    /// # Panics
    ///
    /// If the path is malformed.
    pub const fn new(method: Method, path: &'static str) -> Self {
        check(path);
        Self { method, path }
    }

    /// A `DELETE` route.
    pub const fn delete(path: &'static str) -> Self {
        Self::new(Method::Delete, path)
    }

    /// A `GET` route.
    pub const fn get(path: &'static str) -> Self {
        Self::new(Method::Get, path)
    }

    /// A `PATCH` route.
    pub const fn patch(path: &'static str) -> Self {
        Self::new(Method::Patch, path)
    }

    /// A `POST` route.
    pub const fn post(path: &'static str) -> Self {
        Self::new(Method::Post, path)
    }

    /// A `PUT` route.
    pub const fn put(path: &'static str) -> Self {
        Self::new(Method::Put, path)
    }

    /// A route of every method that the path has no other route for.
    pub const fn any(path: &'static str) -> Self {
        Self::new(Method::Any, path)
    }

    /// The method.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The path, as it was written.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// The path's segments, without slashes; none for `/`.
    pub fn segments(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.path.split('/').filter(|segment| !segment.is_empty())
    }

    /// Returns true if a request for `path` has this route's path: a parameter stands for one segment, `{name+}` for all that follow.
    pub fn has_path(&self, path: &str) -> bool {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let mut found = path.split('/').filter(|segment| !segment.is_empty());
        for segment in self.segments() {
            let Some(found) = found.next() else {
                return false;
            };
            if segment.ends_with("+}") {
                return true;
            }
            if !segment.starts_with('{') && segment != found {
                return false;
            }
        }
        found.next().is_none()
    }

    /// Returns true if the path has the parameter `{name}` or `{name+}`.
    pub const fn has_parameter(&self, name: &str) -> bool {
        let (path, name) = (self.path.as_bytes(), name.as_bytes());
        // The `+` is no part of the name.
        if !name.is_empty() && name[name.len() - 1] == b'+' {
            return false;
        }
        let mut at = 0;
        while at < path.len() {
            if path[at] == b'{' {
                let mut matched = 0;
                while matched < name.len()
                    && at + 1 + matched < path.len()
                    && path[at + 1 + matched] == name[matched]
                {
                    matched += 1;
                }
                let end = at + 1 + matched;
                let is_end = end < path.len() && (path[end] == b'}' || path[end] == b'+');
                if matched == name.len() && is_end {
                    return true;
                }
            }
            at += 1;
        }
        false
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// The name of a path parameter, which the route has: `parameter!(ONE, "id")` is `"id"`, or does not compile.
#[macro_export]
macro_rules! parameter {
    ($route:path, $name:literal) => {{
        const _: () = assert!(
            $route.has_parameter($name),
            concat!(
                "`",
                stringify!($route),
                "` has no path parameter `",
                $name,
                "`"
            )
        );
        $name
    }};
}

const fn check(path: &str) {
    let path = path.as_bytes();
    assert!(
        !path.is_empty() && path[0] == b'/',
        "a route's path begins with `/`"
    );
    assert!(
        path.len() == 1 || path[path.len() - 1] != b'/',
        "a route's path has no `/` at its end"
    );
    let mut at = 1;
    let mut is_open = false;
    while at < path.len() {
        let byte = path[at];
        if is_open {
            let is_last_plus = byte == b'+' && at + 1 < path.len() && path[at + 1] == b'}';
            let is_name = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
            assert!(
                byte == b'}' || is_last_plus || is_name,
                "a parameter's name has letters, digits, `_`, `-` and `.`, with a `+` at its end for all that follows"
            );
            assert!(
                !is_last_plus || at + 2 == path.len(),
                "a parameter with `+` is the last segment"
            );
            if byte == b'}' {
                assert!(
                    path[at - 1] != b'{',
                    "a parameter has a name, as in `/{{id}}`"
                );
                assert!(
                    at + 1 == path.len() || path[at + 1] == b'/',
                    "a parameter is a whole segment, as in `/{{id}}`"
                );
                is_open = false;
            }
        } else {
            assert!(
                byte != b'/' || path[at - 1] != b'/',
                "a route's path has an empty segment"
            );
            assert!(byte != b'}', "a parameter's `}}` has no `{{`");
            assert!(
                byte != b'{' || path[at - 1] == b'/',
                "a parameter is a whole segment, as in `/{{id}}`"
            );
            // API Gateway takes these in a segment that is no parameter.
            let is_text = byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'-' | b'.' | b':' | b'~' | b'$' | b',');
            assert!(
                byte == b'/' || byte == b'{' || is_text,
                "a route's path has letters, digits and `_-.:~$,` between its slashes"
            );
            is_open = byte == b'{';
        }
        at += 1;
    }
    assert!(!is_open, "a parameter's `{{` has no `}}`");
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Route = Route::get("/customers/{customer}/orders/{placed+}");

    #[test]
    fn a_route_knows_its_parts() {
        assert_eq!(
            ONE.to_string(),
            "GET /customers/{customer}/orders/{placed+}"
        );
        assert_eq!(
            ONE.segments().collect::<Vec<_>>(),
            ["customers", "{customer}", "orders", "{placed+}"]
        );
        assert_eq!(Route::any("/").segments().count(), 0);
    }

    #[test]
    fn parameters_are_known_by_their_whole_name() {
        assert_eq!(crate::parameter!(ONE, "customer"), "customer");
        assert_eq!(crate::parameter!(ONE, "placed"), "placed");
        for absent in ["", "custom", "customers", "orders", "placed+"] {
            assert!(!ONE.has_parameter(absent), "{absent}");
        }
    }

    #[test]
    fn a_request_s_path_is_the_route_s() {
        const ALL: Route = Route::get("/files/{path+}");
        const LIST: Route = Route::get("/customers/{customer}/orders");
        for (route, path, is_one) in [
            (ONE, "/customers/7/orders/8", true),
            (ONE, "/customers/7/orders/8?verbose=1", true),
            (ONE, "/customers/7/orders", false),
            (ONE, "/customer/7/orders/8", false),
            (LIST, "/customers/7/orders", true),
            (LIST, "/customers/7/orders/8", false),
            (ALL, "/files/a/b", true),
            (ALL, "/files", false),
        ] {
            assert_eq!(route.has_path(path), is_one, "{path}");
        }
    }

    #[test]
    fn malformed_paths_are_refused() {
        for path in [
            "", "orders", "/orders/", "//", "/a//b", "/a{id}", "/{id}b", "/{}", "/{id", "/id}",
            "/{a b}", "/{a+}/b", "/{a{b}}", "/a b", "/a?b",
        ] {
            let made = std::panic::catch_unwind(|| Route::get(path));
            assert!(made.is_err(), "`{path}` was taken");
        }
        for path in [
            "/",
            "/a",
            "/{id}",
            "/a/{b}/c",
            "/{proxy+}",
            "/v1.0/a_b-c",
            "/{a.b-c_d}",
        ] {
            assert_eq!(Route::get(path).path(), path);
        }
    }
}
