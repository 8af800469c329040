//! The constraints that a service's model puts on a request's members, with AWS's words for those that are not met.

use std::fmt::Display;

use crate::answer::Refusal;

/// The unmet constraints of one request.
#[derive(Debug, Default)]
pub(crate) struct Constraints(Vec<String>);

impl Constraints {
    pub(crate) fn present<T>(&mut self, value: Option<&T>, at: &str) {
        if value.is_none() {
            self.0.push(format!(
                "Value at '{at}' failed to satisfy constraint: Member must not be null"
            ));
        }
    }

    /// The same in the words of services that repeat the value.
    pub(crate) fn not_null<T>(&mut self, value: Option<&T>, at: &str) {
        if value.is_none() {
            self.0.push(format!(
                "Value null at '{at}' failed to satisfy constraint: Member must not be null"
            ));
        }
    }

    /// Checks the number of characters.
    pub(crate) fn length(&mut self, value: &str, at: &str, min: usize, max: usize) {
        if let Some(bound) = bound(value.chars().count(), min, max) {
            self.broken(value, at, &format!("Member must have length {bound}"));
        }
    }

    /// Checks the number of characters of a value that AWS does not repeat in messages.
    pub(crate) fn secret_length(&mut self, value: &str, at: &str, min: usize, max: usize) {
        if let Some(bound) = bound(value.chars().count(), min, max) {
            self.0.push(format!(
                "Value at '{at}' failed to satisfy constraint: Member must have length {bound}"
            ));
        }
    }

    /// Checks the number of items.
    pub(crate) fn count<T: Display>(&mut self, items: &[T], at: &str, min: usize, max: usize) {
        if let Some(bound) = bound(items.len(), min, max) {
            let items: Vec<String> = items.iter().map(ToString::to_string).collect();
            let value = format!("[{}]", items.join(", "));
            self.broken(value, at, &format!("Member must have length {bound}"));
        }
    }

    pub(crate) fn range(&mut self, value: Option<i64>, at: &str, min: usize, max: usize) {
        let Some(value) = value else {
            return;
        };
        let bound = match usize::try_from(value) {
            Ok(value) => bound(value, min, max),
            Err(_) => Some(format!("greater than or equal to {min}")),
        };
        if let Some(bound) = bound {
            self.broken(value, at, &format!("Member must have value {bound}"));
        }
    }

    pub(crate) fn one_of(&mut self, value: &str, at: &str, values: &[&str]) {
        if !values.contains(&value) {
            let constraint = format!(
                "Member must satisfy enum value set: [{}]",
                values.join(", ")
            );
            self.broken(value, at, &constraint);
        }
    }

    pub(crate) fn pattern(&mut self, value: &str, at: &str, pattern: &str, fits: bool) {
        if !fits {
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            self.broken(value, at, &constraint);
        }
    }

    fn broken(&mut self, value: impl Display, at: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
        ));
    }

    /// Refuses the request with `code` if a constraint is not met.
    pub(crate) fn finish(self, code: &str) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let plural = if self.0.len() == 1 { "" } else { "s" };
        let message = format!(
            "{} validation error{plural} detected: {}",
            self.0.len(),
            self.0.join("; ")
        );
        Err(Refusal::new(400, code, message))
    }
}

fn bound(size: usize, min: usize, max: usize) -> Option<String> {
    if size < min {
        Some(format!("greater than or equal to {min}"))
    } else if size > max {
        Some(format!("less than or equal to {max}"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unmet_constraints_are_counted() {
        let mut constraints = Constraints::default();
        constraints.length("ok", "name", 1, 10);
        constraints.count(&["a", "b"], "names", 1, 1);
        constraints.range(Some(-1), "maxResults", 1, 10);
        let refusal = constraints.finish("X").expect_err("two are not met");
        assert_eq!(
            refusal.message,
            "2 validation errors detected: Value '[a, b]' at 'names' failed to satisfy constraint: Member must have \
             length less than or equal to 1; Value '-1' at 'maxResults' failed to satisfy constraint: Member must have \
             value greater than or equal to 1"
        );
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let mut constraints = Constraints::default();
        constraints.secret_length("hush", "value", 1, 3);
        let refusal = constraints.finish("X").expect_err("it is too long");
        assert!(!refusal.message.contains("hush"), "{}", refusal.message);
    }
}
