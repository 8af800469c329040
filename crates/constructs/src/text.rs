//! Values of environment variables.

use provision_engine::input::{Expr, Input};
use serde_json::Value;

/// A value that an environment variable can have: a text, a number, a truth value, or an output of a resource.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no value of an environment variable",
    label = "a text, a number, or an output such as `table.name()` or `api.url(ROUTE)` is expected",
    note = "an API key's value is a secret: functions that need one read it from Systems Manager or Secrets Manager"
)]
pub trait Text {
    /// Returns the value as a text.
    fn text(self) -> Input<String>;
}

impl<T: serde::Serialize> Text for Input<T> {
    fn text(self) -> Input<String> {
        Input::text(&self)
    }
}

impl<T: serde::Serialize> Text for &Input<T> {
    fn text(self) -> Input<String> {
        Input::text(self)
    }
}

macro_rules! plain {
    ($($kind:ty),+) => {$(
        impl Text for $kind {
            fn text(self) -> Input<String> {
                Input::Known(self.to_string())
            }
        }
    )+};
}

plain!(&str, String, &String, bool, u16, u32, u64, i32, i64, f64);

/// Returns the parts as one text: what `text!` expands to.
pub fn joined(parts: &[Input<String>]) -> Input<String> {
    let parts: Vec<Value> = parts.iter().map(Input::to_value).collect();
    Input::Expr(Expr::Join(parts))
}

/// A text of several parts: `text!("https://example.com/", table.name())`.
#[macro_export]
macro_rules! text {
    ($($part:expr),+ $(,)?) => {
        $crate::private::joined(&[$($crate::Text::text($part)),+])
    };
}
