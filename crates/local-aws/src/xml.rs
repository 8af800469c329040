//! The query protocol's XML, made from the same JSON values that other services answer with.

use std::fmt::Write;

use serde_json::Value;

/// `<XResponse><XResult>…</XResult><ResponseMetadata>…`; members of lists are called `member`.
pub(crate) fn answer(operation: &str, namespace: &str, output: &Value, request_id: &str) -> String {
    let mut text = format!("<{operation}Response xmlns=\"{namespace}\">");
    // Operations without an output have no result element either.
    if !output.is_null() {
        element(&mut text, &format!("{operation}Result"), output);
    }
    let _ = write!(
        text,
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    );
    text
}

pub(crate) fn error(
    namespace: &str,
    kind: &str,
    code: &str,
    message: &str,
    request_id: &str,
) -> String {
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>",
        escaped(code),
        escaped(message)
    )
}

fn element(text: &mut String, name: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    let _ = write!(text, "<{name}>");
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    // A map: its entries have no list around them.
                    Value::Array(entries) if name == "entry" => {
                        for entry in entries {
                            element(text, name, entry);
                        }
                    }
                    value => element(text, name, value),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                element(text, "member", item);
            }
        }
        Value::String(string) => text.push_str(&escaped(string)),
        other => {
            let _ = write!(text, "{other}");
        }
    }
    let _ = write!(text, "</{name}>");
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Anything else below a space cannot be in XML at all.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => out.push('\u{fffd}'),
            // A parser would make a line feed of it.
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_have_members_and_text_is_escaped() {
        let output = json!({ "Names": ["a&b", "<"], "Gone": null, "IsTruncated": false });
        assert_eq!(
            answer("ListNames", "ns", &output, "r"),
            "<ListNamesResponse xmlns=\"ns\"><ListNamesResult><Names><member>a&amp;b</member><member>&lt;</member></Names>\
             <IsTruncated>false</IsTruncated></ListNamesResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
             </ListNamesResponse>"
        );
    }
}
