//! Constraints on members of an input, refused in the words of AWS's model validation.

use std::fmt::Display;

use crate::answer::Refusal;

/// What is wrong so far.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<String>);

impl Checks {
    /// `constraint` follows "Member must".
    pub(super) fn fail(&mut self, value: impl Display, member: &str, constraint: &str) {
        self.fail_whole(value, member, &format!("Member must {constraint}"));
    }

    /// `constraint` is the whole sentence.
    pub(super) fn fail_whole(&mut self, value: impl Display, member: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
        ));
    }

    pub(super) fn length(&mut self, value: &str, member: &str, least: usize, most: usize) {
        let length = value.chars().count();
        if length < least {
            let constraint = format!("have length greater than or equal to {least}");
            self.fail(value, member, &constraint);
        } else if length > most {
            let constraint = format!("have length less than or equal to {most}");
            self.fail(value, member, &constraint);
        }
    }

    pub(super) fn range(&mut self, value: i64, member: &str, least: i64, most: i64) {
        if value < least {
            let constraint = format!("have value greater than or equal to {least}");
            self.fail(value, member, &constraint);
        } else if value > most {
            let constraint = format!("have value less than or equal to {most}");
            self.fail(value, member, &constraint);
        }
    }

    pub(super) fn one_of(&mut self, value: &str, member: &str, values: &[&str]) {
        if !values.contains(&value) {
            let constraint = format!("satisfy enum value set: [{}]", values.join(", "));
            self.fail(value, member, &constraint);
        }
    }

    /// A list whose members are of `values`; `extra` ends what AWS says of each member.
    pub(super) fn each_of(&mut self, list: &[String], member: &str, values: &[&str], extra: &str) {
        if list.iter().any(|value| !values.contains(&value.as_str())) {
            let constraint = format!(
                "satisfy constraint: [Member must satisfy enum value set: [{}]{extra}]",
                values.join(", ")
            );
            self.fail(format!("[{}]", list.join(", ")), member, &constraint);
        }
    }

    /// `pattern` is AWS's text of what `fits` decides.
    pub(super) fn pattern(&mut self, value: &str, member: &str, pattern: &str, fits: bool) {
        if !fits {
            let constraint = format!("satisfy regular expression pattern: {pattern}");
            self.fail(value, member, &constraint);
        }
    }

    /// The member is required and missing.
    pub(super) fn missing(&mut self, member: &str) {
        self.0.push(format!(
            "Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ));
    }

    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.0.len() {
            0 => Ok(()),
            count => {
                let errors = if count == 1 { "error" } else { "errors" };
                let message = format!(
                    "{count} validation {errors} detected: {}",
                    self.0.join("; ")
                );
                Err(Refusal::new(400, "ValidationException", message))
            }
        }
    }
}

/// Letters, digits, `-` and `_`, at least one.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_at_once() {
        let mut checks = Checks::default();
        checks.range(901, "timeout", 1, 900);
        checks.range(128, "memorySize", 128, 10_240);
        checks.length("", "functionName", 1, 64);
        let refusal = checks.finish().expect_err("two are wrong");
        assert_eq!(
            refusal.message,
            "2 validation errors detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value \
             less than or equal to 900; Value '' at 'functionName' failed to satisfy constraint: Member must have length \
             greater than or equal to 1"
        );
    }
}
