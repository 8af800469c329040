//! Wildcards and variables of policies.

use super::evaluate::Context;

/// Returns true if `text` is of the pattern, in which `*` is any text and `?` any character.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<Part> = pattern.chars().map(Part::of).collect();
    fits_parts(&pattern, text)
}

/// The same without regard to case.
pub(crate) fn fits_any_case(pattern: &str, text: &str) -> bool {
    fits(&pattern.to_lowercase(), &text.to_lowercase())
}

/// Returns true if `text` is of the pattern once the pattern's variables have their values; never, if one has none.
pub(crate) fn fits_in(pattern: &str, text: &str, context: &Context) -> bool {
    parts(pattern, context).is_some_and(|parts| fits_parts(&parts, text))
}

/// The text with values for its variables; `None` if one has none. Wildcards are characters like others.
pub(crate) fn filled(text: &str, context: &Context) -> Option<String> {
    let parts = parts(text, context)?;
    Some(parts.into_iter().map(Part::char).collect())
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Any,
    One,
    Char(char),
}

impl Part {
    fn of(c: char) -> Self {
        match c {
            '*' => Self::Any,
            '?' => Self::One,
            c => Self::Char(c),
        }
    }

    fn char(self) -> char {
        match self {
            Self::Any => '*',
            Self::One => '?',
            Self::Char(c) => c,
        }
    }
}

/// What a variable stands for is text, wildcards in it too: `${*}` is an asterisk.
fn parts(pattern: &str, context: &Context) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((variable, tail)) = after.split_once('}') else {
            break;
        };
        parts.extend(before.chars().map(Part::of));
        parts.extend(value(variable, context)?.chars().map(Part::Char));
        rest = tail;
    }
    parts.extend(rest.chars().map(Part::of));
    Some(parts)
}

/// `aws:username`, or `aws:username, 'default'`.
fn value(variable: &str, context: &Context) -> Option<String> {
    if let "*" | "?" | "$" = variable {
        return Some(variable.to_owned());
    }
    let (name, default) = match variable.split_once(',') {
        Some((name, default)) => (name.trim(), Some(default.trim().trim_matches('\''))),
        None => (variable.trim(), None),
    };
    match context.values(name) {
        [value] => Some(value.clone()),
        _ => default.map(str::to_owned),
    }
}

/// Greedy, with one point to go back to: linear in all but patterns made to be slow, and never worse than quadratic.
fn fits_parts(pattern: &[Part], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut in_text) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(Part::Any) => {
                back = Some((at, in_text));
                at += 1;
            }
            Some(part) if *part == Part::One || *part == Part::Char(text[in_text]) => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((star, start)) = back else {
                    return false;
                };
                back = Some((star, start + 1));
                at = star + 1;
                in_text = start + 1;
            }
        }
    }
    pattern[at..].iter().all(|part| *part == Part::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_text() {
        for (pattern, text, fit) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xaxab", true),
            (
                "arn:aws:dynamodb:*:*:table/t*",
                "arn:aws:dynamodb:r:1:table/t/index/i",
                true,
            ),
            ("", "a", false),
            ("é?", "éñ", true),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
        assert!(fits_any_case("DynamoDB:Get*", "dynamodb:GetItem"));
        assert!(!fits(&"a*".repeat(40), &"a".repeat(39)));
    }

    #[test]
    fn variables_have_values_or_nothing_fits() {
        let context = Context::default().with("aws:userid", "A*");
        assert!(fits_in("x/${aws:userid}/*", "x/A*/y", &context));
        assert!(!fits_in("x/${aws:userid}/*", "x/AB/y", &context));
        assert!(!fits_in("x/${aws:username}", "x/", &context));
        assert!(fits_in("x/${aws:username, 'nobody'}", "x/nobody", &context));
        assert!(fits_in("${*}", "*", &context));
        assert!(!fits_in("${*}", "a", &context));
        assert_eq!(filled("${AWS:userId}-?", &context).as_deref(), Some("A*-?"));
        assert_eq!(filled("${", &context).as_deref(), Some("${"));
    }
}
