//! Text into a template's tree.
//!
//! Whitespace follows Velocity 1.7: a directive's closing parenthesis, `#end` and `#else` take the rest of their line
//! with them if it is blank, `#set` takes the blanks before it too, and `##` takes its whole line end.

use std::sync::Arc;

use super::Failure;
use super::syntax::{Block, Expression, Macro, Node, Operator, Reference, Step};

/// Of blocks, parentheses and quoted texts within each other.
const DEEPEST: usize = 64;
/// Amazon API Gateway quotas: "Size of mapping templates".
const LONGEST: usize = 307_200;

pub(super) fn template(text: &str) -> Result<Block, Failure> {
    parsed(text, 0)
}

fn parsed(text: &str, depth: usize) -> Result<Block, Failure> {
    if text.len() > LONGEST {
        return Err(Failure::Limit("the template is longer than 300 KB"));
    }
    let mut parser = Parser { text, at: 0, depth };
    let (block, end) = parser.block()?;
    match end {
        Stop::Text => Ok(block),
        end => Err(parser.fail(&format!("{end} without a directive that it belongs to"))),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// In bytes, at a character.
    at: usize,
    depth: usize,
}

/// The directive that ended a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The end of the text.
    Text,
    End,
    Else,
    ElseIf,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text => "end of the template",
            Self::End => "#end",
            Self::Else => "#else",
            Self::ElseIf => "#elseif",
        })
    }
}

fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn continues_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn fail(&self, why: &str) -> Failure {
        Failure::Syntax {
            at: self.at,
            why: why.to_owned(),
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn expect(&mut self, text: &str) -> Result<(), Failure> {
        if self.take(text) {
            Ok(())
        } else {
            Err(self.fail(&format!("expected `{text}`")))
        }
    }

    fn skip(&mut self, skips: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(skips).len();
    }

    fn skip_space(&mut self) {
        self.skip(char::is_whitespace);
    }

    fn name(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        if !rest.starts_with(starts_name) {
            return None;
        }
        let length = rest.len() - rest.trim_start_matches(continues_name).len();
        self.at += length;
        rest.get(..length)
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

    /// Takes blanks and a line end, if there is nothing else before it.
    fn gobble(&mut self) {
        let rest = self.rest();
        let after = rest.trim_start_matches([' ', '\t']);
        let taken = ["\r\n", "\n", "\r"]
            .iter()
            .find_map(|end| after.strip_prefix(end));
        if let Some(after) = taken {
            self.at += rest.len() - after.len();
        }
    }

    /// Up to the directive that ends it.
    fn block(&mut self) -> Result<(Block, Stop), Failure> {
        self.deeper(Self::block_here)
    }

    fn block_here(&mut self) -> Result<(Block, Stop), Failure> {
        let mut block = Block::new();
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(at) = rest.find(['$', '#', '\\']) else {
                text.push_str(rest);
                self.at = self.text.len();
                flush(&mut block, &mut text);
                return Ok((block, Stop::Text));
            };
            text.push_str(&rest[..at]);
            self.at += at;
            match self.peek() {
                Some('$') => self.dollar(&mut block, &mut text, 0)?,
                Some('\\') => self.backslash(&mut block, &mut text)?,
                _ => {
                    if let Some(end) = self.hash(&mut block, &mut text)? {
                        flush(&mut block, &mut text);
                        return Ok((block, end));
                    }
                }
            }
        }
    }

    fn backslash(&mut self, block: &mut Block, text: &mut String) -> Result<(), Failure> {
        let before = self.at;
        self.skip(|c| c == '\\');
        let escapes = self.at - before;
        match self.peek() {
            Some('$') => self.dollar(block, text, escapes),
            Some('#') if self.is_directive() => {
                text.extend(std::iter::repeat_n('\\', escapes / 2));
                if escapes % 2 == 1 {
                    text.push('#');
                    self.at += 1;
                }
                Ok(())
            }
            _ => {
                text.push_str(&self.text[before..self.at]);
                Ok(())
            }
        }
    }

    /// Returns true if a directive of Velocity's begins here.
    fn is_directive(&self) -> bool {
        let mut ahead = Parser {
            text: self.text,
            at: self.at + 1,
            depth: 0,
        };
        ahead.take("{");
        ahead.name().is_some_and(|name| {
            [
                "set", "if", "elseif", "else", "end", "foreach", "break", "stop", "macro", "define",
            ]
            .contains(&name)
        })
    }

    fn dollar(
        &mut self,
        block: &mut Block,
        text: &mut String,
        escapes: usize,
    ) -> Result<(), Failure> {
        let before = self.at;
        if let Some(reference) = self.reference()? {
            flush(block, text);
            block.push(Node::Reference { escapes, reference });
        } else {
            text.extend(std::iter::repeat_n('\\', escapes));
            self.at = before + 1;
            text.push('$');
        }
        Ok(())
    }

    /// From the `$` on; `None` if it is only a dollar.
    fn reference(&mut self) -> Result<Option<Reference>, Failure> {
        let before = self.at;
        self.at += 1;
        let is_quiet = self.take("!");
        let is_formal = self.take("{");
        let Some(root) = self.name() else {
            self.at = before;
            return Ok(None);
        };
        let steps = self.deeper(|parser| parser.steps(is_formal))?;
        if is_formal && !self.take("}") {
            self.at = before;
            return Ok(None);
        }
        Ok(Some(Reference {
            source: self.text[before..self.at].to_owned(),
            is_quiet,
            root: root.to_owned(),
            steps,
        }))
    }

    fn steps(&mut self, is_formal: bool) -> Result<Vec<Step>, Failure> {
        let mut steps = Vec::new();
        loop {
            let before = self.at;
            if self.take(".") {
                let Some(name) = self.name() else {
                    self.at = before;
                    return Ok(steps);
                };
                if self.take("(") {
                    steps.push(Step::Method(name.to_owned(), self.arguments(")")?));
                } else {
                    steps.push(Step::Property(name.to_owned()));
                }
            } else if self.take("[") {
                // A bracket that holds no expression is text.
                let index = self.expression().ok().filter(|_| {
                    self.skip_space();
                    self.take("]")
                });
                match index {
                    Some(index) => steps.push(Step::Index(index)),
                    None if is_formal => return Err(self.fail("expected an index")),
                    None => {
                        self.at = before;
                        return Ok(steps);
                    }
                }
            } else {
                return Ok(steps);
            }
        }
    }

    /// Expressions divided by commas (Velocity takes blanks too, in macros' calls), and what closes them.
    fn arguments(&mut self, close: &str) -> Result<Vec<Expression>, Failure> {
        let mut arguments = Vec::new();
        loop {
            self.skip_space();
            if self.take(close) {
                return Ok(arguments);
            }
            if !arguments.is_empty() {
                self.take(",");
                self.skip_space();
            }
            arguments.push(self.expression()?);
        }
    }

    /// From a `#` on. Returns what ends the block, if this does.
    fn hash(&mut self, block: &mut Block, text: &mut String) -> Result<Option<Stop>, Failure> {
        let before = self.at;
        if self.take("##") {
            let rest = self.rest();
            let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
            self.at += line;
            if !self.take("\r\n") && !self.take("\n") {
                self.take("\r");
            }
            return Ok(None);
        }
        if self.take("#*") {
            let Some(length) = self.rest().find("*#") else {
                return Err(self.fail("a comment without its end `*#`"));
            };
            self.at += length + 2;
            return Ok(None);
        }
        if self.take("#[[") {
            let Some(length) = self.rest().find("]]#") else {
                return Err(self.fail("a literal without its end `]]#`"));
            };
            text.push_str(&self.rest()[..length]);
            self.at += length + 3;
            return Ok(None);
        }
        self.at += 1;
        let is_formal = self.take("{");
        let at_name = self.at;
        // A directive's name has no hyphen.
        let name = self.name().map(|name| {
            let length = name
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(name.len());
            self.at = at_name + length;
            &name[..length]
        });
        let name = name.filter(|_| !is_formal || self.take("}"));
        let Some(name) = name else {
            self.at = before + 1;
            text.push('#');
            return Ok(None);
        };
        match name {
            "end" | "else" => {
                self.gobble();
                return Ok(Some(if name == "end" { Stop::End } else { Stop::Else }));
            }
            "elseif" => return Ok(Some(Stop::ElseIf)),
            "set" => {
                trim_blanks(text);
                flush(block, text);
                let set = self.set()?;
                block.push(set);
            }
            "if" => {
                flush(block, text);
                let choice = self.choice()?;
                block.push(choice);
            }
            "foreach" => {
                flush(block, text);
                let repeated = self.foreach()?;
                block.push(repeated);
            }
            "break" | "stop" => {
                flush(block, text);
                block.push(if name == "break" {
                    Node::Break
                } else {
                    Node::Stop
                });
            }
            "define" => {
                flush(block, text);
                self.open()?;
                let name = self.variable()?;
                self.close()?;
                block.push(Node::Define(name, Arc::new(self.ended_block("#define")?)));
            }
            "macro" => {
                flush(block, text);
                let made = self.macro_definition()?;
                block.push(made);
            }
            "include" | "parse" | "evaluate" => {
                return Err(self.fail(&format!("API Gateway has no directive #{name}")));
            }
            _ => self.call(name.to_owned(), before, block, text),
        }
        Ok(None)
    }

    fn open(&mut self) -> Result<(), Failure> {
        self.skip(|c| c == ' ' || c == '\t');
        self.expect("(")?;
        self.skip_space();
        Ok(())
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.skip_space();
        self.expect(")")?;
        self.gobble();
        Ok(())
    }

    /// `$name` or `${name}`.
    fn variable(&mut self) -> Result<String, Failure> {
        self.expect("$")?;
        self.take("!");
        let is_formal = self.take("{");
        let name = self
            .name()
            .ok_or_else(|| self.fail("expected a variable"))?
            .to_owned();
        if is_formal {
            self.expect("}")?;
        }
        Ok(name)
    }

    fn set(&mut self) -> Result<Node, Failure> {
        self.open()?;
        let target = if self.peek() == Some('$') {
            self.reference()?
        } else {
            None
        };
        let target = target.ok_or_else(|| self.fail("#set needs a reference"))?;
        self.skip_space();
        self.expect("=")?;
        let value = self.expression()?;
        self.close()?;
        Ok(Node::Set(target, value))
    }

    fn choice(&mut self) -> Result<Node, Failure> {
        let mut choices = Vec::new();
        loop {
            self.open()?;
            let condition = self.expression()?;
            self.close()?;
            let (block, end) = self.block()?;
            choices.push((condition, block));
            match end {
                Stop::End => return Ok(Node::If(choices, Block::new())),
                Stop::ElseIf => {}
                Stop::Else => return Ok(Node::If(choices, self.ended_block("#else")?)),
                Stop::Text => return Err(self.fail("an #if without its #end")),
            }
        }
    }

    fn ended_block(&mut self, of: &str) -> Result<Block, Failure> {
        match self.block()? {
            (block, Stop::End) => Ok(block),
            (_, end) => Err(self.fail(&format!("expected the #end of {of}, found {end}"))),
        }
    }

    fn foreach(&mut self) -> Result<Node, Failure> {
        self.open()?;
        let variable = self.variable()?;
        self.skip_space();
        if self.name() != Some("in") {
            return Err(self.fail("expected `in`"));
        }
        let over = self.expression()?;
        self.close()?;
        let block = self.ended_block("#foreach")?;
        Ok(Node::Foreach {
            variable,
            over,
            block,
        })
    }

    fn macro_definition(&mut self) -> Result<Node, Failure> {
        self.open()?;
        let name = self
            .name()
            .ok_or_else(|| self.fail("expected the macro's name"))?
            .to_owned();
        let mut parameters = Vec::new();
        loop {
            self.skip(|c| c.is_whitespace() || c == ',');
            if self.peek() != Some('$') {
                break;
            }
            parameters.push(self.variable()?);
        }
        self.close()?;
        let block = self.ended_block("#macro")?;
        Ok(Node::Macro(name, Arc::new(Macro { parameters, block })))
    }

    /// `#name(…)`; without parentheses it is text.
    fn call(&mut self, name: String, before: usize, block: &mut Block, text: &mut String) {
        let after_name = self.at;
        self.skip(|c| c == ' ' || c == '\t');
        let arguments = if self.take("(") {
            self.deeper(|parser| parser.arguments(")")).ok()
        } else {
            None
        };
        let Some(arguments) = arguments else {
            self.at = after_name;
            text.push_str(&self.text[before..after_name]);
            return;
        };
        flush(block, text);
        let source = self.text[before..self.at].to_owned();
        block.push(Node::Call {
            name,
            arguments,
            source,
        });
    }

    fn expression(&mut self) -> Result<Expression, Failure> {
        self.deeper(|parser| parser.binary(0))
    }

    /// By rising precedence from `level` on.
    fn binary(&mut self, level: usize) -> Result<Expression, Failure> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        let mut length = 0;
        while let Some(operator) = self.operator(operators) {
            length += 1;
            if length > DEEPEST {
                return Err(Failure::Limit("the expression is too long"));
            }
            let right = self.binary(level + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let before = self.at;
        self.skip_space();
        let found = operators.iter().find(|(text, _)| {
            let Some(after) = self.rest().strip_prefix(text) else {
                return false;
            };
            // A word ends where no name goes on.
            !text.starts_with(starts_name) || !after.starts_with(continues_name)
        });
        let Some((text, operator)) = found else {
            self.at = before;
            return None;
        };
        self.at += text.len();
        Some(*operator)
    }

    fn unary(&mut self) -> Result<Expression, Failure> {
        self.skip_space();
        let not = [("not", Operator::Or)];
        if self.take("!") || self.operator(&not).is_some() {
            let inner = self.deeper(Self::unary)?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Expression, Failure> {
        let Some(first) = self.peek() else {
            return Err(self.fail("expected a value"));
        };
        match first {
            '$' => match self.reference()? {
                Some(reference) => Ok(Expression::Reference(reference)),
                None => Err(self.fail("expected a reference")),
            },
            '\'' | '"' => self.quoted(first),
            '(' => {
                self.at += 1;
                let inner = self.expression()?;
                self.skip_space();
                self.expect(")")?;
                Ok(inner)
            }
            '[' => {
                self.at += 1;
                self.list()
            }
            '{' => {
                self.at += 1;
                self.map()
            }
            '-' | '0'..='9' => self.number(),
            _ => match self.name() {
                Some("true") => Ok(Expression::Bool(true)),
                Some("false") => Ok(Expression::Bool(false)),
                Some("null") => Ok(Expression::Null),
                _ => Err(self.fail("expected a value")),
            },
        }
    }

    /// A quote that is doubled stands for itself; there are no other escapes.
    fn quoted(&mut self, quote: char) -> Result<Expression, Failure> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(at) = rest.find(quote) else {
                return Err(self.fail("a text without its closing quote"));
            };
            text.push_str(&rest[..at]);
            self.at += at + 1;
            if self.peek() != Some(quote) {
                break;
            }
            text.push(quote);
            self.at += 1;
        }
        if quote == '\'' || !text.contains(['$', '#']) {
            return Ok(Expression::Text(text.into()));
        }
        if self.depth >= DEEPEST {
            return Err(Failure::Limit("the template is nested too deeply"));
        }
        let block = parsed(&text, self.depth + 1)?;
        Ok(match block.as_slice() {
            [] => Expression::Text(Arc::from("")),
            [Node::Text(text)] => Expression::Text(text.as_str().into()),
            _ => Expression::Interpolated(block),
        })
    }

    fn list(&mut self) -> Result<Expression, Failure> {
        self.skip_space();
        if self.take("]") {
            return Ok(Expression::List(Vec::new()));
        }
        let first = self.expression()?;
        self.skip_space();
        if self.take("..") {
            let last = self.expression()?;
            self.skip_space();
            self.expect("]")?;
            return Ok(Expression::Range(Box::new(first), Box::new(last)));
        }
        let mut items = vec![first];
        while !self.take("]") {
            self.expect(",")?;
            items.push(self.expression()?);
            self.skip_space();
        }
        Ok(Expression::List(items))
    }

    fn map(&mut self) -> Result<Expression, Failure> {
        let mut members = Vec::new();
        loop {
            self.skip_space();
            if self.take("}") {
                return Ok(Expression::Map(members));
            }
            if !members.is_empty() {
                self.expect(",")?;
            }
            let key = self.expression()?;
            self.skip_space();
            self.expect(":")?;
            members.push((key, self.expression()?));
        }
    }

    fn number(&mut self) -> Result<Expression, Failure> {
        let rest = self.rest();
        let digits =
            |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let mut length = usize::from(rest.starts_with('-'));
        length += digits(&rest[length..]);
        let mut is_float = false;
        // `1..3` is a range, not a fraction.
        if let Some(fraction) = rest[length..].strip_prefix('.')
            && fraction.starts_with(|c: char| c.is_ascii_digit())
        {
            is_float = true;
            length += 1 + digits(fraction);
        }
        if let Some(exponent) = rest[length..].strip_prefix(['e', 'E']) {
            let sign = usize::from(exponent.starts_with(['+', '-']));
            let count = digits(&exponent[sign..]);
            if count > 0 {
                is_float = true;
                length += 1 + sign + count;
            }
        }
        let text = &rest[..length];
        let number = if is_float {
            text.parse().ok().map(Expression::Float)
        } else {
            text.parse().ok().map(Expression::Int)
        };
        let number = number.ok_or_else(|| self.fail("expected a number"))?;
        self.at += length;
        Ok(number)
    }
}

const LEVELS: &[&[(&str, Operator)]] = &[
    &[("||", Operator::Or), ("or", Operator::Or)],
    &[("&&", Operator::And), ("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("eq", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("ne", Operator::NotEqual),
    ],
    &[
        ("<=", Operator::LessOrEqual),
        ("le", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("ge", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        ("lt", Operator::Less),
        (">", Operator::Greater),
        ("gt", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("%", Operator::Remainder),
    ],
];

fn flush(block: &mut Block, text: &mut String) {
    if !text.is_empty() {
        block.push(Node::Text(std::mem::take(text)));
    }
}

fn trim_blanks(text: &mut String) {
    let length = text.trim_end_matches([' ', '\t']).len();
    text.truncate(length);
}
