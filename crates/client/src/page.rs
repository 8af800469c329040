//! Pages of a query or a scan.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::base64;
use serde_json::{Value, json};

use crate::convert::Attributes;
use crate::error::Error;

/// One page of items: up to 1 MB of what was read, before the filter.
#[derive(Clone, Debug)]
pub struct Page<I> {
    /// The items.
    pub items: Vec<I>,
    /// The begin of the next page; `None` on the last one.
    pub cursor: Option<Cursor>,
}

/// The begin of a page. Its text has letters, digits, `-` and `_`, so that it can be a query parameter of an API; it shows the
/// key of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor(Attributes);

/// A text that is not a cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor: pass the text of a page's `cursor` unchanged")]
pub struct InvalidCursor;

impl Cursor {
    pub(crate) fn new(key: Option<Attributes>) -> Option<Self> {
        key.filter(|key| !key.is_empty()).map(Self)
    }

    pub(crate) fn into_key(self) -> Attributes {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<(&String, &AttributeValue)> = self.0.iter().collect();
        parts.sort_by_key(|(name, _)| *name);
        let parts: Vec<Value> = parts
            .into_iter()
            .filter_map(|(name, value)| match value {
                AttributeValue::S(text) => Some(json!([name, "S", text])),
                AttributeValue::N(text) => Some(json!([name, "N", text])),
                AttributeValue::B(bytes) => Some(json!([name, "B", base64::encode(bytes)])),
                _ => None,
            })
            .collect();
        let text = base64::encode(Value::from(parts).to_string());
        let text = text.trim_end_matches('=');
        f.write_str(&text.replace('+', "-").replace('/', "_"))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut text = text.replace('-', "+").replace('_', "/");
        while !text.len().is_multiple_of(4) {
            text.push('=');
        }
        let bytes = base64::decode(text).map_err(|_| InvalidCursor)?;
        let parts: Vec<(String, String, String)> =
            serde_json::from_slice(&bytes).map_err(|_| InvalidCursor)?;
        let read = |(name, kind, text): (String, String, String)| {
            let value = match kind.as_str() {
                "S" => AttributeValue::S(text),
                "N" => AttributeValue::N(text),
                "B" => {
                    let bytes = base64::decode(text).map_err(|_| InvalidCursor)?;
                    AttributeValue::B(Blob::new(bytes))
                }
                _ => return Err(InvalidCursor),
            };
            Ok((name, value))
        };
        let key: Attributes = parts.into_iter().map(read).collect::<Result<_, _>>()?;
        Self::new(Some(key)).ok_or(InvalidCursor)
    }
}

/// A request that is answered in pages.
pub(crate) trait Paged<I>: Clone {
    /// Returns the page that begins at the cursor.
    fn page(self, cursor: Option<Cursor>) -> impl Future<Output = Result<Page<I>, Error>>;
}

/// The items of all pages, each page read when it is needed.
#[derive(Debug)]
pub struct Items<I, R> {
    request: R,
    ready: VecDeque<I>,
    next: Next,
}

#[derive(Debug)]
enum Next {
    Page(Option<Cursor>),
    End,
}

impl<I, R> Items<I, R> {
    pub(crate) fn new(request: R, start: Option<Cursor>) -> Self {
        Self {
            request,
            ready: VecDeque::new(),
            next: Next::Page(start),
        }
    }
}

#[expect(private_bounds, reason = "the requests are this crate's")]
impl<I, R: Paged<I>> Items<I, R> {
    /// Returns the next item, or `None` after the last one.
    ///
    /// # Errors
    ///
    /// Those of the request. The same page is read again by the next call.
    pub async fn next(&mut self) -> Result<Option<I>, Error> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            let Next::Page(cursor) = &self.next else {
                return Ok(None);
            };
            let page = self.request.clone().page(cursor.clone()).await?;
            self.ready = page.items.into();
            self.next = page
                .cursor
                .map_or(Next::End, |cursor| Next::Page(Some(cursor)));
        }
    }

    pub(crate) async fn collect(mut self) -> Result<Vec<I>, Error> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await? {
            all.push(item);
            all.extend(self.ready.drain(..));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text() {
        let key = Attributes::from([
            ("id".to_owned(), AttributeValue::S("a/ö?>~".to_owned())),
            ("at".to_owned(), AttributeValue::N("7".to_owned())),
            ("b".to_owned(), AttributeValue::B(Blob::new([0, 255]))),
        ]);
        let cursor = Cursor::new(Some(key)).unwrap();
        let text = cursor.to_string();
        let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        assert!(text.chars().all(is_safe), "{text}");
        assert_eq!(text.parse(), Ok(cursor));
        for invalid in ["", "!", "W10", "e30", &text[1..]] {
            assert_eq!(invalid.parse::<Cursor>(), Err(InvalidCursor), "{invalid}");
        }
    }
}
