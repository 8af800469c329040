//! Filter patterns for JSON: `{ ($.level = "error") && ($.latency > 100) }`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use super::filter::{bad_pattern, quoted};
use crate::answer::Refusal;

const COMPARISONS: [(&str, Comparison); 6] = [
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Deeper is no pattern that anybody writes.
const DEEPEST: usize = 50;

#[derive(Debug)]
pub(super) enum JsonFilter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Compare(Selector, Comparison, Operand),
    Is(Selector, State),
}

/// `$.a.b[0]`; `$.a[*]` is any of a list.
#[derive(Debug)]
pub(super) struct Selector {
    steps: Vec<Step>,
    /// As it was written.
    text: String,
}

#[derive(Debug)]
enum Step {
    Member(String),
    Index(usize),
    Each,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug)]
pub(super) enum Operand {
    /// With `*` for any text.
    Text(String),
    Number(f64, String),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    Null,
    True,
    False,
    Missing,
}

impl JsonFilter {
    pub(super) fn read(pattern: &str) -> Result<Self, Refusal> {
        let inner = pattern
            .strip_prefix('{')
            .and_then(|pattern| pattern.strip_suffix('}'))
            .ok_or_else(bad_pattern)?;
        let mut reader = Reader { rest: inner };
        let filter = reader.any(0).ok_or_else(bad_pattern)?;
        if reader.rest.trim().is_empty() {
            Ok(filter)
        } else {
            Err(bad_pattern())
        }
    }

    /// The values that the pattern's selectors find.
    pub(super) fn extract(&self, value: &Value) -> BTreeMap<String, String> {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(|part| part.extract(value)).collect()
            }
            Self::Compare(selector, ..) | Self::Is(selector, _) => {
                let found = selector.select(value);
                let text = found.first().map(|found| match found {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
                let named = text.map(|text| (selector.text.clone(), text));
                named.into_iter().collect()
            }
        }
    }

    pub(super) fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.accepts(value)),
            Self::Any(parts) => parts.iter().any(|part| part.accepts(value)),
            Self::Compare(selector, comparison, operand) => selector
                .select(value)
                .into_iter()
                .any(|found| comparison.holds(found, operand)),
            Self::Is(selector, state) => {
                let found = selector.select(value);
                match state {
                    State::Missing => found.is_empty(),
                    State::Null => found.iter().any(|value| value.is_null()),
                    State::True => found.contains(&&Value::Bool(true)),
                    State::False => found.contains(&&Value::Bool(false)),
                }
            }
        }
    }
}

impl Selector {
    fn select<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for step in &self.steps {
            found = found
                .into_iter()
                .flat_map(|value| match step {
                    Step::Member(name) => value.get(name).into_iter().collect(),
                    Step::Index(index) => value.get(index).into_iter().collect(),
                    Step::Each => value.as_array().into_iter().flatten().collect::<Vec<_>>(),
                })
                .collect();
        }
        found
    }
}

/// A sign and an operand, of a field's condition.
pub(super) fn comparison(text: &str) -> Option<(Comparison, Operand)> {
    let mut reader = Reader { rest: text };
    let (_, comparison) = COMPARISONS.iter().find(|(sign, _)| reader.skip(sign))?;
    let operand = reader.operand()?;
    reader
        .rest
        .trim()
        .is_empty()
        .then_some((*comparison, operand))
}

impl Comparison {
    /// The same of a text that may be a number.
    pub(super) fn holds_for_text(self, text: &str, operand: &Operand) -> bool {
        let number = text.parse::<serde_json::Number>();
        match (number, operand) {
            (Ok(number), Operand::Number(..)) => self.holds(&Value::Number(number), operand),
            _ => self.holds(&Value::String(text.to_owned()), operand),
        }
    }

    fn holds(self, found: &Value, operand: &Operand) -> bool {
        match (found, operand) {
            (Value::Number(number), Operand::Number(wanted, _)) => {
                let order = number.as_f64().and_then(|found| found.partial_cmp(wanted));
                order.is_some_and(|order| match self {
                    Self::Equal => order == Ordering::Equal,
                    Self::NotEqual => order != Ordering::Equal,
                    Self::Less => order == Ordering::Less,
                    Self::LessOrEqual => order != Ordering::Greater,
                    Self::Greater => order == Ordering::Greater,
                    Self::GreaterOrEqual => order != Ordering::Less,
                })
            }
            (Value::String(text), Operand::Text(pattern) | Operand::Number(_, pattern)) => {
                let fits = crate::iam::fits(pattern, text);
                match self {
                    Self::Equal => fits,
                    Self::NotEqual => !fits,
                    _ => false,
                }
            }
            _ => self == Self::NotEqual,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self, depth: usize) -> Option<JsonFilter> {
        let mut parts = vec![self.all(depth)?];
        while self.skip("||") {
            parts.push(self.all(depth)?);
        }
        Some(JsonFilter::Any(parts))
    }

    fn all(&mut self, depth: usize) -> Option<JsonFilter> {
        let mut parts = vec![self.one(depth)?];
        while self.skip("&&") {
            parts.push(self.one(depth)?);
        }
        Some(JsonFilter::All(parts))
    }

    fn one(&mut self, depth: usize) -> Option<JsonFilter> {
        if depth > DEEPEST {
            return None;
        }
        if self.skip("(") {
            let inner = self.any(depth + 1)?;
            return self.skip(")").then_some(inner);
        }
        let selector = self.selector()?;
        for (sign, comparison) in COMPARISONS {
            if self.skip(sign) {
                let operand = self.operand()?;
                return Some(JsonFilter::Compare(selector, comparison, operand));
            }
        }
        let state = match (self.word()?.as_str(), self.word()?.as_str()) {
            ("IS", "NULL") => State::Null,
            ("IS", "TRUE") => State::True,
            ("IS", "FALSE") => State::False,
            ("NOT", "EXISTS") => State::Missing,
            _ => return None,
        };
        Some(JsonFilter::Is(selector, state))
    }

    fn selector(&mut self) -> Option<Selector> {
        if !self.skip("$") {
            return None;
        }
        let from = self.rest;
        let mut steps = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                let name = self.while_char(|c| c.is_alphanumeric() || "_-".contains(c));
                if name.is_empty() {
                    return None;
                }
                steps.push(Step::Member(name));
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                let (index, rest) = rest.split_once(']')?;
                self.rest = rest;
                steps.push(match index.trim() {
                    "*" => Step::Each,
                    index if index.len() > 2 && index.starts_with(['\'', '"']) => {
                        Step::Member(index.trim_matches(['\'', '"']).to_owned())
                    }
                    index => Step::Index(index.parse().ok()?),
                });
            } else {
                let text = format!("${}", &from[..from.len() - self.rest.len()]);
                return (!steps.is_empty()).then_some(Selector { steps, text });
            }
        }
    }

    fn operand(&mut self) -> Option<Operand> {
        if self.skip("\"") {
            let (text, rest) = quoted(self.rest)?;
            self.rest = rest;
            return Some(Operand::Text(text));
        }
        self.rest = self.rest.trim_start();
        let word = self.while_char(|c| !c.is_whitespace() && !"()&|".contains(c));
        if word.is_empty() {
            return None;
        }
        Some(match word.parse() {
            Ok(number) => Operand::Number(number, word),
            Err(_) => Operand::Text(word),
        })
    }

    fn word(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let word = self.while_char(char::is_alphabetic);
        (!word.is_empty()).then(|| word.to_uppercase())
    }

    fn while_char(&mut self, is_part: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (part, rest) = self.rest.split_at(end);
        let part = part.to_owned();
        self.rest = rest;
        part
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_compared() {
        let event = json!({
            "level": "error",
            "code": 42,
            "user": { "name": "ann", "roles": ["a", "b"] },
            "gone": null,
            "ok": true,
        });
        for (pattern, expected) in [
            ("{ $.level = \"error\" }", true),
            ("{ $.level = error }", true),
            ("{ $.level = err* }", true),
            ("{ $.level != \"error\" }", false),
            ("{ $.code > 41 && $.code <= 42 }", true),
            ("{ $.code < 42 }", false),
            (
                "{ $.level = info || ($.user.name = ann && $.code = 42.0) }",
                true,
            ),
            ("{ $.user.roles[1] = b }", true),
            ("{ $.user.roles[*] = a }", true),
            ("{ $.user['name'] = bob }", false),
            ("{ $.gone IS NULL }", true),
            ("{ $.ok IS TRUE }", true),
            ("{ $.ok IS FALSE }", false),
            ("{ $.nothing NOT EXISTS }", true),
            ("{ $.nothing = x }", false),
        ] {
            let filter = JsonFilter::read(pattern).expect(pattern);
            assert_eq!(filter.accepts(&event), expected, "{pattern}");
        }
    }

    #[test]
    fn deep_and_broken_patterns_are_refused() {
        let deep = format!("{{ {} $.a = 1 }}", "(".repeat(100_000));
        for pattern in [
            "{",
            "{ }",
            "{ $ = 1 }",
            "{ $.a = }",
            "{ $.a[x] = 1 }",
            "{ $.a = 1 b }",
            &deep,
        ] {
            assert!(JsonFilter::read(pattern).is_err());
        }
    }
}
