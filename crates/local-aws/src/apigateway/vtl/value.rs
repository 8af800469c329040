//! Values of a rendering, and how each is printed.
//!
//! Lists and maps are places in an arena: two variables may hold the same one, and one may hold itself.

use serde_json::{Map, Number, Value as Json};

use super::Failure;
use super::syntax::Shared;

/// Of values within each other, in output.
const DEEPEST: usize = 160;
/// Of one text and of all output: API Gateway's payload.
const LONGEST: usize = 10 * 1024 * 1024;
/// Work that one rendering may do, in steps and in characters handled.
const WORK: u64 = 10_000_000;

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Shared),
    List(usize),
    Map(usize),
    /// Of a map: key and value.
    Entry(Shared, Box<Value>),
    /// The loop at this depth, from 0.
    Loop(usize),
    /// A block that `#define` made.
    Block(usize),
    Input,
    Util,
}

#[derive(Debug)]
pub(super) struct List {
    pub(super) items: Vec<Value>,
    /// True if it came from JSON: it prints as JSON then (recorded by localstack, `test_input_path_template_formatting`).
    pub(super) is_json: bool,
}

/// Members in order.
pub(super) type Members = indexed::Indexed;

#[derive(Debug)]
pub(super) struct Arena {
    lists: Vec<List>,
    maps: Vec<Members>,
    work: u64,
}

/// A map that keeps the order of its keys.
mod indexed {
    use std::collections::HashMap;

    use super::{Shared, Value};

    #[derive(Debug, Default)]
    pub(in super::super) struct Indexed {
        entries: Vec<Option<(Shared, Value)>>,
        places: HashMap<Shared, usize>,
    }

    impl Indexed {
        pub(in super::super) fn get(&self, key: &str) -> Option<&Value> {
            let at = *self.places.get(key)?;
            self.entries.get(at)?.as_ref().map(|(_, value)| value)
        }

        pub(in super::super) fn put(&mut self, key: Shared, value: Value) -> Option<Value> {
            if let Some(at) = self.places.get(&key)
                && let Some(Some((_, old))) = self.entries.get_mut(*at)
            {
                return Some(std::mem::replace(old, value));
            }
            self.places.insert(key.clone(), self.entries.len());
            self.entries.push(Some((key, value)));
            None
        }

        pub(in super::super) fn remove(&mut self, key: &str) -> Option<Value> {
            let at = self.places.remove(key)?;
            self.entries.get_mut(at)?.take().map(|(_, value)| value)
        }

        pub(in super::super) fn clear(&mut self) {
            self.entries.clear();
            self.places.clear();
        }

        pub(in super::super) fn len(&self) -> usize {
            self.places.len()
        }

        pub(in super::super) fn iter(&self) -> impl Iterator<Item = (&Shared, &Value)> {
            self.entries
                .iter()
                .flatten()
                .map(|(key, value)| (key, value))
        }
    }
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    pub(super) fn count(count: usize) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl Arena {
    pub(super) fn new() -> Self {
        Self {
            lists: Vec::new(),
            maps: Vec::new(),
            work: WORK,
        }
    }

    /// Takes from the work that is left.
    pub(super) fn spend(&mut self, work: usize) -> Result<(), Failure> {
        let work = u64::try_from(work).unwrap_or(u64::MAX);
        match self.work.checked_sub(work) {
            Some(left) => {
                self.work = left;
                Ok(())
            }
            None => Err(Failure::Limit("the template does too much")),
        }
    }

    pub(super) fn check_length(length: usize) -> Result<(), Failure> {
        if length > LONGEST {
            return Err(Failure::Limit("the output is longer than 10 MB"));
        }
        Ok(())
    }

    pub(super) fn new_list(&mut self, items: Vec<Value>) -> Result<Value, Failure> {
        self.add_list(List {
            items,
            is_json: false,
        })
    }

    fn add_list(&mut self, list: List) -> Result<Value, Failure> {
        self.spend(list.items.len() + 8)?;
        self.lists.push(list);
        Ok(Value::List(self.lists.len() - 1))
    }

    pub(super) fn new_map(
        &mut self,
        members: impl IntoIterator<Item = (Shared, Value)>,
    ) -> Result<Value, Failure> {
        let mut map = Members::default();
        for (key, value) in members {
            self.spend(8)?;
            map.put(key, value);
        }
        self.spend(8)?;
        self.maps.push(map);
        Ok(Value::Map(self.maps.len() - 1))
    }

    pub(super) fn list(&self, list: usize) -> &[Value] {
        self.lists.get(list).map_or(&[], |list| &list.items)
    }

    pub(super) fn list_mut(&mut self, list: usize) -> Option<&mut List> {
        self.lists.get_mut(list)
    }

    pub(super) fn map(&self, map: usize) -> Option<&Members> {
        self.maps.get(map)
    }

    pub(super) fn map_mut(&mut self, map: usize) -> Option<&mut Members> {
        self.maps.get_mut(map)
    }

    pub(super) fn get(&self, map: usize, key: &str) -> Value {
        self.map(map)
            .and_then(|members| members.get(key))
            .cloned()
            .unwrap_or(Value::Null)
    }

    pub(super) fn of_json(&mut self, json: &Json) -> Result<Value, Failure> {
        self.spend(1)?;
        Ok(match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(int) => Value::Int(int),
                None => Value::Float(number.as_f64().unwrap_or_default()),
            },
            Json::String(text) => {
                self.spend(text.len() / 4)?;
                Value::text(text)
            }
            Json::Array(items) => {
                let items = items
                    .iter()
                    .map(|item| self.of_json(item))
                    .collect::<Result<_, _>>()?;
                self.add_list(List {
                    items,
                    is_json: true,
                })?
            }
            Json::Object(members) => {
                let members = members
                    .iter()
                    .map(|(key, value)| Ok((key.as_str().into(), self.of_json(value)?)))
                    .collect::<Result<Vec<_>, Failure>>()?;
                self.new_map(members)?
            }
        })
    }

    pub(super) fn export(&mut self, value: &Value) -> Result<Json, Failure> {
        self.json_at(value, 0)
    }

    fn json_at(&mut self, value: &Value, depth: usize) -> Result<Json, Failure> {
        self.spend(1)?;
        if depth > DEEPEST {
            return Err(Failure::Limit("a value is nested too deeply"));
        }
        Ok(match value {
            Value::Null => Json::Null,
            Value::Bool(flag) => Json::Bool(*flag),
            Value::Int(int) => Json::from(*int),
            Value::Float(float) => Number::from_f64(*float).map_or(Json::Null, Json::Number),
            Value::List(list) => {
                let items = self.list(*list).to_vec();
                Json::Array(
                    items
                        .iter()
                        .map(|item| self.json_at(item, depth + 1))
                        .collect::<Result<_, _>>()?,
                )
            }
            Value::Map(map) => {
                let members = self.members(*map);
                let mut object = Map::new();
                for (key, value) in members {
                    object.insert(key.to_string(), self.json_at(&value, depth + 1)?);
                }
                Json::Object(object)
            }
            other => {
                let mut text = String::new();
                self.print(other, &mut text)?;
                Json::String(text)
            }
        })
    }

    /// Copies of a map's members.
    pub(super) fn members(&self, map: usize) -> Vec<(Shared, Value)> {
        self.map(map)
            .into_iter()
            .flat_map(Members::iter)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    pub(super) fn printed(&mut self, value: &Value) -> Result<Shared, Failure> {
        if let Value::Text(text) = value {
            return Ok(text.clone());
        }
        let mut text = String::new();
        self.print(value, &mut text)?;
        Ok(text.into())
    }

    /// As Java's `toString` does it.
    pub(super) fn print(&mut self, value: &Value, out: &mut String) -> Result<(), Failure> {
        self.print_at(value, out, 0)
    }

    fn print_at(&mut self, value: &Value, out: &mut String, depth: usize) -> Result<(), Failure> {
        if depth > DEEPEST {
            return Err(Failure::Limit("a value is nested too deeply"));
        }
        let before = out.len();
        match value {
            Value::Null => {
                if depth > 0 {
                    out.push_str("null");
                }
            }
            Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Value::Int(int) => out.push_str(&int.to_string()),
            Value::Float(float) => out.push_str(&double(*float)),
            Value::Text(text) => out.push_str(text),
            Value::List(list) => {
                let is_json = self.lists.get(*list).is_some_and(|list| list.is_json);
                if is_json {
                    out.push_str(&self.json_at(value, depth)?.to_string());
                } else {
                    let items = self.list(*list).to_vec();
                    out.push('[');
                    for (at, item) in items.iter().enumerate() {
                        if at > 0 {
                            out.push_str(", ");
                        }
                        self.print_at(item, out, depth + 1)?;
                    }
                    out.push(']');
                }
            }
            Value::Map(map) => {
                out.push('{');
                for (at, (key, value)) in self.members(*map).iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    out.push_str(key);
                    out.push('=');
                    self.print_at(value, out, depth + 1)?;
                }
                out.push('}');
            }
            Value::Entry(key, value) => {
                out.push_str(key);
                out.push('=');
                self.print_at(value, out, depth + 1)?;
            }
            Value::Loop(_) | Value::Block(_) | Value::Input | Value::Util => {}
        }
        Self::check_length(out.len())?;
        self.spend(1 + (out.len() - before) / 4)
    }
}

/// As Java's `Double.toString`.
fn double(float: f64) -> String {
    let size = float.abs();
    if float.is_nan() {
        "NaN".to_owned()
    } else if float.is_infinite() {
        if float > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if size == 0.0 || (1e-3..1e7).contains(&size) {
        format!("{float:?}")
    } else {
        let text = format!("{float:E}");
        match text.split_once('E') {
            Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
            _ => text,
        }
    }
}
