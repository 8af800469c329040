//! API Gateway's tags.

use anyhow::Result;
use provision_engine::aws::Aws;
use provision_engine::operation::Operation;
use provision_engine::owner::Tags;

use super::{API_GATEWAY, TAGS};
use crate::calls::Calls;

pub(super) const TAG: Operation =
    Operation::write(API_GATEWAY, "TagResource", &[TAGS.allow("apigateway:PUT")]);

/// Tags the resource at `path`, such as `/apikeys/{id}`.
pub(super) async fn tag(aws: &Aws, path: &str, tags: &Tags) -> Result<()> {
    let arn = aws.target().await?.apigateway_arn(path);
    let gateway = aws.apigateway();
    aws.call(&TAG, || {
        gateway
            .tag_resource()
            .resource_arn(&arn)
            .set_tags(Some(tags.to_map()))
            .send()
    })
    .await?;
    Ok(())
}
