//! The API key and the usage plan.

use aws_sdk_apigateway::types::{Op, PatchOperation};

use super::api::foreign_api;
use super::hand::{Hand, patch, replace};
use super::{Mutation, THEIRS, Undone};

impl Hand<'_> {
    pub(super) async fn plan(&self, what: Mutation) -> Result<(), Undone> {
        let gateway = &self.account.apigateway;
        let (key, plan) = (self.key.as_str(), self.plan.as_str());
        match what {
            Mutation::DeleteKey => {
                gateway.delete_api_key().api_key(key).send().await?;
            }
            Mutation::ChangeKey => self.patch_key("/enabled", "false").await?,
            Mutation::RenameKey => self.patch_key("/name", THEIRS).await?,
            Mutation::DescribeKey => self.patch_key("/description", THEIRS).await?,
            Mutation::ForeignKey => {
                let create = gateway.create_api_key().name(self.of.key.name);
                create.send().await?;
            }
            // Its stages go first, or AWS refuses.
            Mutation::DeletePlan => {
                self.unlink_stages(|_| true).await?;
                let delete = gateway.delete_usage_plan().usage_plan_id(plan);
                delete.send().await?;
            }
            Mutation::UnlinkKey => {
                let delete = gateway.delete_usage_plan_key().usage_plan_id(plan);
                delete.key_id(key).send().await?;
            }
            Mutation::UnlinkStage => self.unlink_stages(|api| api == self.api).await?,
            Mutation::ForeignPlan => {
                let create = gateway.create_usage_plan().name(self.of.plan.name);
                create.send().await?;
            }
            Mutation::ForeignStageInPlan => {
                let api = foreign_api(self.account, THEIRS).await?;
                let stage = format!("{api}:{THEIRS}");
                self.patch_plan(vec![patch(Op::Add, "/apiStages", &stage)])
                    .await?;
            }
            Mutation::ForeignKeyInPlan => {
                let create = gateway.create_api_key().name(THEIRS).enabled(true);
                let made = create.send().await?;
                let link = gateway.create_usage_plan_key().usage_plan_id(plan);
                let link = link.key_id(made.id().unwrap_or_default());
                link.key_type("API_KEY").send().await?;
            }
            Mutation::ThrottleMethodInPlan => {
                let place = format!("/apiStages/{}:{}/throttle", self.api, self.of.stage);
                let method = format!("{}/{}", self.of.path.replace('/', "~1"), self.of.verb);
                let limit = |name: &str| replace(&format!("{place}/{method}/{name}"), "1");
                self.patch_plan(vec![limit("rateLimit"), limit("burstLimit")])
                    .await?;
            }
            Mutation::SellPlan => {
                self.patch_plan(vec![patch(Op::Add, "/productCode", "theirs")])
                    .await?;
            }
            _ => self.patch_plan(patches(what)).await?,
        }
        Ok(())
    }

    async fn patch_key(&self, path: &str, value: &str) -> Result<(), Undone> {
        let update = self.account.apigateway.update_api_key().api_key(&self.key);
        update.patch_operations(replace(path, value)).send().await?;
        Ok(())
    }
}

/// The mutations that one patch of the plan makes.
fn patches(what: Mutation) -> Vec<PatchOperation> {
    match what {
        Mutation::ChangePlan => vec![replace("/throttle/rateLimit", "1")],
        Mutation::ChangeBurst => vec![replace("/throttle/burstLimit", "1")],
        Mutation::RemoveThrottle => {
            let patch = PatchOperation::builder().op(Op::Remove);
            vec![patch.path("/throttle").build()]
        }
        Mutation::AddQuota => vec![
            replace("/quota/limit", "5"),
            replace("/quota/period", "DAY"),
        ],
        Mutation::RenamePlan => vec![replace("/name", THEIRS)],
        Mutation::DescribePlan => vec![replace("/description", THEIRS)],
        _ => unreachable!("{what:?} is not about a key or a plan"),
    }
}
