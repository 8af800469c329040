//! Inline policies of a role, and the decisions they lead to.

use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use testkit::Account;

use super::create_role;
use crate::harness::{account, allow, refused};

/// Creates the role `reader`, whose policy `read` allows `GetItem`, and returns its ARN.
async fn create_reader(account: &Account) -> String {
    let arn = create_role(account, "reader").await;
    account
        .iam
        .put_role_policy()
        .role_name("reader")
        .policy_name("read")
        .policy_document(allow("dynamodb:GetItem"))
        .send()
        .await
        .expect("PutRolePolicy");
    arn
}

#[tokio::test]
async fn an_inline_policy_is_read_and_listed() {
    let account = account().await;
    create_reader(&account).await;
    let policy = account
        .iam
        .get_role_policy()
        .role_name("reader")
        .policy_name("read")
        .send()
        .await
        .expect("GetRolePolicy");
    assert_eq!(
        (policy.role_name(), policy.policy_name()),
        ("reader", "read")
    );
    assert!(policy.policy_document().contains("GetItem"));
    let names = account.iam.list_role_policies().role_name("reader").send();
    assert_eq!(
        names.await.expect("ListRolePolicies").policy_names(),
        ["read".to_owned()]
    );
}

#[tokio::test]
async fn a_simulation_decides_by_the_roles_policies() {
    let account = account().await;
    let arn = create_reader(&account).await;
    let simulated = account
        .iam
        .simulate_principal_policy()
        .policy_source_arn(&arn)
        .action_names("dynamodb:GetItem")
        .action_names("dynamodb:PutItem")
        .send()
        .await
        .expect("SimulatePrincipalPolicy");
    let decisions: Vec<_> = simulated
        .evaluation_results()
        .iter()
        .map(|result| (result.eval_action_name(), result.eval_decision().clone()))
        .collect();
    assert_eq!(
        decisions,
        [
            ("dynamodb:GetItem", PolicyEvaluationDecisionType::Allowed),
            (
                "dynamodb:PutItem",
                PolicyEvaluationDecisionType::ImplicitDeny
            ),
        ]
    );
}

#[tokio::test]
async fn a_role_is_deleted_after_its_inline_policies() {
    let account = account().await;
    let iam = &account.iam;
    create_reader(&account).await;
    let early = iam.delete_role().role_name("reader").send().await;
    assert_eq!(refused(early), "DeleteConflict");
    iam.delete_role_policy()
        .role_name("reader")
        .policy_name("read")
        .send()
        .await
        .expect("DeleteRolePolicy");
    let gone = iam
        .get_role_policy()
        .role_name("reader")
        .policy_name("read")
        .send()
        .await;
    assert_eq!(refused(gone), "NoSuchEntity");
    let deleted = iam.delete_role().role_name("reader").send().await;
    deleted.expect("DeleteRole");
}
