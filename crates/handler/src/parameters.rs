//! Conversion of parameters to `DynamoDB`'s JSON: plain ones as boto3 converts them, typed ones unchanged. Both are validated as
//! botocore validates them.

use std::fmt::{self, Write};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::attribute::{AttributeFormat, write_attribute};
use crate::event::MAX_ANSWER;
use crate::failure::Failure;
use crate::json::{Json, Object, write_array, write_object};
use crate::python;
use crate::shape::{Members, Operation, Shape, TYPED_ATTRIBUTE, member};

/// A request to `DynamoDB`.
pub(crate) struct Request {
    pub(crate) body: String,
    /// The format of the answer.
    pub(crate) format: AttributeFormat,
}

/// Returns the request, or the failure that boto3 raises before it sends one.
pub(crate) fn to_request(
    operation: &Operation,
    mut parameters: Object,
) -> Result<Request, Failure> {
    let format = parameters.remove(AttributeFormat::PARAMETER);
    let mut report = Report::new(format.as_ref());
    let format = report.format;
    let parameters = Json::Object(parameters);
    let mut body = String::new();
    match format {
        AttributeFormat::Plain => {
            check_placeholders(&parameters)?;
            write(&operation.input, &parameters, &mut body)?;
        }
        AttributeFormat::Typed => parameters.write(&mut body),
    }
    check_table_name(parameters.get("TableName"))?;
    report.check(&operation.input, &parameters, Path::Root);
    report.finish()?;
    Ok(Request { body, format })
}

/// Returns boto3's failure to merge generated placeholders into parameters of another type.
fn check_placeholders(parameters: &Json) -> Result<(), Failure> {
    for name in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        if let Some(value) = parameters.get(name)
            && value.as_object().is_none()
        {
            let message = format!(
                "'{}' object has no attribute 'update'",
                python::type_name(value)
            );
            return Err(Failure::caller("AttributeError", message));
        }
    }
    Ok(())
}

/// Returns botocore's failure to resolve the endpoint, for which it reads the table's name before it validates it.
fn check_table_name(name: Option<&Json>) -> Result<(), Failure> {
    match name {
        Some(Json::String(_) | Json::Null) | None => Ok(()),
        Some(Json::Object(_)) => Err(Failure::caller("TypeError", "unhashable type: 'dict'")),
        Some(_) => Err(Failure::caller(
            "EndpointResolutionError",
            "Value (ResourceArn) is the wrong type. Must be <class 'str'>.",
        )),
    }
}

/// Type of unknown parameters, which are written unchanged; `Report` names them.
const UNKNOWN: &Shape = &Shape::Number;

fn write(shape: &Shape, value: &Json, out: &mut String) -> Result<(), Failure> {
    match (shape, value) {
        (Shape::Attribute, value) => write_attribute(value, out),
        (Shape::List { of, .. }, Json::Array(items)) => {
            write_array(items, out, |item, out| write(of, item, out))
        }
        (Shape::Map(of), Json::Object(entries)) => {
            write_object(entries, out, |_, value, out| write(of, value, out))
        }
        (Shape::Structure { members, .. }, Json::Object(given)) => {
            write_object(given, out, |name, value, out| {
                write(member(members, name).unwrap_or(UNKNOWN), value, out)
            })
        }
        (_, value) => {
            value.write(out);
            Ok(())
        }
    }
}

/// The place of a value among the parameters.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("input"),
            Self::Member(Self::Root, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// botocore's report of all validation errors.
struct Report {
    format: AttributeFormat,
    text: String,
}

impl Report {
    /// Creates a report with the errors of the format.
    fn new(format: Option<&Json>) -> Self {
        let mut report = Self {
            format: AttributeFormat::Plain,
            text: String::new(),
        };
        let path = Path::Member(&Path::Root, AttributeFormat::PARAMETER);
        match format {
            None => {}
            Some(Json::String(name)) => match AttributeFormat::from_name(name) {
                Some(format) => report.format = format,
                None => report.line(format_args!(
                    "Invalid value for parameter {path}, value: {name}, must be one of: plain, typed"
                )),
            },
            Some(value) => report.wrong_type(&Shape::String { min: 0 }, value, path),
        }
        report
    }

    fn check(&mut self, shape: &Shape, value: &Json, path: Path<'_>) {
        match (shape, value) {
            (Shape::Attribute, value) => match self.format {
                AttributeFormat::Plain => {}
                AttributeFormat::Typed => self.check(&TYPED_ATTRIBUTE, value, path),
            },
            (Shape::Number, _) | (Shape::Boolean, Json::Bool(_)) => {}
            (Shape::Binary, Json::String(text)) => self.base64(text, path),
            (Shape::String { min }, Json::String(text)) => {
                self.length(path, text.chars().count(), *min);
            }
            (Shape::Integer { min }, Json::Number(text)) if python::is_integer(text) => {
                self.range(path, text, *min);
            }
            // `bool` is a subclass of `int` in Python.
            (Shape::Integer { min }, Json::Bool(flag)) => {
                if i64::from(*flag) < *min {
                    self.below(path, &python::str(value), *min);
                }
            }
            (Shape::List { min, of }, Json::Array(items)) => {
                self.length(path, items.len(), *min);
                for (index, item) in items.iter().enumerate() {
                    self.check(of, item, Path::Item(&path, index));
                }
            }
            (Shape::Map(of), Json::Object(entries)) => {
                for (key, value) in entries.iter() {
                    self.check(of, value, Path::Member(&path, key));
                }
            }
            (Shape::Structure { required, members }, Json::Object(given)) => {
                self.structure(required, members, given, path);
            }
            _ => self.wrong_type(shape, value, path),
        }
    }

    fn structure(&mut self, required: &[&str], members: Members, given: &Object, path: Path<'_>) {
        for missing in required
            .iter()
            .filter(|required| !given.contains_key(required))
        {
            self.line(format_args!(
                "Missing required parameter in {path}: \"{missing}\""
            ));
        }
        for unknown in given.keys().filter(|name| member(members, name).is_none()) {
            let valid = members
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", ");
            self.line(format_args!(
                "Unknown parameter in {path}: \"{unknown}\", must be one of: {valid}"
            ));
        }
        for (given, value) in given.iter() {
            if let Some(shape) = member(members, given) {
                self.check(shape, value, Path::Member(&path, given));
            }
        }
    }

    fn wrong_type(&mut self, shape: &Shape, value: &Json, path: Path<'_>) {
        let valid = match shape {
            Shape::Boolean => "<class 'bool'>",
            Shape::Integer { .. } => "<class 'int'>",
            Shape::List { .. } => "<class 'list'>, <class 'tuple'>",
            Shape::Map(_) | Shape::Structure { .. } => "<class 'dict'>",
            Shape::String { .. } | Shape::Attribute | Shape::Binary | Shape::Number => {
                "<class 'str'>"
            }
        };
        self.line(format_args!(
            "Invalid type for parameter {path}, value: {}, type: <class '{}'>, valid types: {valid}",
            python::str(value),
            python::type_name(value),
        ));
    }

    fn base64(&mut self, text: &str, path: Path<'_>) {
        if STANDARD.decode(text).is_err() {
            self.line(format_args!(
                "Invalid value for parameter {path}, value: {text}, must be base64"
            ));
        }
    }

    fn length(&mut self, path: Path<'_>, length: usize, min: usize) {
        if length < min {
            self.line(format_args!(
                "Invalid length for parameter {path}, value: {length}, valid min length: {min}"
            ));
        }
    }

    /// Checks an integer against its minimum; one that does not fit an `i64` is below it if negative.
    fn range(&mut self, path: Path<'_>, text: &str, min: i64) {
        let is_below = text
            .parse::<i64>()
            .map_or_else(|_| text.starts_with('-'), |number| number < min);
        if is_below {
            self.below(path, &python::number(text), min);
        }
    }

    fn below(&mut self, path: Path<'_>, value: &str, min: i64) {
        self.line(format_args!(
            "Invalid value for parameter {path}, value: {value}, valid min value: {min}"
        ));
    }

    /// Adds a line, unless the report is too long for an answer already: a request can have millions of errors.
    fn line(&mut self, line: fmt::Arguments<'_>) {
        if self.text.len() <= MAX_ANSWER {
            let _ = write!(self.text, "\n{line}");
        }
    }

    fn finish(self) -> Result<(), Failure> {
        if self.text.is_empty() {
            return Ok(());
        }
        Err(Failure::caller(
            "ParamValidationError",
            format!("Parameter validation failed:{}", self.text),
        ))
    }
}
