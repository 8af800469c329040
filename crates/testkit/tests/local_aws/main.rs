//! The official SDK against the local AWS: every operation, in this process and over the listener.

#![expect(clippy::too_many_lines, reason = "a story is told in one piece")]

#[macro_use]
mod behaviours;

mod api;
mod dynamodb;
mod functions;
mod gateway;
mod harness;
mod iam;
mod logs;
mod plans;
mod ssm;
mod sts;
mod tagging;
mod versions;

use std::collections::BTreeSet;

use local_aws::LocalAws;
use testkit::{Account, InProcess};
use tokio::sync::oneshot;

const ACCOUNT: &str = "700000000071";

/// A story a service; each leaves nothing behind.
async fn all(account: &Account) {
    iam::story(account).await;
    sts::story(account).await;
    logs::story(account).await;
    dynamodb::story(account).await;
    functions::story(account).await;
    versions::story(account).await;
    api::story(account).await;
    gateway::story(account).await;
    plans::story(account).await;
    ssm::story(account).await;
    tagging::story(account).await;
}

#[tokio::test]
async fn in_process_every_operation_is_called() {
    let way = InProcess::new(harness::aws());
    let account = Account::in_process(&way, ACCOUNT).await;
    all(&account).await;

    let offered: BTreeSet<(String, String)> = local_aws::operations()
        .into_iter()
        .map(|(service, operation)| (service.to_owned(), operation.to_owned()))
        .collect();
    let called: BTreeSet<(String, String)> = way
        .take_calls()
        .into_iter()
        .map(|call| (call.service, call.operation))
        .collect();
    let untested: Vec<_> = offered.difference(&called).collect();
    assert!(untested.is_empty(), "in no story: {untested:?}");
    let unnamed: Vec<_> = called.difference(&offered).collect();
    assert!(unnamed.is_empty(), "not offered: {unnamed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_listener() {
    let aws = harness::aws();
    let listener = LocalAws::bind(0).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let shutdown = async {
            let _ = stopped.await;
        };
        aws.serve(listener, shutdown).await
    });
    let account = Account::connect(&url, ACCOUNT).await;
    all(&account).await;
    gateway::public(&account, &url).await;
    drop(stop);
    server
        .await
        .expect("the server's task ends")
        .expect("in order");
}
