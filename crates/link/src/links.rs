//! Structs of links: declared by the stack, loaded by the function.

use serde_json::Value;

/// Something that a function uses. The stack asks for its [`Need`], and the function loads it from the variable that holds the
/// need's value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no link",
    note = "a link is a `Table`, a text, a number, a truth value, or a type of your own that implements `Link`"
)]
pub trait Link: Sized {
    /// Returns what the function needs to use this.
    fn need(&self) -> Need;

    /// Reads the link from its variable's value.
    ///
    /// # Errors
    ///
    /// A text that says what the value should have been.
    fn load(value: String) -> Result<Self, String>;
}

/// The needs of a function for one link. References to resources are data: `{"$ref": "table.arn"}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// The environment variable's value.
    pub value: Value,
    /// The rights that the function's role must have.
    pub statements: Vec<Statement>,
}

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The actions: `dynamodb:GetItem`.
    pub actions: Vec<&'static str>,
    /// The ARNs, which may be references.
    pub resources: Vec<Value>,
    /// The only partition key whose items are allowed.
    pub leading_key: Option<String>,
}

/// All that one function uses: `#[derive(Links)]` on a struct whose fields are links, with `#[links(bin = "name")]` for the
/// binary that the function runs.
pub trait Links: Sized {
    /// The binary.
    const BINARY: &'static str;

    /// Returns the needs of the fields, by name.
    fn needs(&self) -> Vec<(&'static str, Need)>;

    /// Reads each field from its [variable].
    ///
    /// # Errors
    ///
    /// If a variable is not set, or its value is no such link.
    fn load(variables: impl Fn(&str) -> Option<String>) -> Result<Self, LoadError>;
}

/// A function whose links cannot be loaded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A variable is not set.
    #[error(
        "the environment variable `{name}` is not set: the stack that declares the function has to link `{binary}`"
    )]
    Unset {
        /// The variable.
        name: String,
        /// The binary that the links are for.
        binary: &'static str,
    },
    /// A variable has another form.
    #[error("the environment variable `{name}` cannot be read: {text}")]
    Malformed {
        /// The variable.
        name: String,
        /// The form that was expected.
        text: String,
    },
}

/// Returns the environment variable of a field: `LINK_ORDERS` for `orders`. The prefix keeps a field named `path` from being
/// `PATH`.
pub fn variable(field: &str) -> String {
    format!("LINK_{}", field.to_uppercase())
}

#[doc(hidden)]
pub fn load<L: Link>(
    field: &str,
    binary: &'static str,
    variables: &impl Fn(&str) -> Option<String>,
) -> Result<L, LoadError> {
    let name = variable(field);
    match variables(&name) {
        None => Err(LoadError::Unset { name, binary }),
        Some(value) => L::load(value).map_err(|text| LoadError::Malformed { name, text }),
    }
}

/// Reads the links of this binary from its environment. The links of another binary do not compile.
///
/// # Errors
///
/// As [`Links::load`].
#[macro_export]
macro_rules! links {
    ($links:ty) => {{
        const _: () = assert!(
            $crate::private::is_same(<$links as $crate::Links>::BINARY, env!("CARGO_BIN_NAME")),
            "these links are another binary's: the stack grants them to the one that `#[links(bin = …)]` names"
        );
        <$links as $crate::Links>::load(|name| ::std::env::var(name).ok())
    }};
}

#[doc(hidden)]
pub const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

macro_rules! plain {
    ($($kind:ty: $expected:literal),+ $(,)?) => {$(
        impl Link for $kind {
            fn need(&self) -> Need {
                Need {
                    value: self.to_string().into(),
                    statements: Vec::new(),
                }
            }

            fn load(value: String) -> Result<Self, String> {
                value
                    .parse()
                    .map_err(|_| format!(concat!("`{}` is not ", $expected), value))
            }
        }
    )+};
}

plain!(
    String: "a text",
    bool: "`true` or `false`",
    u8: "a number from 0 to 255",
    u16: "a number from 0 to 65535",
    u32: "a whole number that is not negative",
    u64: "a whole number that is not negative",
    i32: "a whole number",
    i64: "a whole number",
    f64: "a number",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_come_back() {
        let back = |value: f64| match value.need().value {
            Value::String(text) => f64::load(text),
            other => Err(other.to_string()),
        };
        assert_eq!(back(0.1), Ok(0.1));
        assert_eq!(
            u8::load("256".to_owned()),
            Err("`256` is not a number from 0 to 255".to_owned())
        );
    }

    #[test]
    fn errors_name_the_variable() {
        let unset = load::<String>("owner", "reader", &|_| None);
        assert_eq!(
            unset.unwrap_err().to_string(),
            "the environment variable `LINK_OWNER` is not set: the stack that declares the function has to link `reader`"
        );
        let malformed = load::<bool>("is_open", "reader", &|_| Some("yes".to_owned()));
        assert_eq!(
            malformed.unwrap_err().to_string(),
            "the environment variable `LINK_IS_OPEN` cannot be read: `yes` is not `true` or `false`"
        );
    }
}
