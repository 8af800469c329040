//! A record as one page that stands alone: no script, nothing from elsewhere, and all that comes from the run as text.

mod fields;
mod waterfall;

use std::time::Duration;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Map, Value};

use crate::record::{Entry, Package, Record};
use crate::ui::render;
use provision_package::Fingerprint;

const STYLE: &str = include_str!("report.css");

/// The page as HTML.
pub(crate) fn page(record: &Record) -> String {
    let title = format!("{} · {}", record.stack, verb(record));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p class=(if record.exit_code == 0 { "end" } else { "end bad" }) { (ending(record)) }
                }
                main {
                    (summary(record))
                    (errors(&record.errors))
                    (plan(record))
                    (waterfall::section(record))
                    (outputs(&record.outputs))
                }
                footer { p { "This page is a record and no state: nothing is decided by it." } }
            }
        }
    };
    page.into_string()
}

fn verb(record: &Record) -> &str {
    let is_down = |word: &String| ["down", "destroy", "remove"].contains(&word.as_str());
    if record.command.iter().skip(1).any(is_down) {
        "down"
    } else {
        "up"
    }
}

fn ending(record: &Record) -> String {
    let how = match record.exit_code {
        0 => "✓ done",
        3 => "✗ partly done",
        130 | 143 => "✗ interrupted",
        _ => "✗ failed",
    };
    format!("{how} in {}", length(record.elapsed_ms))
}

fn summary(record: &Record) -> Markup {
    let target = record.plan.as_ref().map(|plan| &plan["target"]);
    let part = |name: &str| target.and_then(|target| target[name].as_str());
    html! {
        section {
            dl {
                (fact("Began", &record.started))
                @if let Some(account) = part("account") { (fact("Account", account)) }
                @if let Some(region) = part("region") { (fact("Region", region)) }
                @if let Some(endpoint) = part("endpoint") { (fact("Endpoint", endpoint)) }
                (fact("Command", &record.command.join(" ")))
                (fact("Exit code", &record.exit_code.to_string()))
                (fact("Version", &record.version))
                (fact("Commit", record.commit.as_deref().unwrap_or("none: not in a git work tree")))
                @for package in &record.packages { (package_facts(package, record.packages.len() > 1)) }
            }
        }
    }
}

fn package_facts(package: &Package, is_named: bool) -> Markup {
    let of = if is_named {
        format!(" of {}", package.assets.join(", "))
    } else {
        String::new()
    };
    let file = |file: &Fingerprint| format!("{} bytes, SHA-256 {}", file.bytes, file.sha256);
    html! {
        @if let Some(binary) = &package.binary { (fact(&format!("Binary{of}"), &file(binary))) }
        (fact(&format!("Zip{of}"), &file(&package.zip)))
        (fact(&format!("CodeSha256{of}"), &package.code_sha256))
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn errors(errors: &[String]) -> Markup {
    html! {
        @if !errors.is_empty() {
            section {
                h2 { "Errors" }
                @for error in errors { pre class="error" { "✗ " (error) } }
            }
        }
    }
}

fn plan(record: &Record) -> Markup {
    let Some(plan) = &record.plan else {
        return html! { section { h2 { "Plan" } p { "The run ended before there was a plan." } } };
    };
    let steps = plan["steps"].as_array().map_or(&[][..], Vec::as_slice);
    html! {
        section {
            h2 { "Plan" }
            p { (counts(&plan["summary"])) }
            @for step in steps { (step_details(record, step)) }
        }
    }
}

fn step_details(record: &Record, step: &Value) -> Markup {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    let took = record.timeline.iter().rev().find_map(|entry| match entry {
        Entry::Step { step, ms, .. } if step == text("id") => *ms,
        _ => None,
    });
    html! {
        details {
            summary class=(text("action")) {
                span class="symbol" { (symbol(text("action"))) }
                span class="what" { span class="kind" { (text("type")) } " " strong { (text("name")) } }
                span class="how" {
                    (text("action"))
                    @if text("status") == "failed" { " ✗ failed" }
                    @if text("status") == "not-run" { " · not run" }
                    @if let Some(took) = took { " · " (length(took)) }
                }
            }
            @if let Some(fields) = record.fields.get(text("id")) { (fields::table(fields)) }
        }
    }
}

/// The sign of an action, as `plan` prints it.
fn symbol(action: &str) -> &'static str {
    match action {
        "create" => "+",
        "update" => "~",
        "replace" => "±",
        "delete" => "-",
        _ => "=",
    }
}

fn counts(summary: &Value) -> String {
    let parts: Vec<String> = ["create", "update", "replace", "delete", "keep"]
        .iter()
        .filter_map(|action| {
            let count = summary[action].as_u64().filter(|count| *count > 0)?;
            Some(format!("{} {count} {action}", symbol(action)))
        })
        .collect();
    if parts.is_empty() {
        "Nothing to do.".to_owned()
    } else {
        parts.join(" · ")
    }
}

fn outputs(outputs: &Map<String, Value>) -> Markup {
    html! {
        @if !outputs.is_empty() {
            section {
                h2 { "Outputs" }
                dl { @for (name, value) in outputs { (fact(name, value.as_str().unwrap_or("(not deployed)"))) } }
            }
        }
    }
}

/// `12 ms` or `1.20 s`.
fn length(milliseconds: f64) -> String {
    if milliseconds < 1000.0 {
        let decimals = usize::from(milliseconds < 10.0);
        return format!("{milliseconds:.decimals$} ms");
    }
    render::seconds(Duration::from_secs_f64(milliseconds / 1000.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A run in which everything that can be named is named like an attack.
    fn hostile() -> Record {
        const NAME: &str = r#""><script>alert(1)</script><img src=x onerror='alert(1)'>&"#;
        let entries = json!([
            { "kind": "step", "step": NAME, "at_ms": 1.0, "ms": 2.0, "failed": true },
            { "kind": "call", "step": NAME, "operation": NAME, "at_ms": 1.0, "ms": 1.0, "answer": NAME },
            { "kind": "wait", "step": null, "reason": NAME, "at_ms": 1.0, "ms": 1.0 },
            { "kind": "note", "text": NAME, "at_ms": 1.0 },
        ]);
        let step = json!({
            "id": NAME, "type": NAME, "name": NAME, "action": NAME, "status": "failed", "changes": [], "after": [],
        });
        let fingerprint = json!({ "bytes": 1, "sha256": NAME });
        let record = json!({
            "schema": 1, "command": [NAME], "started": NAME, "elapsed_ms": 3.0, "version": NAME, "commit": NAME,
            "stack": NAME, "exit_code": 1,
            "plan": { "target": { "account": NAME, "region": NAME, "endpoint": NAME }, "steps": [step], "summary": {} },
            "fields": { NAME: { "before": { NAME: NAME }, "after": NAME } },
            "timeline": entries,
            "packages": [{ "assets": [NAME], "binary": fingerprint, "zip": fingerprint, "code_sha256": NAME }],
            "outputs": { NAME: NAME },
            "errors": [NAME],
        });
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn what_comes_from_the_run_is_text() {
        let page = page(&hostile());
        let markup = page.replace("&lt;script&gt;", "").to_lowercase();
        assert!(page.contains("&lt;script&gt;"));
        for forbidden in [
            "<script", "<img", "<a ", "<link", "<iframe", "url(", "@import",
        ] {
            assert!(!markup.contains(forbidden), "{forbidden}");
        }
        // A quote that is not escaped ends the attribute it is in.
        assert!(page.contains("title=\"&quot;&gt;"));
    }

    #[test]
    fn lengths_are_legible() {
        assert_eq!(length(0.42), "0.4 ms");
        assert_eq!(length(312.4), "312 ms");
        assert_eq!(length(1204.0), "1.20 s");
    }
}
