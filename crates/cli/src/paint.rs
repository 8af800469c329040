//! Colours of text.

/// True if text may carry colours. Every sign is legible without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    /// Colours text in the colour of an action, by its word.
    pub(crate) fn action(self, word: &str, text: &str) -> String {
        let code = match word {
            "create" => "32",
            "update" => "33",
            "replace" => "35",
            "delete" => "31",
            _ => return text.to_owned(),
        };
        self.wrap(code, text)
    }

    pub(crate) fn error(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// The colour of changes made outside of the tool, and of other warnings.
    pub(crate) fn drift(self, text: &str) -> String {
        self.wrap("33", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
