//! Aliases and event source mappings, which others attach to a function.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use provision_engine::aws::Aws;
use provision_engine::look::Look;
use provision_engine::operation::{Operation, Scope};

use super::{FUNCTION, LAMBDA};
use crate::calls::Calls;

pub(super) const LIST_ALIASES: Operation = Operation::read(
    LAMBDA,
    "ListAliases",
    &[FUNCTION.allow("lambda:ListAliases")],
);

/// Mappings are listed as a whole: AWS knows the action without a resource.
const SOURCES: Scope = Scope::new("EventSourceMappings", &["*"]);

pub(super) const LIST_SOURCES: Operation = Operation::read(
    LAMBDA,
    "ListEventSourceMappings",
    &[SOURCES.allow("lambda:ListEventSourceMappings")],
)
.rate(15, Duration::from_millis(67));

/// Returns the names of the aliases of the function `name`.
pub(super) async fn aliases(aws: &Aws, name: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let request = || {
            aws.lambda()
                .list_aliases()
                .function_name(name)
                .set_marker(marker.clone())
                .send()
        };
        let page = match aws.call(&LIST_ALIASES, request).await {
            Ok(page) => page,
            Err(error) if error.is_not_found() => return Ok(names),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("listing the aliases of function `{name}`"));
            }
        };
        let aliases = page.aliases.unwrap_or_default().into_iter();
        names.extend(aliases.filter_map(|alias| alias.name));
        marker = page.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(names);
        }
    }
}

/// Returns all event source mappings of the region: the ARN of the source, and that of the function.
pub(super) async fn event_sources(look: &Look) -> Result<Arc<Vec<(String, String)>>> {
    let read = async |aws: &Aws| {
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let request = || {
                aws.lambda()
                    .list_event_source_mappings()
                    .set_marker(marker.clone())
                    .send()
            };
            let page = aws.call(&LIST_SOURCES, request).await?;
            let mappings = page.event_source_mappings.unwrap_or_default();
            found.extend(mappings.into_iter().filter_map(|mapping| {
                Some((
                    mapping.event_source_arn.unwrap_or_default(),
                    mapping.function_arn?,
                ))
            }));
            marker = page.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return anyhow::Ok(found);
            }
        }
    };
    look.once("event source mappings", read)
        .await
        .context("listing the event source mappings")
}
