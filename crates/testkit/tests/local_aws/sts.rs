//! Who one is, and roles to assume.

use aws_credential_types::Credentials;
use testkit::Account;

use crate::harness::{refused, trust};

pub(crate) async fn story(account: &Account) {
    let sts = &account.sts;
    let me = sts.get_caller_identity().send().await;
    let me = me.expect("GetCallerIdentity");
    assert_eq!(me.account(), Some(account.id.as_str()));
    assert_eq!(
        me.arn(),
        Some(format!("arn:aws:iam::{}:root", account.id).as_str())
    );

    let missing = format!("arn:aws:iam::{}:role/actor", account.id);
    let assume = |role: &str| {
        sts.assume_role()
            .role_arn(role)
            .role_session_name("story")
            .duration_seconds(900)
    };
    assert_eq!(refused(assume(&missing).send().await), "AccessDenied");
    let principal = format!(r#"{{"AWS":"arn:aws:iam::{}:root"}}"#, account.id);
    account
        .iam
        .create_role()
        .role_name("actor")
        .assume_role_policy_document(trust(&principal))
        .send()
        .await
        .expect("CreateRole");
    let assumed = assume(&missing).send().await.expect("AssumeRole");
    let who = assumed.assumed_role_user().expect("a user");
    let arn = format!("arn:aws:sts::{}:assumed-role/actor/story", account.id);
    assert_eq!(who.arn(), arn);
    let given = assumed.credentials().expect("credentials");
    assert!(given.access_key_id().starts_with("ASIA"));

    let sign_as = |secret: &str| {
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
    };
    let me = sign_as(given.secret_access_key())
        .get_caller_identity()
        .send()
        .await
        .expect("GetCallerIdentity");
    assert_eq!(me.arn(), Some(arn.as_str()));
    assert_eq!(me.user_id(), Some(who.assumed_role_id()));
    let forged = sign_as("another").get_caller_identity().send().await;
    assert_eq!(refused(forged), "SignatureDoesNotMatch");

    account
        .iam
        .delete_role()
        .role_name("actor")
        .send()
        .await
        .expect("DeleteRole");
}
