//! The account of a document, where there may be no credentials to ask with.

use anyhow::{Context, Result};

use super::Session;
use provision_engine::fault::Code;
use provision_engine::target::{Target, partition_of};

/// Returns the target whose names the document carries: the account as it was given, or as the credentials say.
pub(super) async fn target(session: &Session<'_>, account: Option<&str>) -> Result<Target> {
    let Some(account) = account else {
        let asked = async {
            let (aws, listener) = session.connect().await?;
            let target = session.interrupt.or(aws.target()).await?.clone();
            drop(aws);
            listener.finish().await;
            anyhow::Ok(target)
        };
        return asked
            .await
            .context("asking for the account's number, which `--account` gives as well");
    };
    let region = session.region().await;
    let region = region.context(
        Code::NoRegion
            .fault("no region is set")
            .remedy("`--region eu-west-1`"),
    )?;
    Ok(Target {
        account: account.to_owned(),
        partition: partition_of(&region).to_owned(),
        region,
        endpoint: None,
    })
}
