//! `JSONPath`, as far as API Gateway's expressions use it: members, indexes, slices, wildcards, descent, unions, filters
//! and `length()`.
//!
//! A path that can lead to one place only (a definite one) selects that value or nothing; any other selects a list
//! (Jayway `JsonPath`, "What is Returned When?").

use std::cmp::Ordering;

use serde_json::Value;

/// The values that one selection may look at.
pub(super) const WORK: usize = 2_000_000;
/// Of a path, in characters.
const LONGEST: usize = 4096;
const DEEPEST: usize = 32;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    steps: Vec<Step>,
    is_length: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Member(String),
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    Members(Vec<String>),
    Indexes(Vec<i64>),
    All,
    /// The value itself and everything in it.
    Descent,
    Filter(Condition),
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    Any(Vec<Condition>),
    Every(Vec<Condition>),
    Not(Box<Condition>),
    Exists(Operand),
    Compare(Operand, Comparison, Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    /// From the candidate (`@`).
    Current(Path),
    /// From the document (`$`).
    Root(Path),
    Literal(Value),
}

/// The work that a selection may do is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

/// A text that is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(Malformed);
        }
        // Jayway takes a path without its `$` too.
        let mut parser = Parser {
            rest: text.strip_prefix('$').unwrap_or(text),
            depth: 0,
        };
        if !text.starts_with('$') && !text.starts_with('[') && !text.is_empty() {
            let name = parser.name().ok_or(Malformed)?;
            let mut path = parser.path()?;
            path.steps.insert(0, Step::Member(name));
            return parser.finished(path);
        }
        let path = parser.path()?;
        parser.finished(path)
    }

    fn is_definite(&self) -> bool {
        self.steps
            .iter()
            .all(|step| matches!(step, Step::Member(_) | Step::Index(_)))
    }

    /// What it leads to in `root`; an error if `work` was used up.
    pub(super) fn select(&self, root: &Value, work: &mut usize) -> Result<Option<Value>, TooMuch> {
        let mut selection = Selection { root, work };
        let found = selection.of(self, root)?;
        let found = if self.is_definite() {
            found.first().map(|value| (*value).clone())
        } else {
            Some(Value::Array(found.into_iter().cloned().collect()))
        };
        if self.is_length {
            return Ok(found.and_then(|value| length(&value)));
        }
        Ok(found)
    }
}

fn length(value: &Value) -> Option<Value> {
    let length = match value {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        Value::String(text) => text.chars().count(),
        _ => return None,
    };
    Some(Value::from(length))
}

struct Selection<'a, 'w> {
    root: &'a Value,
    work: &'w mut usize,
}

impl<'a> Selection<'a, '_> {
    fn spend(&mut self, work: usize) -> Result<(), TooMuch> {
        *self.work = self.work.checked_sub(work).ok_or(TooMuch)?;
        Ok(())
    }

    fn of(&mut self, path: &Path, from: &'a Value) -> Result<Vec<&'a Value>, TooMuch> {
        let mut found = vec![from];
        for step in &path.steps {
            let mut next = Vec::new();
            for value in found {
                self.spend(1)?;
                self.step(step, value, &mut next)?;
            }
            found = next;
        }
        Ok(found)
    }

    fn step(
        &mut self,
        step: &Step,
        value: &'a Value,
        next: &mut Vec<&'a Value>,
    ) -> Result<(), TooMuch> {
        match step {
            Step::Member(name) => next.extend(value.get(name)),
            Step::Members(names) => {
                self.spend(names.len())?;
                next.extend(names.iter().filter_map(|name| value.get(name)));
            }
            Step::Index(index) => next.extend(item(value, *index)),
            Step::Indexes(indexes) => {
                self.spend(indexes.len())?;
                next.extend(indexes.iter().filter_map(|index| item(value, *index)));
            }
            Step::Slice(from, to) => {
                if let Value::Array(items) = value {
                    let place = |index: i64| {
                        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                        let index = if index < 0 { index + length } else { index };
                        usize::try_from(index.clamp(0, length)).unwrap_or(0)
                    };
                    let from = from.map_or(0, place);
                    let to = to.map_or(items.len(), place);
                    let part = items.get(from..to).unwrap_or_default();
                    self.spend(part.len())?;
                    next.extend(part);
                }
            }
            Step::All => self.children(value, next)?,
            Step::Descent => self.descend(value, next)?,
            Step::Filter(condition) => {
                // An object is filtered as a list of itself.
                let candidates: Vec<&Value> = match value {
                    Value::Array(items) => items.iter().collect(),
                    Value::Object(_) => vec![value],
                    _ => Vec::new(),
                };
                for candidate in candidates {
                    self.spend(1)?;
                    if self.holds(condition, candidate)? {
                        next.push(candidate);
                    }
                }
            }
        }
        Ok(())
    }

    fn children(&mut self, value: &'a Value, next: &mut Vec<&'a Value>) -> Result<(), TooMuch> {
        match value {
            Value::Array(items) => {
                self.spend(items.len())?;
                next.extend(items);
            }
            Value::Object(members) => {
                self.spend(members.len())?;
                next.extend(members.values());
            }
            _ => {}
        }
        Ok(())
    }

    fn descend(&mut self, value: &'a Value, next: &mut Vec<&'a Value>) -> Result<(), TooMuch> {
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            self.spend(1)?;
            next.push(value);
            let mut inner = Vec::new();
            self.children(value, &mut inner)?;
            open.extend(inner.into_iter().rev());
        }
        Ok(())
    }

    fn holds(&mut self, condition: &Condition, candidate: &'a Value) -> Result<bool, TooMuch> {
        self.spend(1)?;
        Ok(match condition {
            Condition::Any(conditions) => {
                for condition in conditions {
                    if self.holds(condition, candidate)? {
                        return Ok(true);
                    }
                }
                false
            }
            Condition::Every(conditions) => {
                for condition in conditions {
                    if !self.holds(condition, candidate)? {
                        return Ok(false);
                    }
                }
                true
            }
            Condition::Not(condition) => !self.holds(condition, candidate)?,
            Condition::Exists(operand) => self.operand(operand, candidate)?.is_some(),
            Condition::Compare(left, comparison, right) => {
                let left = self.operand(left, candidate)?;
                let right = self.operand(right, candidate)?;
                match (left, right) {
                    (Some(left), Some(right)) => comparison.holds(&left, &right),
                    (left, right) => {
                        *comparison == Comparison::NotEqual && left.is_some() != right.is_some()
                    }
                }
            }
        })
    }

    fn operand(
        &mut self,
        operand: &Operand,
        candidate: &'a Value,
    ) -> Result<Option<Value>, TooMuch> {
        let (path, from) = match operand {
            Operand::Literal(value) => return Ok(Some(value.clone())),
            Operand::Current(path) => (path, candidate),
            Operand::Root(path) => (path, self.root),
        };
        let found = self.of(path, from)?;
        let found = found.first().copied();
        if path.is_length {
            return Ok(found.and_then(length));
        }
        // Comparing needs no whole lists and objects.
        Ok(found.map(|value| match value {
            Value::Array(_) => Value::Array(Vec::new()),
            Value::Object(_) => Value::Object(serde_json::Map::new()),
            value => value.clone(),
        }))
    }
}

fn item(value: &Value, index: i64) -> Option<&Value> {
    let items = value.as_array()?;
    let place = if index < 0 {
        items
            .len()
            .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(index).ok()?
    };
    items.get(place)
}

impl Comparison {
    fn holds(self, left: &Value, right: &Value) -> bool {
        let order = match (left, right) {
            (Value::Number(left), Value::Number(right)) => left
                .as_f64()
                .zip(right.as_f64())
                .and_then(|(left, right)| left.partial_cmp(&right)),
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            (left, right) if left == right => Some(Ordering::Equal),
            _ => None,
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order.is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn expect(&mut self, text: &str) -> Result<(), Malformed> {
        self.space();
        self.take(text).then_some(()).ok_or(Malformed)
    }

    fn finished(&self, path: Path) -> Result<Path, Malformed> {
        self.rest.trim().is_empty().then_some(path).ok_or(Malformed)
    }

    fn name(&mut self) -> Option<String> {
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || "_-$:@".contains(c)))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(name.to_owned())
    }

    /// The steps after `$` or `@`.
    fn path(&mut self) -> Result<Path, Malformed> {
        let mut path = Path {
            steps: Vec::new(),
            is_length: false,
        };
        loop {
            if self.take("..") {
                path.steps.push(Step::Descent);
                if self.rest.starts_with('[') {
                    continue;
                }
                self.member(&mut path)?;
            } else if self.take(".") {
                if self.rest.is_empty() {
                    return Ok(path);
                }
                self.member(&mut path)?;
            } else if self.take("[") {
                let step = self.bracket()?;
                path.steps.push(step);
            } else {
                return Ok(path);
            }
            if path.is_length {
                return Ok(path);
            }
        }
    }

    fn member(&mut self, path: &mut Path) -> Result<(), Malformed> {
        if self.take("*") {
            path.steps.push(Step::All);
            return Ok(());
        }
        let name = self.name().ok_or(Malformed)?;
        if self.take("(") {
            self.expect(")")?;
            if name != "length" && name != "size" {
                return Err(Malformed);
            }
            path.is_length = true;
            return Ok(());
        }
        path.steps.push(Step::Member(name));
        Ok(())
    }

    fn bracket(&mut self) -> Result<Step, Malformed> {
        self.space();
        if self.take("*") {
            self.expect("]")?;
            return Ok(Step::All);
        }
        if self.take("?") {
            self.expect("(")?;
            let condition = self.condition()?;
            self.expect(")")?;
            self.expect("]")?;
            return Ok(Step::Filter(condition));
        }
        if self.rest.starts_with(['\'', '"']) {
            let mut names = vec![self.quoted()?];
            loop {
                self.space();
                if !self.take(",") {
                    break;
                }
                self.space();
                names.push(self.quoted()?);
            }
            self.expect("]")?;
            return Ok(match names.len() {
                1 => Step::Member(names.swap_remove(0)),
                _ => Step::Members(names),
            });
        }
        let first = self.integer()?;
        self.space();
        if self.take(":") {
            let last = self.integer()?;
            self.expect("]")?;
            return Ok(Step::Slice(first, last));
        }
        let mut indexes = vec![first.ok_or(Malformed)?];
        loop {
            self.space();
            if !self.take(",") {
                break;
            }
            indexes.push(self.integer()?.ok_or(Malformed)?);
        }
        self.expect("]")?;
        Ok(match indexes.as_slice() {
            [index] => Step::Index(*index),
            _ => Step::Indexes(indexes),
        })
    }

    fn integer(&mut self) -> Result<Option<i64>, Malformed> {
        self.space();
        let sign = usize::from(self.rest.starts_with('-'));
        let digits = self.rest[sign..]
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(self.rest.len() - sign);
        if digits == 0 {
            return if sign == 0 { Ok(None) } else { Err(Malformed) };
        }
        let (text, rest) = self.rest.split_at(sign + digits);
        self.rest = rest;
        text.parse().map(Some).map_err(|_| Malformed)
    }

    fn quoted(&mut self) -> Result<String, Malformed> {
        let quote = self.rest.chars().next().filter(|c| "'\"".contains(*c));
        let quote = quote.ok_or(Malformed)?;
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(text);
            }
            if c == '\\' {
                text.push(chars.next().ok_or(Malformed)?.1);
            } else {
                text.push(c);
            }
        }
        Err(Malformed)
    }

    fn condition(&mut self) -> Result<Condition, Malformed> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Malformed);
        }
        let mut any = vec![self.every()?];
        loop {
            self.space();
            if !self.take("||") {
                break;
            }
            any.push(self.every()?);
        }
        self.depth -= 1;
        Ok(match any.len() {
            1 => any.swap_remove(0),
            _ => Condition::Any(any),
        })
    }

    fn every(&mut self) -> Result<Condition, Malformed> {
        let mut every = vec![self.single()?];
        loop {
            self.space();
            if !self.take("&&") {
                break;
            }
            every.push(self.single()?);
        }
        Ok(match every.len() {
            1 => every.swap_remove(0),
            _ => Condition::Every(every),
        })
    }

    fn single(&mut self) -> Result<Condition, Malformed> {
        self.space();
        if self.rest.starts_with('!') && !self.rest.starts_with("!=") {
            self.take("!");
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(Malformed);
            }
            let inner = self.single()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.take("(") {
            let inner = self.condition()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let left = self.operand()?;
        self.space();
        let comparison = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ]
        .into_iter()
        .find(|(text, _)| self.rest.starts_with(text));
        let Some((text, comparison)) = comparison else {
            return Ok(Condition::Exists(left));
        };
        self.take(text);
        Ok(Condition::Compare(left, comparison, self.operand()?))
    }

    fn operand(&mut self) -> Result<Operand, Malformed> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Malformed);
        }
        self.space();
        let operand = if self.take("@") {
            Operand::Current(self.path()?)
        } else if self.take("$") {
            Operand::Root(self.path()?)
        } else if self.rest.starts_with(['\'', '"']) {
            Operand::Literal(Value::String(self.quoted()?))
        } else {
            let end = self
                .rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
                .unwrap_or(self.rest.len());
            let (text, rest) = self.rest.split_at(end);
            let literal = serde_json::from_str(text).map_err(|_| Malformed)?;
            self.rest = rest;
            Operand::Literal(literal)
        };
        self.depth -= 1;
        Ok(operand)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selected(path: &str) -> Value {
        let document = json!({
            "store": {
                "book": [
                    { "title": "a", "price": 8.95, "tags": ["x"] },
                    { "title": "b", "price": 12, "isbn": "0-1" },
                    { "title": "c", "price": 22.99, "isbn": "0-2" },
                ],
                "bicycle": { "price": 19.95, "a.b": true },
            },
            "limit": 10,
            "none": null,
        });
        let path = Path::parse(path).unwrap_or_else(|_| panic!("{path}"));
        let mut work = WORK;
        path.select(&document, &mut work)
            .expect("enough work")
            .unwrap_or_else(|| json!("nothing"))
    }

    #[test]
    fn paths_select() {
        for (path, expected) in [
            ("$.limit", json!(10)),
            ("limit", json!(10)),
            ("$['limit']", json!(10)),
            ("$.none", json!(null)),
            ("$.other", json!("nothing")),
            ("$.store.bicycle['a.b']", json!(true)),
            ("$.store.book[0].title", json!("a")),
            ("$.store.book[-1].title", json!("c")),
            ("$.store.book[9]", json!("nothing")),
            ("$.store.book[*].title", json!(["a", "b", "c"])),
            ("$.store.book[0,2].title", json!(["a", "c"])),
            ("$.store.book[1:].title", json!(["b", "c"])),
            ("$.store.book[:-1].title", json!(["a", "b"])),
            ("$..title", json!(["a", "b", "c"])),
            ("$..price", json!([8.95, 12, 22.99, 19.95])),
            ("$.store.book[?(@.price < 10)].title", json!(["a"])),
            (
                "$.store.book[?(@.price > $.limit)].title",
                json!(["b", "c"]),
            ),
            ("$.store.book[?(@.isbn)].title", json!(["b", "c"])),
            ("$.store.book[?(!@.isbn)].title", json!(["a"])),
            (
                "$.store.book[?(@.title == 'a' || @.price == 12)].title",
                json!(["a", "b"]),
            ),
            (
                "$.store.book[?(@.isbn && (@.price<20))].title",
                json!(["b"]),
            ),
            ("$.store.book.length()", json!(3)),
            ("$.store.book[0]['title','price']", json!(["a", 8.95])),
            ("$..other", json!([])),
        ] {
            assert_eq!(selected(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in [
            "$.",
            "$[",
            "$['a",
            "$[?(",
            "$[?(@.a ==",
            "$..",
            "$.a b",
            "$[1",
            "$.f()",
            "$[-]",
        ] {
            let parsed = Path::parse(path);
            assert!(parsed.is_err() || path == "$.", "{path}");
        }
        let deep = format!("$[?{}", "(!".repeat(2000));
        assert!(Path::parse(&deep).is_err());
    }

    #[test]
    fn work_is_bounded() {
        let document = json!([[[[1, 2], [3]], [[4]]]]);
        let path = Path::parse(&format!("${}", "..*".repeat(200))).expect("a path");
        let mut work = 10_000;
        // Each descent multiplies what it finds, until nothing is below.
        let _ = path.select(&document, &mut work);
        let mut work = 5;
        assert_eq!(path.select(&document, &mut work), Err(TooMuch));
    }
}
