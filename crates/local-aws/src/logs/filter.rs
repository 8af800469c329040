//! Filter patterns for text (AWS: "Filter pattern syntax for metric filters, subscription filters, filter log events").

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::Value;

use super::input;
use super::json_filter::JsonFilter;
use super::space_filter::SpaceFilter;
use crate::answer::Refusal;

/// Which messages a search is for.
#[derive(Debug)]
pub(super) enum Filter {
    Terms(Vec<Term>),
    Json(JsonFilter),
    Fields(SpaceFilter),
}

#[derive(Debug)]
pub(super) struct Term {
    kind: Kind,
    content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Has to be there.
    Required,
    /// One of these has to be there: `?term`.
    Optional,
    /// Must not be there: `-term`.
    Excluded,
}

#[derive(Debug)]
enum Content {
    Text(String),
    /// `%…%`.
    Regex(Regex),
}

impl Content {
    fn is_in(&self, message: &str) -> bool {
        match self {
            Self::Text(text) => message.contains(text),
            Self::Regex(regex) => regex.is_match(message),
        }
    }
}

pub(super) fn bad_pattern() -> Refusal {
    input::invalid("Invalid filter pattern")
}

impl Filter {
    pub(super) fn read(pattern: &str) -> Result<Self, Refusal> {
        let pattern = pattern.trim();
        if pattern.starts_with('{') {
            return JsonFilter::read(pattern).map(Self::Json);
        }
        if pattern.starts_with('[') {
            return SpaceFilter::read(pattern).map(Self::Fields);
        }
        let mut terms = Vec::new();
        let mut rest = pattern;
        while !rest.is_empty() {
            let (term, tail) = Term::read(rest)?;
            terms.push(term);
            rest = tail.trim_start();
        }
        // AWS passes over optional terms beside others.
        if terms.iter().any(|term| term.kind != Kind::Optional) {
            terms.retain(|term| term.kind != Kind::Optional);
        }
        Ok(Self::Terms(terms))
    }

    /// What the pattern names in a message, and its value there.
    pub(super) fn extract(&self, message: &str) -> BTreeMap<String, String> {
        match self {
            Self::Terms(_) => BTreeMap::new(),
            Self::Fields(filter) => filter.extract(message),
            Self::Json(filter) => serde_json::from_str::<Value>(message)
                .map(|value| filter.extract(&value))
                .unwrap_or_default(),
        }
    }

    pub(super) fn accepts(&self, message: &str) -> bool {
        match self {
            Self::Fields(filter) => filter.accepts(message),
            Self::Json(filter) => {
                serde_json::from_str::<Value>(message).is_ok_and(|value| filter.accepts(&value))
            }
            Self::Terms(terms) => {
                let mut optional = terms
                    .iter()
                    .filter(|term| term.kind == Kind::Optional)
                    .peekable();
                if optional.peek().is_some() {
                    return optional.any(|term| term.content.is_in(message));
                }
                terms
                    .iter()
                    .all(|term| term.content.is_in(message) == (term.kind == Kind::Required))
            }
        }
    }
}

impl Term {
    /// The first term of `text`, and what follows it.
    fn read(text: &str) -> Result<(Self, &str), Refusal> {
        let (kind, text) = match (text.strip_prefix('?'), text.strip_prefix('-')) {
            (Some(text), _) => (Kind::Optional, text),
            (_, Some(text)) => (Kind::Excluded, text),
            _ => (Kind::Required, text),
        };
        let (content, rest) = if let Some(text) = text.strip_prefix('"') {
            let (phrase, rest) = quoted(text).ok_or_else(bad_pattern)?;
            (Content::Text(phrase), rest)
        } else if let Some(text) = text.strip_prefix('%') {
            let (regex, rest) = text.split_once('%').ok_or_else(bad_pattern)?;
            let regex = Regex::new(regex).map_err(|_| bad_pattern())?;
            (Content::Regex(regex), rest)
        } else {
            let end = text.find(char::is_whitespace).unwrap_or(text.len());
            let (word, rest) = text.split_at(end);
            if word.is_empty() {
                return Err(bad_pattern());
            }
            if !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return Err(input::invalid(format!(
                    "Invalid character(s) in term '{word}'"
                )));
            }
            (Content::Text(word.to_owned()), rest)
        };
        Ok((Self { kind, content }, rest))
    }
}

/// The text up to the next quotation mark, and what follows that; `\"` is none, and `\\` is a backslash.
pub(super) fn quoted(text: &str) -> Option<(String, &str)> {
    let mut phrase = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((phrase, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                c @ ('"' | '\\') => phrase.push(c),
                c => phrase.extend(['\\', c]),
            },
            c => phrase.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_found_in_text() {
        for (pattern, message, expected) in [
            ("", "anything", true),
            ("ERROR", "an ERROR here", true),
            ("ERROR", "an error here", false),
            ("ERROR here", "here is an ERROR", true),
            ("ERROR gone", "an ERROR here", false),
            ("?ERROR ?WARN", "a WARN", true),
            ("?ERROR ?WARN", "an INFO", false),
            ("?ERROR INFO", "an INFO", true),
            ("ERROR -Timeout", "ERROR: Timeout", false),
            ("ERROR -Timeout", "ERROR: other", true),
            ("-DEBUG", "INFO", true),
            (
                r#""REPORT RequestId: \"1\"""#,
                r#"REPORT RequestId: "1""#,
                true,
            ),
            (r#""a b""#, "a  b", false),
            ("%4[0-9]{2}%", "status 404", true),
            ("%4[0-9]{2}%", "status 200", false),
        ] {
            let filter = Filter::read(pattern).expect(pattern);
            assert_eq!(filter.accepts(message), expected, "{pattern} in {message}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["\"open", "%(%", "%open", "a:b", "-", "[a, b", "{ $.a", "{}"] {
            assert_eq!(
                Filter::read(pattern).expect_err(pattern).code,
                "InvalidParameterException"
            );
        }
    }
}
