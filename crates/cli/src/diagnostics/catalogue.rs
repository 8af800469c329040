//! The meaning of each code: the sections of `docs/troubleshooting.md`, which is compiled in.

use serde::Serialize;

use provision_engine::fault::Code;

const PAGE: &str = include_str!("troubleshooting.md");

/// One code, explained.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// `P0017`.
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) cause: String,
    /// The remedies, the likeliest first.
    pub(crate) remedies: Vec<String>,
}

/// All that the page explains, in its order.
pub(crate) fn entries() -> impl Iterator<Item = Entry> {
    PAGE.split("\n## ").skip(1).filter_map(entry)
}

/// A section: `P0017: title`, the cause in one paragraph, the remedies as a list.
fn entry(section: &'static str) -> Option<Entry> {
    let (heading, body) = section.split_once('\n')?;
    let (code, title) = heading.split_once(": ")?;
    let (cause, list) = body.split_once("\n- ")?;
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Entry {
        code,
        title,
        cause: one_line(cause),
        remedies: list.split("\n- ").map(one_line).collect(),
    })
}

/// Returns the remedy that helps most often with errors of this kind, in the form that follows `try:`.
pub(crate) fn first_remedy(code: Code) -> Option<String> {
    let code = code.to_string();
    let entry = entries().find(|entry| entry.code == code)?;
    let remedy = entry.remedies.into_iter().next()?;
    Some(as_hint(remedy.trim_end_matches('.')))
}

/// A sentence without its capital; names and commands keep theirs.
fn as_hint(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => first
            .to_lowercase()
            .chain(sentence.chars().skip(1))
            .collect(),
        _ => sentence.to_owned(),
    }
}

/// The code that `text` means: `P0017`, `p17` or `17`.
pub(crate) fn find(text: &str) -> Option<Code> {
    let number: u16 = text.trim_start_matches(['p', 'P']).parse().ok()?;
    Code::ALL
        .iter()
        .copied()
        .find(|code| *code as u16 == number)
}

/// The code that looks most like `text`.
pub(crate) fn nearest(text: &str) -> Option<Code> {
    let text = text.to_uppercase();
    let distance = |code: &Code| strsim::damerau_levenshtein(&code.to_string(), &text);
    Code::ALL.iter().copied().min_by_key(distance)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn the_page_explains_each_code_once_in_order() {
        let explained: Vec<&str> = entries().map(|entry| entry.code).collect();
        let codes: Vec<String> = Code::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(explained, codes);
        assert!(Code::ALL.is_sorted(), "the codes are in order");
    }

    #[test]
    fn each_code_has_a_cause_and_a_remedy() {
        for entry in entries() {
            assert!(!entry.title.is_empty(), "{entry:?}");
            assert!(entry.cause.len() > 20, "{entry:?}");
            assert!(!entry.remedies.is_empty(), "{entry:?}");
        }
    }

    #[test]
    fn each_code_is_given_to_some_error() {
        let mut sources = String::new();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["aws", "cli", "engine", "package", "provision"] {
            collect(&here.join("..").join(name).join("src"), &mut sources);
        }
        // These are given by the type of an error, in `Code::of`.
        let by_type = [Code::File, Code::Unexpected];
        for code in Code::ALL.iter().filter(|code| !by_type.contains(code)) {
            assert!(
                sources.contains(&format!("Code::{code:?}")),
                "nobody gives {code} ({code:?})"
            );
        }
    }

    /// All sources but those of the codes themselves.
    fn collect(folder: &Path, sources: &mut String) {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path: PathBuf = entry.expect("the folder can be read").path();
            if path.is_dir() && !path.ends_with("fault") {
                collect(&path, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push_str(&fs::read_to_string(path).expect("a source is text"));
            }
        }
    }

    #[test]
    fn each_code_has_a_hint() {
        let hint = |code| first_remedy(code).expect("a remedy");
        assert_eq!(hint(Code::NeededStep), "select both, or neither");
        assert!(hint(Code::NoRegion).starts_with("`--region"));
        for code in Code::ALL {
            assert!(!hint(*code).ends_with('.'), "{code}");
        }
    }

    #[test]
    fn codes_are_found_as_people_write_them() {
        for text in ["P0017", "p0017", "p17", "17"] {
            assert_eq!(find(text), Some(Code::AccessDenied), "{text}");
        }
        assert_eq!(find("P9999"), None);
        assert_eq!(find("role"), None);
        assert_eq!(nearest("P0117"), Some(Code::AccessDenied));
    }
}
