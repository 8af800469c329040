//! Conversion of plain parameters to `DynamoDB`'s JSON, as boto3 converts them and botocore validates them.

use std::fmt::Write;

use crate::attribute::write_attribute;
use crate::failure::Failure;
use crate::json::{Json, Object, write_array, write_object};
use crate::python;
use crate::shape::{Members, Operation, Shape, member};

/// Returns the body of the request, or the failure that boto3 raises before it sends one.
pub(crate) fn to_request(operation: &Operation, parameters: Object) -> Result<String, Failure> {
    check_placeholders(&parameters)?;
    let parameters = Json::Object(parameters);
    let mut body = String::new();
    write(&operation.input, &parameters, &mut body)?;
    check_table_name(parameters.get("TableName"))?;
    let mut report = Report::default();
    report.check(&operation.input, &parameters, "");
    report.finish()?;
    Ok(body)
}

/// Returns boto3's failure to merge generated placeholders into parameters of another type.
fn check_placeholders(parameters: &Object) -> Result<(), Failure> {
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

/// botocore's report of all validation errors.
#[derive(Default)]
struct Report {
    text: String,
}

impl Report {
    fn check(&mut self, shape: &Shape, value: &Json, name: &str) {
        match (shape, value) {
            (Shape::Attribute | Shape::Number, _)
            | (Shape::Boolean, Json::Bool(_))
            | (Shape::Map(Shape::Attribute), Json::Object(_)) => {}
            (Shape::String { min }, Json::String(text)) => {
                self.length(name, text.chars().count(), *min);
            }
            (Shape::Integer { min }, Json::Number(text)) if python::is_integer(text) => {
                self.range(name, text, *min);
            }
            // `bool` is a subclass of `int` in Python.
            (Shape::Integer { min }, Json::Bool(flag)) => {
                if i64::from(*flag) < *min {
                    self.below(name, &python::str(value), *min);
                }
            }
            (Shape::List { min, of }, Json::Array(items)) => {
                self.length(name, items.len(), *min);
                for (index, item) in items.iter().enumerate() {
                    self.check(of, item, &format!("{name}[{index}]"));
                }
            }
            (Shape::Map(of), Json::Object(entries)) => {
                for (key, value) in entries.iter() {
                    self.check(of, value, &format!("{name}.{key}"));
                }
            }
            (Shape::Structure { required, members }, Json::Object(given)) => {
                self.structure(required, members, given, name);
            }
            _ => self.wrong_type(shape, value, name),
        }
    }

    fn structure(&mut self, required: &[&str], members: Members, given: &Object, name: &str) {
        for missing in required
            .iter()
            .filter(|required| !given.contains_key(required))
        {
            self.line(format_args!(
                "Missing required parameter in {}: \"{missing}\"",
                display_name(name)
            ));
        }
        for unknown in given.keys().filter(|name| member(members, name).is_none()) {
            let valid = members
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", ");
            self.line(format_args!(
                "Unknown parameter in {}: \"{unknown}\", must be one of: {valid}",
                display_name(name)
            ));
        }
        for (given, value) in given.iter() {
            if let Some(shape) = member(members, given) {
                self.check(shape, value, &format!("{name}.{given}"));
            }
        }
    }

    fn wrong_type(&mut self, shape: &Shape, value: &Json, name: &str) {
        let valid = match shape {
            Shape::Boolean => "<class 'bool'>",
            Shape::Integer { .. } => "<class 'int'>",
            Shape::List { .. } => "<class 'list'>, <class 'tuple'>",
            Shape::Map(_) | Shape::Structure { .. } => "<class 'dict'>",
            Shape::String { .. } | Shape::Attribute | Shape::Number => "<class 'str'>",
        };
        self.line(format_args!(
            "Invalid type for parameter {}, value: {}, type: <class '{}'>, valid types: {valid}",
            display_name(name),
            python::str(value),
            python::type_name(value),
        ));
    }

    fn length(&mut self, name: &str, length: usize, min: usize) {
        if length < min {
            self.line(format_args!(
                "Invalid length for parameter {}, value: {length}, valid min length: {min}",
                display_name(name)
            ));
        }
    }

    /// Checks an integer against its minimum; one that does not fit an `i64` is below it if negative.
    fn range(&mut self, name: &str, text: &str, min: i64) {
        let is_below = text
            .parse::<i64>()
            .map_or_else(|_| text.starts_with('-'), |number| number < min);
        if is_below {
            self.below(name, &python::number(text), min);
        }
    }

    fn below(&mut self, name: &str, value: &str, min: i64) {
        self.line(format_args!(
            "Invalid value for parameter {}, value: {value}, valid min value: {min}",
            display_name(name)
        ));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = write!(self.text, "\n{line}");
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

/// Returns the name of a path for messages: without its leading dot, or `input` for the outermost level.
fn display_name(name: &str) -> &str {
    if name.is_empty() {
        "input"
    } else {
        name.strip_prefix('.').unwrap_or(name)
    }
}
