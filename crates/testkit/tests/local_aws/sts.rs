//! Identities and assumed roles.

use aws_credential_types::Credentials;
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use testkit::Account;

use crate::harness::{account, refused, trust};

fn assume_actor(account: &Account) -> AssumeRoleFluentBuilder {
    account
        .sts
        .assume_role()
        .role_arn(format!("arn:aws:iam::{}:role/actor", account.id))
        .role_session_name("session")
        .duration_seconds(900)
}

/// Creates the role `actor`, which the account may assume, and assumes it.
async fn assumed(account: &Account) -> AssumeRoleOutput {
    let principal = format!(r#"{{"AWS":"arn:aws:iam::{}:root"}}"#, account.id);
    account
        .iam
        .create_role()
        .role_name("actor")
        .assume_role_policy_document(trust(&principal))
        .send()
        .await
        .expect("CreateRole");
    assume_actor(account).send().await.expect("AssumeRole")
}

/// A client with the credentials of an assumed role, which signs with `secret`.
fn client_of(account: &Account, assumed: &AssumeRoleOutput, secret: &str) -> aws_sdk_sts::Client {
    let given = assumed.credentials().expect("credentials");
    let credentials = Credentials::new(
        given.access_key_id(),
        secret,
        Some(given.session_token().to_owned()),
        None,
        "assumed",
    );
    let config = aws_sdk_sts::config::Builder::from(&account.config)
        .credentials_provider(credentials)
        .build();
    aws_sdk_sts::Client::from_conf(config)
}

#[tokio::test]
async fn the_callers_identity_is_the_accounts_root() {
    let account = account().await;
    let caller = account.sts.get_caller_identity().send().await;
    let caller = caller.expect("GetCallerIdentity");
    assert_eq!(caller.account(), Some(account.id.as_str()));
    assert_eq!(
        caller.arn(),
        Some(format!("arn:aws:iam::{}:root", account.id).as_str())
    );
}

#[tokio::test]
async fn a_missing_role_cannot_be_assumed() {
    let account = account().await;
    assert_eq!(refused(assume_actor(&account).send().await), "AccessDenied");
}

#[tokio::test]
async fn an_assumed_role_is_the_callers_identity() {
    let account = account().await;
    let assumed = assumed(&account).await;
    let user = assumed.assumed_role_user().expect("a user");
    let arn = format!("arn:aws:sts::{}:assumed-role/actor/session", account.id);
    assert_eq!(user.arn(), arn);
    let given = assumed.credentials().expect("credentials");
    assert!(given.access_key_id().starts_with("ASIA"));

    let caller = client_of(&account, &assumed, given.secret_access_key())
        .get_caller_identity()
        .send()
        .await
        .expect("GetCallerIdentity");
    assert_eq!(caller.arn(), Some(arn.as_str()));
    assert_eq!(caller.user_id(), Some(user.assumed_role_id()));
}

#[tokio::test]
async fn a_signature_with_another_secret_is_refused() {
    let account = account().await;
    let assumed = assumed(&account).await;
    let forged = client_of(&account, &assumed, "another")
        .get_caller_identity()
        .send()
        .await;
    assert_eq!(refused(forged), "SignatureDoesNotMatch");
}
