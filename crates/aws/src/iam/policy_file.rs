//! A policy in a JSON file with placeholders, filled from a stack.

use anyhow::{Context, Result, bail};
use provision_engine::fault::Code;
use provision_engine::input::Expr;
use serde_json::Value;

use super::PolicyDocument;

/// A policy file, compiled in with `include_str!`.
#[derive(Clone, Copy, Debug)]
pub struct PolicyFile {
    /// The path, as people find it: `policies/trust.json`.
    pub path: &'static str,
    /// The file's content.
    pub text: &'static str,
}

impl PolicyFile {
    /// Returns the document with each `${Name}` replaced. IAM's own variables (`${aws:username}`) contain a colon and stay.
    ///
    /// # Errors
    ///
    /// `Code::PolicyFile` for what is no policy document, or has a placeholder that is not among `values`.
    pub fn fill(self, values: &[(&str, Value)]) -> Result<PolicyDocument> {
        let doing = || Code::PolicyFile.fault(format!("reading `{}`", self.path));
        let document: Value = serde_json::from_str(self.text).with_context(doing)?;
        if document["Statement"].is_null() {
            return Err(anyhow::anyhow!("it has no `Statement`")).with_context(doing);
        }
        fill(document, values)
            .map(PolicyDocument::new)
            .with_context(doing)
    }
}

fn fill(value: Value, values: &[(&str, Value)]) -> Result<Value> {
    Ok(match value {
        Value::String(text) => fill_text(&text, values)?,
        Value::Array(items) => items
            .into_iter()
            .map(|item| fill(item, values))
            .collect::<Result<_>>()?,
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, field)| Ok((name, fill(field, values)?)))
                .collect::<Result<_>>()?,
        ),
        other => other,
    })
}

fn fill_text(text: &str, values: &[(&str, Value)]) -> Result<Value> {
    let mut parts: Vec<Value> = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}') else {
            bail!("`{text}` has a placeholder without an end");
        };
        literal.push_str(before);
        if name.contains(':') {
            literal.extend(["${", name, "}"]);
        } else {
            let Some((_, value)) = values.iter().find(|(known, _)| *known == name) else {
                let known: Vec<String> = values
                    .iter()
                    .map(|(known, _)| format!("`${{{known}}}`"))
                    .collect();
                bail!(
                    "unknown placeholder `${{{name}}}`, there is {}",
                    known.join(", ")
                );
            };
            if !literal.is_empty() {
                parts.push(std::mem::take(&mut literal).into());
            }
            parts.push(value.clone());
        }
        rest = tail;
    }
    literal.push_str(rest);
    if parts.is_empty() {
        return Ok(literal.into());
    }
    if !literal.is_empty() {
        parts.push(literal.into());
    }
    Ok(if parts.len() == 1 {
        parts.remove(0)
    } else {
        serde_json::to_value(Expr::Join(parts)).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> [(&'static str, Value); 1] {
        [("TableArn", json!({"$ref": "table.arn"}))]
    }

    #[test]
    fn placeholders_become_references() {
        assert_eq!(
            fill_text("${TableArn}", &table()).unwrap(),
            json!({"$ref": "table.arn"})
        );
        assert_eq!(
            fill_text("${TableArn}/index/*", &table()).unwrap(),
            json!({"$join": [{"$ref": "table.arn"}, "/index/*"]})
        );
        assert_eq!(
            fill_text("${aws:username}", &table()).unwrap(),
            json!("${aws:username}")
        );
    }

    #[test]
    fn mistakes_name_the_file_and_the_remedy() {
        let file = |text| PolicyFile {
            path: "policies/x.json",
            text,
        };
        let error = file(r#"{"Statement": ["${TabelArn}"]}"#)
            .fill(&table())
            .unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "reading `policies/x.json`: unknown placeholder `${TabelArn}`, there is `${TableArn}`"
        );
        let error = file("{").fill(&table()).unwrap_err();
        assert!(format!("{error:#}").starts_with("reading `policies/x.json`: EOF while parsing"));
    }
}
