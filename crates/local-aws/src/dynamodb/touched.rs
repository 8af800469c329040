//! The paths that an update expression touches, and their part of an item.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The targets of an update expression.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Touched {
    root: Part,
    /// True if a target is an element of a list or below one.
    pub(super) has_elements: bool,
    /// True if nothing is set or added.
    pub(super) only_removes: bool,
}

/// What of one value is touched.
#[derive(Debug, Default, PartialEq)]
struct Part {
    whole: bool,
    members: BTreeMap<String, Part>,
    elements: BTreeMap<usize, Part>,
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Mark(char),
}

impl Touched {
    /// Reads the targets only; whether the expression is right is for the engine to say. `names` are the request's
    /// `ExpressionAttributeNames`.
    pub(super) fn of(expression: &str, names: &Value) -> Self {
        let tokens = tokens(expression);
        let mut touched = Self {
            only_removes: true,
            ..Self::default()
        };
        let mut has_clause = false;
        let mut depth = 0_usize;
        let mut rest = tokens.as_slice();
        while let Some((token, after)) = rest.split_first() {
            rest = after;
            let starts = match token {
                Token::Word(word) if depth == 0 && is_clause(word) => {
                    has_clause = true;
                    touched.only_removes &=
                        !word.eq_ignore_ascii_case("SET") && !word.eq_ignore_ascii_case("ADD");
                    true
                }
                Token::Mark(',') => depth == 0,
                Token::Mark('(') => {
                    depth += 1;
                    false
                }
                Token::Mark(')') => {
                    depth = depth.saturating_sub(1);
                    false
                }
                _ => false,
            };
            if starts {
                rest = touched.target(rest, names);
            }
        }
        touched.only_removes &= has_clause;
        touched
    }

    /// Takes one path from the beginning of `tokens` and returns the rest.
    fn target<'a>(&mut self, tokens: &'a [Token<'a>], names: &Value) -> &'a [Token<'a>] {
        let Some((Token::Word(first), mut rest)) = tokens.split_first() else {
            return tokens;
        };
        let mut part = self.root.member(first, names);
        loop {
            match rest {
                [Token::Mark('.'), Token::Word(name), after @ ..] => {
                    part = part.member(name, names);
                    rest = after;
                }
                [
                    Token::Mark('['),
                    Token::Word(index),
                    Token::Mark(']'),
                    after @ ..,
                ] => {
                    let Ok(index) = index.parse() else {
                        break;
                    };
                    self.has_elements = true;
                    part = part.elements.entry(index).or_default();
                    rest = after;
                }
                _ => break,
            }
        }
        part.whole = true;
        rest
    }

    /// The touched part of an item, within its path; elements of lists follow each other in the order of their indexes.
    pub(super) fn part_of(&self, item: &Map<String, Value>) -> Map<String, Value> {
        self.root.of_members(item)
    }
}

impl Part {
    fn member(&mut self, name: &str, names: &Value) -> &mut Self {
        let name = names.get(name).and_then(Value::as_str).unwrap_or(name);
        self.members.entry(name.to_owned()).or_default()
    }

    fn of_members(&self, members: &Map<String, Value>) -> Map<String, Value> {
        self.members
            .iter()
            .filter_map(|(name, part)| Some((name.clone(), part.of(members.get(name)?)?)))
            .collect()
    }

    fn of(&self, value: &Value) -> Option<Value> {
        if self.whole {
            return Some(value.clone());
        }
        if let Some(members) = value.get("M").and_then(Value::as_object) {
            let members = self.of_members(members);
            return (!members.is_empty())
                .then(|| Map::from_iter([("M".to_owned(), members.into())]).into());
        }
        let elements = value.get("L")?.as_array()?;
        let elements: Vec<Value> = self
            .elements
            .iter()
            .filter_map(|(index, part)| part.of(elements.get(*index)?))
            .collect();
        (!elements.is_empty()).then(|| Map::from_iter([("L".to_owned(), elements.into())]).into())
    }
}

fn is_clause(word: &str) -> bool {
    ["SET", "REMOVE", "ADD", "DELETE"]
        .iter()
        .any(|clause| word.eq_ignore_ascii_case(clause))
}

/// Words are names, placeholders and numbers.
fn tokens(expression: &str) -> Vec<Token<'_>> {
    let is_word =
        |character: char| character.is_alphanumeric() || matches!(character, '_' | '#' | ':' | '-');
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) && first != '-' {
            rest.find(|character| !is_word(character))
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        tokens.push(if is_word(first) && first != '-' {
            Token::Word(token)
        } else {
            Token::Mark(first)
        });
        rest = after.trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(expression: &str, names: &Value, item: &Value) -> Value {
        let item = item.as_object().expect("an item");
        Touched::of(expression, names).part_of(item).into()
    }

    #[test]
    fn only_what_is_touched_is_left_within_its_path() {
        let item = json!({
            "a": { "M": { "b": { "S": "dog" }, "c": { "L": [{ "N": "1" }, { "N": "2" }, { "N": "3" }] } } },
            "d": { "S": "cat" },
            "e": { "L": [{ "M": { "f": { "N": "1" }, "g": { "N": "2" } } }] },
        });
        let none = json!({});
        for (expression, expected) in [
            (
                "SET a.c[1] = :v",
                json!({ "a": { "M": { "c": { "L": [{ "N": "2" }] } } } }),
            ),
            (
                "set a.c[2] = list_append(:v, a.c), a . c [ 0 ] = :w - d ADD x :y REMOVE a.b",
                json!({ "a": { "M": { "b": { "S": "dog" }, "c": { "L": [{ "N": "1" }, { "N": "3" }] } } } }),
            ),
            (
                "REMOVE e[0].g",
                json!({ "e": { "L": [{ "M": { "g": { "N": "2" } } }] } }),
            ),
            ("SET a.c[100] = :v, a.x.y = :w", json!({})),
            ("SET d = :v", json!({ "d": { "S": "cat" } })),
        ] {
            assert_eq!(part(expression, &none, &item), expected, "{expression}");
        }
        let names = json!({ "#a": "a", "#b": "b" });
        let expected = json!({ "a": { "M": { "b": { "S": "dog" } } } });
        assert_eq!(part("SET #a.#b = :v", &names, &item), expected);
    }

    #[test]
    fn an_expression_that_only_removes_is_told_apart() {
        let none = json!({});
        for (expression, expected) in [
            ("REMOVE a", true),
            ("REMOVE a, b[1] DELETE s :v", true),
            ("remove a set b = :v", false),
            ("ADD s :v", false),
            ("", false),
            ("nonsense", false),
            ("SET [", false),
        ] {
            assert_eq!(
                Touched::of(expression, &none).only_removes,
                expected,
                "{expression}"
            );
        }
    }
}
