//! The account's user, users and aliases.

use crate::harness::{account, refused};

#[tokio::test]
async fn the_callers_user_is_the_root() {
    let account = account().await;
    let user = account.iam.get_user().send().await.expect("GetUser");
    assert_eq!(
        user.user().map(aws_sdk_iam::types::User::arn),
        Some(format!("arn:aws:iam::{}:root", account.id).as_str())
    );
}

#[tokio::test]
async fn an_account_has_no_users() {
    let account = account().await;
    let missing = account.iam.get_user().user_name("nobody").send().await;
    assert_eq!(refused(missing), "NoSuchEntity");
    let users = account.iam.list_users().send().await.expect("ListUsers");
    assert!(users.users().is_empty());
}

#[tokio::test]
async fn an_account_has_no_aliases() {
    let account = account().await;
    let aliases = account.iam.list_account_aliases().send().await;
    assert!(
        aliases
            .expect("ListAccountAliases")
            .account_aliases()
            .is_empty()
    );
}
