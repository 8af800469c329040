//! REST APIs: named, listed, updated, tagged and deleted.

use std::collections::HashMap;

use aws_sdk_apigateway::types::{EndpointType, Op};

use super::{create_api, patch};
use crate::harness::{account, refused};

#[tokio::test]
async fn an_api_needs_a_name() {
    let account = account().await;
    let nameless = account.apigateway.create_rest_api().name(" ").send().await;
    assert_eq!(refused(nameless), "BadRequestException");
}

#[tokio::test]
async fn apis_are_listed_page_by_page() {
    let account = account().await;
    let mut expected = [
        create_api(&account, "one").await.id,
        create_api(&account, "two").await.id,
    ];
    expected.sort();
    let mut pages = account
        .apigateway
        .get_rest_apis()
        .into_paginator()
        .page_size(1)
        .items()
        .send();
    let mut ids = Vec::new();
    while let Some(found) = pages.next().await {
        ids.push(found.expect("GetRestApis").id().expect("an id").to_owned());
    }
    ids.sort();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn an_api_is_updated() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    account
        .apigateway
        .update_rest_api()
        .rest_api_id(&api.id)
        .patch_operations(patch(Op::Replace, "/description", "changed"))
        .patch_operations(patch(Op::Add, "/binaryMediaTypes/image~1png", ""))
        .send()
        .await
        .expect("UpdateRestApi");
    let got = account.apigateway.get_rest_api().rest_api_id(&api.id);
    let got = got.send().await.expect("GetRestApi");
    assert_eq!(
        (got.name(), got.description(), got.binary_media_types()),
        (Some("one"), Some("changed"), &["image/png".to_owned()][..])
    );
    assert_eq!(
        got.endpoint_configuration().map(|it| it.types().to_vec()),
        Some(vec![EndpointType::Regional])
    );
    assert!(got.created_date().is_some_and(|date| date.secs() > 0));
}

#[tokio::test]
async fn a_patch_of_an_unknown_path_is_refused() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    let wrong = account
        .apigateway
        .update_rest_api()
        .rest_api_id(&api.id)
        .patch_operations(patch(Op::Replace, "/nothing", "x"))
        .send();
    assert_eq!(refused(wrong.await), "BadRequestException");
}

#[tokio::test]
async fn an_api_is_tagged_and_untagged() {
    let account = account().await;
    let gateway = &account.apigateway;
    let api = create_api(&account, "one").await;
    let arn = format!("arn:aws:apigateway:eu-west-1::/restapis/{}", api.id);
    gateway
        .tag_resource()
        .resource_arn(&arn)
        .tags("b", "2")
        .send()
        .await
        .expect("TagResource");
    gateway
        .untag_resource()
        .resource_arn(&arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagResource");
    let tags = gateway.get_tags().resource_arn(&arn).send().await;
    assert_eq!(
        tags.expect("GetTags").tags(),
        Some(&HashMap::from([("b".to_owned(), "2".to_owned())]))
    );
}

#[tokio::test]
async fn a_deleted_api_is_not_found() {
    let account = account().await;
    let gateway = &account.apigateway;
    let api = create_api(&account, "one").await;
    let delete = gateway.delete_rest_api().rest_api_id(&api.id).send();
    delete.await.expect("DeleteRestApi");
    let gone = gateway.get_rest_api().rest_api_id(&api.id).send().await;
    assert!(
        gone.expect_err("it is gone")
            .into_service_error()
            .is_not_found_exception()
    );
}
