//! Compares a reply with what a fact says.

use regex_lite::Regex;
use serde_json::Value;

use crate::door::Reply;
use crate::fact::Call;

/// The beginning of every refusal of something that is not here.
pub(crate) const NOT_HERE: &str = "The local AWS does not support ";

/// What a reply says, in whichever form its service writes.
pub(crate) struct Read {
    pub(crate) json: Option<Value>,
    pub(crate) text: String,
}

impl Read {
    pub(crate) fn of(reply: &Reply) -> Self {
        Self {
            json: serde_json::from_slice(&reply.body).ok(),
            text: String::from_utf8_lossy(&reply.body).into_owned(),
        }
    }

    /// By JSON pointer; in XML, the text of the first element of this name.
    pub(crate) fn at(&self, name: &str) -> Option<Value> {
        match &self.json {
            Some(json) => json.pointer(name).cloned(),
            None => element(&self.text, name).map(Value::String),
        }
    }

    fn code(&self, reply: &Reply) -> String {
        let of_header = reply
            .headers
            .get("x-amzn-errortype")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let of_json = || {
            let code = self.json.as_ref()?.get("__type")?.as_str()?.to_owned();
            Some(code)
        };
        let code = of_header
            .or_else(of_json)
            .or_else(|| element(&self.text, "Code"))
            .unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        code.split(':').next().unwrap_or_default().to_owned()
    }

    fn message(&self) -> Option<String> {
        let of_json = || {
            let json = self.json.as_ref()?;
            let text = json.get("message").or_else(|| json.get("Message"))?;
            Some(text.as_str()?.to_owned())
        };
        of_json().or_else(|| element(&self.text, "Message"))
    }
}

fn element(xml: &str, name: &str) -> Option<String> {
    let document = roxmltree::Document::parse(xml).ok()?;
    document
        .descendants()
        .find(|node| node.tag_name().name() == name)
        .map(|node| node.text().unwrap_or_default().to_owned())
}

/// Every difference between the reply and what the call should bring.
pub(crate) fn differences(call: &Call, reply: &Reply) -> Vec<String> {
    let read = Read::of(reply);
    let mut found = Vec::new();
    let is_right = match call.is {
        None if call.refused => (400..502).contains(&reply.status) && read.text.contains(NOT_HERE),
        Some(status) => reply.status == status,
        None => (200..300).contains(&reply.status),
    };
    if !is_right {
        found.push(format!("status {} and not {:?}", reply.status, call.is));
    }
    if let Some(code) = &call.code {
        let there = read.code(reply);
        if there != *code {
            found.push(format!("code {there:?} and not {code:?}"));
        }
    }
    if let Some(message) = &call.message {
        let there = read.message().unwrap_or_default();
        if !is_text(message, &there) {
            found.push(format!("message {there:?} and not {message:?}"));
        }
    }
    if let Some(text) = &call.answers
        && !is_text(text, &read.text)
    {
        found.push(format!("body {:?} and not {text:?}", read.text));
    }
    for (name, value) in &call.header {
        let values: Vec<_> = reply
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let there = values.join(", ");
        if values.is_empty() || !is_text(value, &there) {
            found.push(format!("header {name}: {there:?} and not {value:?}"));
        }
    }
    match (&call.has, &read.json) {
        (Some(wanted), Some(there)) => compare("", wanted, there, &mut found),
        (Some(wanted), None) => {
            for (name, wanted) in wanted.as_object().into_iter().flatten() {
                match read.at(name) {
                    Some(there) => compare(name, wanted, &there, &mut found),
                    None => found.push(format!("no {name}")),
                }
            }
        }
        (None, _) => {}
    }
    for name in &call.lacks {
        if let Some(there) = read.at(name) {
            found.push(format!("{name} is there: {there}"));
        }
    }
    found
}

fn is_text(wanted: &str, there: &str) -> bool {
    match wanted.strip_prefix("re:") {
        Some(pattern) => Regex::new(&format!("^(?s:{pattern})$"))
            .unwrap_or_else(|error| panic!("{pattern}: {error}"))
            .is_match(there),
        None => wanted == there,
    }
}

/// Members that are not wanted may be there; lists are of one length.
fn compare(at: &str, wanted: &Value, there: &Value, found: &mut Vec<String>) {
    match (wanted, there) {
        (Value::Object(wanted), Value::Object(there)) if !wanted.is_empty() || there.is_empty() => {
            for (name, wanted) in wanted {
                match there.get(name) {
                    Some(there) => compare(&format!("{at}/{name}"), wanted, there, found),
                    None => found.push(format!("no {at}/{name}")),
                }
            }
        }
        (Value::Array(wanted), Value::Array(there)) if wanted.len() == there.len() => {
            for (index, (wanted, there)) in wanted.iter().zip(there).enumerate() {
                compare(&format!("{at}/{index}"), wanted, there, found);
            }
        }
        (Value::String(wanted), Value::String(there)) if is_text(wanted, there) => {}
        (Value::String(_), Value::String(_)) => {
            found.push(format!("{at} {there} and not {wanted}"));
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ if wanted == there => {}
        _ => found.push(format!("{at} {there} and not {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::*;

    fn of(call: Value, status: u16, body: &str) -> Vec<String> {
        let call: Call = serde_json::from_value(call).expect("a call");
        let reply = Reply {
            status,
            headers: HeaderMap::from_iter([(
                http::header::CONTENT_TYPE,
                http::HeaderValue::from_static("text/plain"),
            )]),
            body: body.as_bytes().to_vec(),
        };
        differences(&call, &reply)
    }

    #[test]
    fn what_differs_is_told() {
        let call = json!({
            "do": "x Y", "is": 400, "code": "A", "message": "re:b+", "has": { "a": { "b": [1, "re:c*"] } },
            "lacks": ["/d"], "header": { "content-type": "text/plain" },
        });
        let right = r#"{"__type":"x#A","message":"bb","a":{"b":[1.0,"cc"],"more":1}}"#;
        assert_eq!(of(call.clone(), 400, right), Vec::<String>::new());
        let wrong = r#"{"__type":"B","message":"c","a":{"b":[1]},"d":1}"#;
        assert_eq!(of(call.clone(), 200, wrong).len(), 5);
        assert_eq!(of(call, 200, "").len(), 4);
        let xml = "<R><Error><Code>C</Code><Message>m</Message></Error></R>";
        let call = json!({ "do": "x Y", "is": 400, "code": "C", "message": "m", "has": { "Code": "C" }, "lacks": ["Arn"] });
        assert_eq!(of(call, 400, xml), Vec::<String>::new());
    }
}
