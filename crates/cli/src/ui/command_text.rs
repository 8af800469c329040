//! Commands as text, for lines to paste.

use std::fmt::{self, Display};

/// A command with its options, quoted for a shell.
#[derive(Clone, Debug)]
pub(crate) struct CommandText(String);

impl CommandText {
    /// Adds a word.
    #[must_use]
    pub(crate) fn word(mut self, word: &str) -> Self {
        self.0.push(' ');
        self.0.push_str(&quoted(word));
        self
    }

    /// Adds a flag with its value, if there is one.
    #[must_use]
    pub(crate) fn option(self, flag: &str, value: Option<impl Display>) -> Self {
        let Some(value) = value.map(|value| value.to_string()) else {
            return self;
        };
        if value.starts_with('-') {
            self.word(&format!("{flag}={value}"))
        } else {
            self.word(flag).word(&value)
        }
    }

    /// Adds a flag for each value.
    #[must_use]
    pub(crate) fn options(
        self,
        flag: &str,
        values: impl IntoIterator<Item = impl Display>,
    ) -> Self {
        let values = values.into_iter();
        values.fold(self, |text, value| text.option(flag, Some(value)))
    }

    /// Adds a flag without a value, if it is on.
    #[must_use]
    pub(crate) fn switch(self, flag: &str, is_on: bool) -> Self {
        if is_on { self.word(flag) } else { self }
    }
}

impl From<&str> for CommandText {
    fn from(words: &str) -> Self {
        Self(words.to_owned())
    }
}

impl Display for CommandText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Quotes a word for a shell.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_in_a_shell() {
        assert_eq!(quoted("eu-west-1"), "eu-west-1");
        assert_eq!(quoted("my profile"), "'my profile'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn only_given_options_are_written() {
        let text = CommandText::from("up")
            .option("--rate", Some(50.5))
            .option("--burst", None::<i32>)
            .options("--skip", ["a", "b c", "-d"])
            .switch("--keep-data", true)
            .switch("--local", false);
        assert_eq!(
            text.to_string(),
            "up --rate 50.5 --skip a --skip 'b c' --skip=-d --keep-data"
        );
    }
}
