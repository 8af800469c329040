//! A template's tree over its inputs.
//!
//! A reference to a variable that was never set prints as it is written, as Velocity does it; one that is set to
//! nothing, or that leads to nothing, prints nothing and equals both `$null` and `""` (recorded by localstack,
//! `test_input_path_template_formatting`).

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::syntax::{Block, Expression, Macro, Node, Operator, Reference, Step};
use super::value::{Arena, Value};
use super::{Failure, Inputs, Overrides, methods};

/// Amazon API Gateway quotas: "Iterations in a #foreach loop in mapping templates".
const MOST_ITERATIONS: usize = 1000;
/// Of macros and blocks that call each other.
const DEEPEST_CALLS: usize = 32;
/// Of blocks and expressions within each other, calls among them: what a thread's stack holds.
const DEEPEST: usize = 160;

pub(super) struct Scope<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) arena: Arena,
    variables: HashMap<String, Value>,
    loops: Vec<Loop>,
    blocks: Vec<Arc<Block>>,
    macros: HashMap<String, Arc<Macro>>,
    calls: usize,
    depth: usize,
    overrides: &'a Overrides,
}

/// One `#foreach` that is running.
#[derive(Clone, Copy)]
pub(super) struct Loop {
    pub(super) index: usize,
    pub(super) length: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Stop,
}

pub(super) fn render(
    block: &Block,
    inputs: &Inputs,
    overrides: &mut Overrides,
) -> Result<String, Failure> {
    let before = overrides.clone();
    let mut scope = Scope {
        inputs,
        arena: Arena::new(),
        variables: HashMap::from([
            ("input".to_owned(), Value::Input),
            ("util".to_owned(), Value::Util),
        ]),
        loops: Vec::new(),
        blocks: Vec::new(),
        macros: HashMap::new(),
        calls: 0,
        depth: 0,
        overrides: &before,
    };
    let mut out = String::new();
    scope.block(block, &mut out)?;
    if let Some(Value::Map(context)) = scope.variables.get("context") {
        let context = *context;
        overrides.request = scope.object(context, "requestOverride")?;
        overrides.response = scope.object(context, "responseOverride")?;
    }
    Ok(out)
}

impl Scope<'_> {
    fn object(&mut self, map: usize, key: &str) -> Result<Map<String, Json>, Failure> {
        let value = self.arena.get(map, key);
        Ok(match self.arena.export(&value)? {
            Json::Object(members) => members,
            _ => Map::new(),
        })
    }

    fn deeper<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.depth >= DEEPEST {
            return Err(Failure::Limit("the template is nested too deeply"));
        }
        self.depth += 1;
        let outcome = work(self);
        self.depth -= 1;
        outcome
    }

    fn block(&mut self, block: &Block, out: &mut String) -> Result<Flow, Failure> {
        self.deeper(|scope| {
            for node in block {
                let flow = scope.node(node, out)?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
            }
            Ok(Flow::Next)
        })
    }

    fn node(&mut self, node: &Node, out: &mut String) -> Result<Flow, Failure> {
        self.arena.spend(1)?;
        match node {
            Node::Text(text) => self.write(text, out)?,
            Node::Reference { escapes, reference } => self.output(*escapes, reference, out)?,
            Node::Set(target, expression) => {
                let value = self.value(expression)?;
                self.assign(target, value)?;
            }
            Node::If(choices, otherwise) => {
                for (condition, block) in choices {
                    let condition = self.value(condition)?;
                    if is_true(&condition) {
                        return self.block(block, out);
                    }
                }
                return self.block(otherwise, out);
            }
            Node::Foreach {
                variable,
                over,
                block,
            } => return self.foreach(variable, over, block, out),
            Node::Break => return Ok(Flow::Break),
            Node::Stop => return Ok(Flow::Stop),
            Node::Define(name, block) => {
                self.blocks.push(block.clone());
                let value = Value::Block(self.blocks.len() - 1);
                self.variables.insert(name.clone(), value);
            }
            Node::Macro(name, made) => {
                self.macros.insert(name.clone(), made.clone());
            }
            Node::Call {
                name,
                arguments,
                source,
            } => return self.call(name, arguments, source, out),
        }
        Ok(Flow::Next)
    }

    fn write(&mut self, text: &str, out: &mut String) -> Result<(), Failure> {
        self.arena.spend(text.len() / 4)?;
        Arena::check_length(out.len() + text.len())?;
        out.push_str(text);
        Ok(())
    }

    fn output(
        &mut self,
        escapes: usize,
        reference: &Reference,
        out: &mut String,
    ) -> Result<(), Failure> {
        let is_known = self.root(&reference.root)?.is_some();
        if is_known && escapes > 0 {
            self.write(&"\\".repeat(escapes / 2), out)?;
            if escapes % 2 == 1 {
                return self.write(&reference.source, out);
            }
        } else if escapes > 0 {
            self.write(&"\\".repeat(escapes), out)?;
        }
        if !is_known {
            return if reference.is_quiet {
                Ok(())
            } else {
                self.write(&reference.source, out)
            };
        }
        let value = self.reference(reference)?;
        self.print(&value, out)
    }

    /// A `#define`d block is rendered where it is printed.
    fn print(&mut self, value: &Value, out: &mut String) -> Result<(), Failure> {
        let Value::Block(block) = value else {
            return self.arena.print(value, out);
        };
        let Some(block) = self.blocks.get(*block).cloned() else {
            return Ok(());
        };
        self.called(|scope| scope.block(&block, out).map(|_| ()))
    }

    pub(super) fn printed(&mut self, value: &Value) -> Result<super::syntax::Shared, Failure> {
        match value {
            Value::Block(_) => {
                let mut text = String::new();
                self.print(value, &mut text)?;
                Ok(text.into())
            }
            value => self.arena.printed(value),
        }
    }

    fn called<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.calls >= DEEPEST_CALLS {
            return Err(Failure::Limit("macros call each other too deeply"));
        }
        self.calls += 1;
        let outcome = work(self);
        self.calls -= 1;
        outcome
    }

    fn call(
        &mut self,
        name: &str,
        arguments: &[Expression],
        source: &str,
        out: &mut String,
    ) -> Result<Flow, Failure> {
        let Some(made) = self.macros.get(name).cloned() else {
            self.write(source, out)?;
            return Ok(Flow::Next);
        };
        let mut before = Vec::new();
        for (at, parameter) in made.parameters.iter().enumerate() {
            let value = match arguments.get(at) {
                Some(argument) => self.value(argument)?,
                None => Value::Null,
            };
            before.push((parameter, value));
        }
        // The caller's variables of these names come back afterwards.
        let before: Vec<_> = before
            .into_iter()
            .map(|(name, value)| (name, self.variables.insert(name.clone(), value)))
            .collect();
        let flow = self.called(|scope| scope.block(&made.block, out))?;
        for (name, value) in before {
            self.restore(name, value);
        }
        Ok(if flow == Flow::Stop { flow } else { Flow::Next })
    }

    fn restore(&mut self, name: &str, value: Option<Value>) {
        match value {
            Some(value) => self.variables.insert(name.to_owned(), value),
            None => self.variables.remove(name),
        };
    }

    fn foreach(
        &mut self,
        variable: &str,
        over: &Expression,
        block: &Block,
        out: &mut String,
    ) -> Result<Flow, Failure> {
        let over = self.value(over)?;
        let items: Vec<Value> = match over {
            Value::List(list) => self.arena.list(list).to_vec(),
            Value::Map(map) => self
                .arena
                .members(map)
                .into_iter()
                .map(|(_, value)| value)
                .collect(),
            _ => return Ok(Flow::Next),
        };
        self.arena.spend(items.len())?;
        let before = self.variables.get(variable).cloned();
        let length = items.len();
        let mut flow = Flow::Next;
        for (index, item) in items.into_iter().take(MOST_ITERATIONS).enumerate() {
            self.variables.insert(variable.to_owned(), item);
            self.loops.push(Loop { index, length });
            let outcome = self.block(block, out);
            self.loops.pop();
            match outcome? {
                Flow::Next => {}
                Flow::Break => break,
                Flow::Stop => {
                    flow = Flow::Stop;
                    break;
                }
            }
        }
        self.restore(variable, before);
        Ok(flow)
    }

    /// The value of a variable; `None` for one that was never set.
    fn root(&mut self, name: &str) -> Result<Option<Value>, Failure> {
        if let Some(value) = self.variables.get(name) {
            return Ok(Some(value.clone()));
        }
        let made = match name {
            "context" => {
                let context = self
                    .arena
                    .of_json(&Json::Object(self.inputs.context.clone()))?;
                let request = self
                    .arena
                    .of_json(&Json::Object(self.overrides.request.clone()))?;
                let response = self
                    .arena
                    .of_json(&Json::Object(self.overrides.response.clone()))?;
                if let Value::Map(map) = context
                    && let Some(members) = self.arena.map_mut(map)
                {
                    members.put("requestOverride".into(), request);
                    members.put("responseOverride".into(), response);
                }
                context
            }
            "stageVariables" => {
                let variables = self.inputs.stage_variables.clone();
                self.arena.of_json(&Json::Object(variables))?
            }
            "foreach" => {
                return Ok(self.loops.len().checked_sub(1).map(Value::Loop));
            }
            "velocityCount" => {
                return Ok(self.loops.last().map(|of| Value::count(of.index + 1)));
            }
            "velocityHasNext" => {
                return Ok(self
                    .loops
                    .last()
                    .map(|of| Value::Bool(of.index + 1 < of.length)));
            }
            _ => return Ok(None),
        };
        self.variables.insert(name.to_owned(), made.clone());
        Ok(Some(made))
    }

    pub(super) fn running(&self, at: usize) -> Option<Loop> {
        self.loops.get(at).copied()
    }

    fn reference(&mut self, reference: &Reference) -> Result<Value, Failure> {
        let root = self.root(&reference.root)?.unwrap_or(Value::Null);
        self.follow(root, &reference.steps)
    }

    fn follow(&mut self, mut value: Value, steps: &[Step]) -> Result<Value, Failure> {
        for step in steps {
            self.arena.spend(1)?;
            value = match step {
                Step::Property(name) => methods::property(self, &value, name)?,
                Step::Index(index) => {
                    let index = self.value(index)?;
                    methods::index(self, &value, &index)?
                }
                Step::Method(name, arguments) => {
                    let arguments = arguments
                        .iter()
                        .map(|argument| self.value(argument))
                        .collect::<Result<Vec<_>, _>>()?;
                    methods::call(self, &value, name, &arguments)?
                }
            };
        }
        Ok(value)
    }

    fn assign(&mut self, target: &Reference, value: Value) -> Result<(), Failure> {
        let Some((last, path)) = target.steps.split_last() else {
            self.variables.insert(target.root.clone(), value);
            return Ok(());
        };
        let Some(root) = self.root(&target.root)? else {
            return Ok(());
        };
        let holder = self.follow(root, path)?;
        let key = match last {
            Step::Property(name) => Value::text(name),
            Step::Index(index) => self.value(index)?,
            Step::Method(..) => return Ok(()),
        };
        match holder {
            Value::Map(map) => {
                let key = self.arena.printed(&key)?;
                self.arena.spend(8)?;
                if let Some(members) = self.arena.map_mut(map) {
                    members.put(key, value);
                }
            }
            Value::List(list) => {
                if let Value::Int(at) = key
                    && let Ok(at) = usize::try_from(at)
                    && let Some(place) = self
                        .arena
                        .list_mut(list)
                        .and_then(|list| list.items.get_mut(at))
                {
                    *place = value;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn value(&mut self, expression: &Expression) -> Result<Value, Failure> {
        self.deeper(|scope| scope.value_here(expression))
    }

    fn value_here(&mut self, expression: &Expression) -> Result<Value, Failure> {
        self.arena.spend(1)?;
        Ok(match expression {
            Expression::Null => Value::Null,
            Expression::Bool(flag) => Value::Bool(*flag),
            Expression::Int(int) => Value::Int(*int),
            Expression::Float(float) => Value::Float(*float),
            Expression::Text(text) => {
                self.arena.spend(text.len() / 4)?;
                Value::text(text)
            }
            Expression::Interpolated(block) => {
                let mut text = String::new();
                self.block(block, &mut text)?;
                Value::text(text)
            }
            Expression::List(items) => {
                let items = items
                    .iter()
                    .map(|item| self.value(item))
                    .collect::<Result<_, _>>()?;
                self.arena.new_list(items)?
            }
            Expression::Range(from, to) => {
                let (from, to) = (self.value(from)?, self.value(to)?);
                self.range(&from, &to)?
            }
            Expression::Map(members) => {
                let mut made = Vec::new();
                for (key, value) in members {
                    let key = self.value(key)?;
                    let key = self.printed(&key)?;
                    made.push((key, self.value(value)?));
                }
                self.arena.new_map(made)?
            }
            Expression::Reference(reference) => self.reference(reference)?,
            Expression::Not(inner) => Value::Bool(!is_true(&self.value(inner)?)),
            Expression::Binary(operator, left, right) => self.binary(*operator, left, right)?,
        })
    }

    fn range(&mut self, from: &Value, to: &Value) -> Result<Value, Failure> {
        let (Value::Int(from), Value::Int(to)) = (from, to) else {
            return Ok(Value::Null);
        };
        let length = usize::try_from(from.abs_diff(*to)).unwrap_or(usize::MAX);
        self.arena.spend(length.saturating_mul(4))?;
        let items = if from <= to {
            (*from..=*to).map(Value::Int).collect()
        } else {
            (*to..=*from).rev().map(Value::Int).collect()
        };
        self.arena.new_list(items)
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) -> Result<Value, Failure> {
        let left = self.value(left)?;
        match operator {
            Operator::Or if is_true(&left) => return Ok(Value::Bool(true)),
            Operator::And if !is_true(&left) => return Ok(Value::Bool(false)),
            _ => {}
        }
        let right = self.value(right)?;
        Ok(match operator {
            Operator::Or | Operator::And => Value::Bool(is_true(&right)),
            Operator::Equal => Value::Bool(self.equal(&left, &right)?),
            Operator::NotEqual => Value::Bool(!self.equal(&left, &right)?),
            Operator::Add if is_text(&left) || is_text(&right) => {
                let mut text = self.printed(&left)?.to_string();
                let right = self.printed(&right)?;
                Arena::check_length(text.len() + right.len())?;
                text.push_str(&right);
                self.arena.spend(text.len() / 4)?;
                Value::text(text)
            }
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => Value::Bool(compared(operator, &left, &right)),
            _ => computed(operator, &left, &right),
        })
    }

    pub(super) fn equal(&mut self, left: &Value, right: &Value) -> Result<bool, Failure> {
        if let (Some(left), Some(right)) = (number(left), number(right)) {
            return Ok(match (left, right) {
                (Number::Int(left), Number::Int(right)) => left == right,
                (left, right) => left.float().total_cmp(&right.float()).is_eq(),
            });
        }
        match (left, right) {
            (Value::List(left), Value::List(right)) if left == right => return Ok(true),
            (Value::Map(left), Value::Map(right)) if left == right => return Ok(true),
            _ => {}
        }
        // By their texts; nothing has an empty one.
        let left = self.printed(left)?;
        let right = self.printed(right)?;
        Ok(left == right)
    }
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::Text(_) | Value::Block(_))
}

pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        _ => true,
    }
}

#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    #[expect(
        clippy::cast_precision_loss,
        reason = "Java's widening to a double loses the same"
    )]
    fn float(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Int(int) => Some(Number::Int(*int)),
        Value::Float(float) => Some(Number::Float(*float)),
        _ => None,
    }
}

/// What is no number compares as false, with a line in Velocity's log.
fn compared(operator: Operator, left: &Value, right: &Value) -> bool {
    let (Some(left), Some(right)) = (number(left), number(right)) else {
        return false;
    };
    let order = match (left, right) {
        (Number::Int(left), Number::Int(right)) => Some(left.cmp(&right)),
        (left, right) => left.float().partial_cmp(&right.float()),
    };
    order.is_some_and(|order| match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// Nothing, where a side is no number, by zero, or beyond 64 bits.
fn computed(operator: Operator, left: &Value, right: &Value) -> Value {
    let (Some(left), Some(right)) = (number(left), number(right)) else {
        return Value::Null;
    };
    if let (Number::Int(left), Number::Int(right)) = (left, right) {
        let outcome = match operator {
            Operator::Add => left.checked_add(right),
            Operator::Subtract => left.checked_sub(right),
            Operator::Multiply => left.checked_mul(right),
            Operator::Divide => left.checked_div(right),
            _ => left.checked_rem(right),
        };
        return outcome.map_or(Value::Null, Value::Int);
    }
    let (left, right) = (left.float(), right.float());
    match operator {
        Operator::Add => Value::Float(left + right),
        Operator::Subtract => Value::Float(left - right),
        Operator::Multiply => Value::Float(left * right),
        _ if right == 0.0 => Value::Null,
        Operator::Divide => Value::Float(left / right),
        _ => Value::Float(left % right),
    }
}
