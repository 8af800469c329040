//! The Resource Groups Tagging API, which finds what carries the stack's tag.
//!
//! It lags behind: what was just created may be missing, and what was just deleted may still be listed. So it only says where
//! to look, and each kind observes what it finds. It does not know IAM roles (AWS: "Services that support the Resource Groups
//! Tagging API").

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use aws_sdk_resourcegroupstagging::types::TagFilter;
use provision_engine::error::AwsError;
use provision_engine::look::Look;
use provision_engine::operation::{Operation, Scope, Service};
use provision_engine::owner::STACK;

use crate::calls::Calls;

/// AWS documents no rate for it.
const TAGGING: Service = Service::new("Resource Groups Tagging", &[]);
/// `tag:GetResources` is allowed on all resources or on none.
const ALL: Scope = Scope::new("Tagged", &["*"]);

/// Lists the resources of one region with a tag.
pub const GET_RESOURCES: Operation =
    Operation::read(TAGGING, "GetResources", &[ALL.allow("tag:GetResources")]);

/// The largest page.
const PAGE: i32 = 100;

/// A resource that carries the stack's tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// The ARN of the resource; [`name`](Tagged::name) reads it.
    pub arn: String,
    /// All tags of the resource, by key.
    pub tags: BTreeMap<String, String>,
}

impl Tagged {
    /// Returns the rest of the ARN behind its account, if the resource is one of `service` and the rest begins with
    /// `prefix`: `table/` of `dynamodb`.
    pub fn name(&self, service: &str, prefix: &str) -> Option<&str> {
        let mut parts = self.arn.splitn(6, ':').skip(2);
        let (of, rest) = (parts.next()?, parts.nth(2)?);
        rest.strip_prefix(prefix).filter(|_| of == service)
    }
}

/// Returns everything in the region that carries the stack's tag. Read once a pass.
pub async fn tagged(look: &Look) -> Result<Arc<Vec<Tagged>>> {
    let read = async |aws: &provision_engine::aws::Aws| {
        let client = aws.tagging();
        let filter = TagFilter::builder().key(STACK).values(look.stack()).build();
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = aws
                .call(&GET_RESOURCES, || {
                    client
                        .get_resources()
                        .tag_filters(filter.clone())
                        .resources_per_page(PAGE)
                        .set_pagination_token(token.clone())
                        .send()
                })
                .await;
            let page = match page {
                Ok(page) => page,
                // An emulator that does not know the service: only what is found otherwise is found there.
                Err(error) if aws.endpoint().is_some() && is_unknown_service(&error) => break,
                Err(error) => return Err(error.into()),
            };
            let resources = page.resource_tag_mapping_list.unwrap_or_default();
            found.extend(resources.into_iter().filter_map(|resource| {
                let tags = resource.tags.unwrap_or_default();
                Some(Tagged {
                    arn: resource.resource_arn?,
                    tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
                })
            }));
            token = page.pagination_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    };
    look.once("tagged resources", read)
        .await
        .context("listing what carries the stack's tag")
}

fn is_unknown_service(error: &AwsError) -> bool {
    matches!(error.status, Some(404 | 405 | 501))
        || [
            "UnknownOperationException",
            "UnknownOperation",
            "InvalidAction",
            "NotImplemented",
            "UnknownService",
        ]
        .contains(&error.code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_rest_of_its_arn() {
        let tagged = |arn: &str| Tagged {
            arn: arn.to_owned(),
            tags: BTreeMap::new(),
        };
        let table = tagged("arn:aws:dynamodb:eu-west-1:111122223333:table/a.b");
        assert_eq!(table.name("dynamodb", "table/"), Some("a.b"));
        assert_eq!(table.name("lambda", "table/"), None);
        let group = tagged("arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/f");
        assert_eq!(group.name("logs", "log-group:"), Some("/aws/lambda/f"));
        assert_eq!(tagged("nonsense").name("logs", ""), None);
    }
}
