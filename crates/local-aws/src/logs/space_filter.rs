//! Filter patterns for space-delimited fields: `[ip, user, ..., status = 4*, bytes > 1000]`.

use std::collections::BTreeMap;

use super::filter::bad_pattern;
use super::json_filter::{Comparison, Operand, comparison};
use crate::answer::Refusal;

/// More fields are no pattern that anybody writes.
const MOST_FIELDS: usize = 100;

#[derive(Debug)]
pub(super) struct SpaceFilter(Vec<Field>);

#[derive(Debug)]
enum Field {
    /// As many fields as there are: `...`.
    Rest,
    Named {
        name: String,
        /// One list of them has to hold as a whole.
        conditions: Vec<Vec<(Comparison, Operand)>>,
    },
}

impl SpaceFilter {
    pub(super) fn read(pattern: &str) -> Result<Self, Refusal> {
        let inner = pattern
            .strip_prefix('[')
            .and_then(|pattern| pattern.strip_suffix(']'))
            .ok_or_else(bad_pattern)?;
        if inner.trim().is_empty() {
            return Ok(Self(vec![Field::Rest]));
        }
        let fields: Vec<Field> = split(inner)
            .map(|text| Field::read(text.trim()))
            .collect::<Option<_>>()
            .ok_or_else(bad_pattern)?;
        let rests = fields.iter().filter(|field| matches!(field, Field::Rest));
        if rests.count() > 1 || fields.len() > MOST_FIELDS {
            return Err(bad_pattern());
        }
        Ok(Self(fields))
    }

    pub(super) fn accepts(&self, message: &str) -> bool {
        self.matched(message).is_some_and(|matched| {
            matched
                .iter()
                .all(|(field, value)| field.is_none_or(|field| field.holds(value)))
        })
    }

    /// The fields of a message by `$` and name; those of `...` by `$` and number.
    pub(super) fn extract(&self, message: &str) -> BTreeMap<String, String> {
        let matched = self.matched(message).unwrap_or_default();
        matched
            .iter()
            .zip(1..)
            .map(|((field, value), number)| {
                let name = match field {
                    Some(Field::Named { name, .. }) => format!("${name}"),
                    _ => format!("${number}"),
                };
                (name, value.clone())
            })
            .collect()
    }

    /// Each field of a message with its part of the pattern, if the numbers fit.
    fn matched(&self, message: &str) -> Option<Vec<(Option<&Field>, String)>> {
        let values = tokens(message);
        let rest = self.0.iter().position(|field| matches!(field, Field::Rest));
        let named = self.0.len() - usize::from(rest.is_some());
        let spare = values.len().checked_sub(named)?;
        if rest.is_none() && spare > 0 {
            return None;
        }
        let mut fields: Vec<Option<&Field>> = Vec::new();
        for field in &self.0 {
            match field {
                Field::Rest => fields.extend(std::iter::repeat_n(None, spare)),
                field @ Field::Named { .. } => fields.push(Some(field)),
            }
        }
        Some(fields.into_iter().zip(values).collect())
    }
}

impl Field {
    fn read(text: &str) -> Option<Self> {
        if text == "..." {
            return Some(Self::Rest);
        }
        let is_name = |c: char| c.is_alphanumeric() || "_-".contains(c);
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if name.is_empty() {
            return None;
        }
        let mut conditions = Vec::new();
        if !rest.trim().is_empty() {
            for (at, any) in text.split("||").enumerate() {
                let mut all = Vec::new();
                for (inner, one) in any.split("&&").enumerate() {
                    let one = one.trim();
                    // The name is repeated before each condition, or left out.
                    let one = one.strip_prefix(name).unwrap_or(one).trim_start();
                    if one.is_empty() && (at, inner) != (0, 0) {
                        return None;
                    }
                    all.push(comparison(one)?);
                }
                conditions.push(all);
            }
        }
        Some(Self::Named {
            name: name.to_owned(),
            conditions,
        })
    }

    fn holds(&self, value: &str) -> bool {
        let Self::Named { conditions, .. } = self else {
            return true;
        };
        conditions.is_empty()
            || conditions.iter().any(|all| {
                all.iter()
                    .all(|(comparison, operand)| comparison.holds_for_text(value, operand))
            })
    }
}

/// Between commas that are in no quotation.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    })
}

/// What stands in brackets or quotation marks is one field.
fn tokens(message: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = message.trim_start();
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '[' => Some(']'),
            '"' => Some('"'),
            _ => None,
        };
        let enclosed = close.and_then(|close| rest[1..].split_once(close));
        let (token, tail) = if let Some(found) = enclosed {
            found
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest.split_at(end)
        };
        tokens.push(token.to_owned());
        rest = tail.trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;

    #[test]
    fn fields_are_compared() {
        for (pattern, expected) in [
            ("[]", true),
            ("[...]", true),
            ("[ip, id, user, timestamp, request, status, size]", true),
            ("[ip, id, user]", false),
            ("[ip, ..., size]", true),
            ("[ip = 127.0.0.1, ...]", true),
            ("[..., status = 4*, size]", true),
            ("[..., status = 2*, size]", false),
            ("[..., status, size > 1000]", true),
            ("[..., status, size > 1000 && size < 1500]", false),
            ("[..., status = 200 || status = 404, size]", true),
            ("[ip, id, user != frank, ...]", false),
            ("[ip, id, user, timestamp, request = \"GET *\", ...]", true),
        ] {
            let filter = SpaceFilter::read(pattern).expect(pattern);
            assert_eq!(filter.accepts(LINE), expected, "{pattern}");
        }
    }

    #[test]
    fn fields_are_extracted() {
        let filter = SpaceFilter::read("[ip, ..., size]").expect("a pattern");
        let found = filter.extract("10.0.0.1 x y 5");
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("$2", "x"),
                ("$3", "y"),
                ("$ip", "10.0.0.1"),
                ("$size", "5")
            ]
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "[",
            "[a",
            "[a,, b]",
            "[..., ...]",
            "[a >]",
            "[= 1]",
            "[a = 1 ||]",
        ] {
            assert!(SpaceFilter::read(pattern).is_err(), "{pattern}");
        }
    }
}
