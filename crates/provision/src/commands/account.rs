//! Which account a document is about, where there may be no credentials to ask with.

use anyhow::{Context, Result};

use super::{Session, connect, region};
use crate::fault::Code;
use crate::target::{Target, partition_of};

/// Whose names the document carries: the account as it was given, or as the credentials say.
pub(super) async fn target(session: &Session, account: Option<&str>) -> Result<Target> {
    let Some(account) = account else {
        let asked = async {
            let (aws, listener) = connect(session).await?;
            let target = session.interrupt.or(aws.target()).await?.clone();
            drop(aws);
            listener.finish().await;
            anyhow::Ok(target)
        };
        return asked
            .await
            .context("asking for the account's number, which `--account` gives as well");
    };
    let region = region(session).await;
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
