//! Placeholders for the parts of a text that differ between runs.

use regex_lite::{Captures, Regex};

/// Replaces times, ids, hashes and loopback addresses by placeholders, and sorts the lines of steps that ended one after
/// another, whose order differs between runs.
pub fn masked(text: &str) -> String {
    const RULES: &[(&str, &str)] = &[
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[uuid]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[date]"),
        (r"\d\d:\d\d:\d\d\.\d{3}Z", "[clock]"),
        (r" *\b\d+\.\d\d? s\b", " [time]"),
        (r"\b\d+(\.\d+)? ms\b", "[time]"),
        (r#""(ms|elapsed_ms|timestamp_ms)":\d+"#, r#""$1":"[time]""#),
        (r"[A-Za-z0-9+/]{43}=", "[sha256]"),
        // API Gateway ids in places where all ten characters may be letters.
        (
            r#"(restapis/|_id +|_id":"|replaces +)[a-z0-9]{8,10}\b"#,
            "${1}[id]",
        ),
        // Values of API keys: 40 characters from the local AWS, 32 from the emulator.
        (r"\b([A-Za-z0-9]{40}|[0-9a-f]{32})\b", "[key]"),
        // Accounts of the end-to-end tests.
        (r"\b10{8}\d{3}\b", "[account]"),
        (r"127\.0\.0\.1:\d+", "[host]"),
        (r"--bootstrap \S*/[^ `]+", "--bootstrap [path]"),
        (r"`/[^ `]*/provision ", "`provision "),
    ];
    let mut text = text.to_owned();
    for (pattern, name) in RULES {
        let rule = Regex::new(pattern).expect("the rule is one");
        text = rule.replace_all(&text, *name).into_owned();
    }
    // API Gateway ids have ten letters and digits; a deployment's hash and a local id have eight or twelve.
    let word = Regex::new(r"\b[a-z0-9]{8,12}\b").expect("the rule is one");
    let text = word.replace_all(&text, |word: &Captures<'_>| {
        let word = &word[0];
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        match word.len() {
            8 | 10 if 0 < digits => "[id]",
            12 if 0 < digits && digits < 12 => "[hash]",
            _ => word,
        }
        .to_owned()
    });
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    for steps in lines.chunk_by_mut(|a, b| is_ended(a) && is_ended(b)) {
        steps.sort_unstable();
    }
    lines.concat()
}

/// Returns true for the line of a step that has ended.
fn is_ended(line: &str) -> bool {
    line.starts_with("  ") && line.ends_with("[time]\n")
}
