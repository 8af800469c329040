//! The role and its policies.

use serde_json::{Value, json};

use super::hand::Hand;
use super::{MANAGED, Mutation, THEIRS, Undone};

impl Hand<'_> {
    pub(super) async fn role(&self, what: Mutation) -> Result<(), Undone> {
        let iam = &self.account.iam;
        let (role, policy) = (self.of.role, self.of.policy);
        match what {
            Mutation::DeleteRole => self.delete_role().await?,
            Mutation::DeletePolicy => {
                let delete = iam.delete_role_policy().role_name(role);
                delete.policy_name(policy).send().await?;
            }
            Mutation::ChangeTrust => self.trust(json!("ec2.amazonaws.com")).await?,
            Mutation::WidenTrust => {
                let both = json!(["lambda.amazonaws.com", "ec2.amazonaws.com"]);
                self.trust(both).await?;
            }
            Mutation::ChangePolicy => self.put_policy(policy, "s3:GetObject").await?,
            Mutation::WidenPolicy => self.put_policy(policy, "dynamodb:*").await?,
            Mutation::ForeignInline => self.put_policy(THEIRS, "s3:GetObject").await?,
            Mutation::ChangeSession => {
                let update = iam.update_role().role_name(role);
                update.max_session_duration(7200).send().await?;
            }
            Mutation::DescribeRole => {
                let update = iam.update_role().role_name(role);
                update.description(THEIRS).send().await?;
            }
            Mutation::ForeignAttached => {
                let attach = iam.attach_role_policy().role_name(role);
                attach.policy_arn(MANAGED).send().await?;
            }
            Mutation::BoundRole => {
                let put = iam.put_role_permissions_boundary().role_name(role);
                put.permissions_boundary(MANAGED).send().await?;
            }
            _ => unreachable!("{what:?} is not about a role"),
        }
        Ok(())
    }

    /// Without its policies, or IAM refuses.
    async fn delete_role(&self) -> Result<(), Undone> {
        let (iam, role) = (&self.account.iam, self.of.role);
        let attached = iam.list_attached_role_policies().role_name(role);
        let attached = attached.send().await?;
        let arns = attached.attached_policies().iter();
        for arn in arns.filter_map(|policy| policy.policy_arn()) {
            let detach = iam.detach_role_policy().role_name(role);
            detach.policy_arn(arn).send().await?;
        }
        let inline = iam.list_role_policies().role_name(role).send().await?;
        for name in inline.policy_names() {
            let delete = iam.delete_role_policy().role_name(role);
            delete.policy_name(name).send().await?;
        }
        iam.delete_role().role_name(role).send().await?;
        Ok(())
    }

    async fn trust(&self, service: Value) -> Result<(), Undone> {
        let document = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole",
        }] });
        let update = self.account.iam.update_assume_role_policy();
        let update = update.role_name(self.of.role);
        update.policy_document(document.to_string()).send().await?;
        Ok(())
    }

    async fn put_policy(&self, name: &str, action: &str) -> Result<(), Undone> {
        let document = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": action, "Resource": "*",
        }] });
        let put = self.account.iam.put_role_policy().role_name(self.of.role);
        let put = put.policy_name(name);
        put.policy_document(document.to_string()).send().await?;
        Ok(())
    }
}
