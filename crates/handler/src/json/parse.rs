//! The parser, with the error messages of Python's `json` module.

use std::fmt;

use compact_str::CompactString;

use super::{Json, Object};

/// Deepest nesting, close to Python's limit. It bounds the recursion over a [`Json`].
pub const MAX_DEPTH: usize = 990;

/// The error of a text that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Invalid JSON, with the position as Python reports it.
    Syntax {
        problem: &'static str,
        line: usize,
        column: usize,
        position: usize,
    },
    /// Nesting beyond [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax {
                problem,
                line,
                column,
                position,
            } => {
                write!(
                    f,
                    "{problem}: line {line} column {column} (char {position})"
                )
            }
            Self::TooDeep => f.write_str("maximum recursion depth exceeded"),
        }
    }
}

/// Parses a JSON text.
pub fn parse(text: &str) -> Result<Json, ParseError> {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: 0,
    };
    parser.skip_whitespace();
    let value = parser.value(0)?;
    parser.skip_whitespace();
    if parser.at < parser.bytes.len() {
        return Err(parser.error("Extra data", parser.at));
    }
    Ok(value)
}

/// Returns the length of the number at the start of `bytes`.
pub(super) fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut end = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(end)? {
        b'0' => end += 1,
        b'1'..=b'9' => end += digits(end),
        _ => return None,
    }
    if bytes.get(end) == Some(&b'.') {
        match digits(end + 1) {
            0 => return Some(end),
            count => end += 1 + count,
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        match digits((end + 1 + sign).min(bytes.len())) {
            0 => {}
            count => end += 1 + sign + count,
        }
    }
    Some(end)
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, ParseError> {
        match self.peek() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'n') => self.literal("null", Json::Null),
            Some(b't') => self.literal("true", Json::Bool(true)),
            Some(b'f') => self.literal("false", Json::Bool(false)),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, ParseError> {
        const NAME: &str = "Expecting property name enclosed in double quotes";
        self.descend(depth)?;
        let mut members = Vec::new();
        if self.take(b'}') {
            return Ok(Json::Object(Object::default()));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.error(NAME, self.at));
            }
            let name = self.string()?;
            self.skip_whitespace();
            if !self.take(b':') {
                return Err(self.error("Expecting ':' delimiter", self.at));
            }
            self.skip_whitespace();
            let value = self.value(depth + 1)?;
            members.push((name, value));
            self.skip_whitespace();
            if self.take(b'}') {
                return Ok(Json::Object(Object::from_parsed(members)));
            }
            if !self.take(b',') {
                return Err(self.error("Expecting ',' delimiter", self.at));
            }
            self.skip_whitespace();
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, ParseError> {
        self.descend(depth)?;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_whitespace();
            if self.take(b']') {
                items.shrink_to_fit();
                return Ok(Json::Array(items));
            }
            if !self.take(b',') {
                return Err(self.error("Expecting ',' delimiter", self.at));
            }
            self.skip_whitespace();
        }
    }

    fn descend(&mut self, depth: usize) -> Result<(), ParseError> {
        if depth >= MAX_DEPTH {
            return Err(ParseError::TooDeep);
        }
        self.at += 1;
        self.skip_whitespace();
        Ok(())
    }

    fn number(&mut self) -> Result<Json, ParseError> {
        let start = self.at;
        match number_length(&self.bytes[start..]) {
            Some(length) => {
                self.at += length;
                Ok(Json::Number(self.text[start..self.at].into()))
            }
            None => Err(self.error("Expecting value", start)),
        }
    }

    fn literal(&mut self, word: &str, value: Json) -> Result<Json, ParseError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error("Expecting value", self.at));
        }
        self.at += word.len();
        Ok(value)
    }

    fn string(&mut self) -> Result<CompactString, ParseError> {
        let opening = self.at;
        self.at += 1;
        let mut out = CompactString::default();
        loop {
            let run = self.bytes[self.at..]
                .iter()
                .take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f))
                .count();
            out.push_str(&self.text[self.at..self.at + run]);
            self.at += run;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape(opening)?),
                Some(_) => return Err(self.error("Invalid control character at", self.at)),
                None => return Err(self.error("Unterminated string starting at", opening)),
            }
        }
    }

    fn escape(&mut self, opening: usize) -> Result<char, ParseError> {
        let start = self.at;
        self.at += 2;
        Ok(match self.bytes.get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(start),
            Some(_) => return Err(self.error("Invalid \\escape", start)),
            None => return Err(self.error("Unterminated string starting at", opening)),
        })
    }

    /// Parses the rest of a `\u` escape. A lone surrogate is not a character and is refused.
    fn code_point(&mut self, start: usize) -> Result<char, ParseError> {
        let first = self.hex(start)?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.error("Lone surrogate", start));
        }
        if !self.bytes[self.at..].starts_with(b"\\u") {
            return Err(self.error("Lone surrogate", start));
        }
        self.at += 2;
        let second = self.hex(start)?;
        let low = second.wrapping_sub(0xdc00);
        if low >= 0x400 {
            return Err(self.error("Lone surrogate", start));
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low)
            .ok_or_else(|| self.error("Lone surrogate", start))
    }

    fn hex(&mut self, start: usize) -> Result<u32, ParseError> {
        let digits = self.bytes.get(self.at..self.at + 4);
        let value = digits.and_then(|digits| {
            digits.iter().try_fold(0, |value, digit| {
                Some(value << 4 | char::from(*digit).to_digit(16)?)
            })
        });
        self.at += 4;
        value.ok_or_else(|| self.error("Invalid \\uXXXX escape", start + 1))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Creates an error; positions count characters, as in Python.
    fn error(&self, problem: &'static str, at: usize) -> ParseError {
        let before = String::from_utf8_lossy(&self.bytes[..at.min(self.bytes.len())]);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ParseError::Syntax {
            problem,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            position: before.chars().count(),
        }
    }
}
