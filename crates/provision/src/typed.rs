//! Commands as they would be typed, for lines to paste.

use std::fmt::{self, Display};

/// A command with its options, each word as a shell has to be given it.
#[derive(Clone, Debug)]
pub struct Typed(String);

impl Typed {
    #[must_use]
    pub fn word(mut self, word: &str) -> Self {
        self.0.push(' ');
        self.0.push_str(&for_a_shell(word));
        self
    }

    /// Nothing, where there is no value.
    #[must_use]
    pub fn option(self, flag: &str, value: Option<impl Display>) -> Self {
        let Some(value) = value.map(|value| value.to_string()) else {
            return self;
        };
        if value.starts_with('-') {
            self.word(&format!("{flag}={value}"))
        } else {
            self.word(flag).word(&value)
        }
    }

    #[must_use]
    pub fn options(self, flag: &str, values: impl IntoIterator<Item = impl Display>) -> Self {
        let values = values.into_iter();
        values.fold(self, |typed, value| typed.option(flag, Some(value)))
    }

    #[must_use]
    pub fn switch(self, flag: &str, is_on: bool) -> Self {
        if is_on { self.word(flag) } else { self }
    }
}

impl From<&str> for Typed {
    fn from(words: &str) -> Self {
        Self(words.to_owned())
    }
}

impl Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As one word of a shell's line.
pub(crate) fn for_a_shell(word: &str) -> String {
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
        assert_eq!(for_a_shell("eu-west-1"), "eu-west-1");
        assert_eq!(for_a_shell("my profile"), "'my profile'");
        assert_eq!(for_a_shell("it's"), r"'it'\''s'");
        assert_eq!(for_a_shell(""), "''");
    }

    #[test]
    fn only_what_is_given_is_typed() {
        let typed = Typed::from("up")
            .option("--rate", Some(50.5))
            .option("--burst", None::<i32>)
            .options("--skip", ["a", "b c", "-d"])
            .switch("--keep-data", true)
            .switch("--local", false);
        assert_eq!(
            typed.to_string(),
            "up --rate 50.5 --skip a --skip 'b c' --skip=-d --keep-data"
        );
    }
}
