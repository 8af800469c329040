//! Resources of an API: created, renamed, listed and deleted.

use aws_sdk_apigateway::types::Op;
use testkit::Account;

use super::{Api, create_api, create_resource, patch};
use crate::harness::{account, refused};

async fn rename(account: &Account, api: &Api, resource: &str, part: &str) {
    account
        .apigateway
        .update_resource()
        .rest_api_id(&api.id)
        .resource_id(resource)
        .patch_operations(patch(Op::Replace, "/pathPart", part))
        .send()
        .await
        .expect("UpdateResource");
}

#[tokio::test]
async fn a_resource_is_below_its_parent() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    let items = create_resource(&account, &api, &api.root, "items").await;
    let item = account
        .apigateway
        .create_resource()
        .rest_api_id(&api.id)
        .parent_id(&items)
        .path_part("{id}")
        .send()
        .await
        .expect("CreateResource");
    assert_eq!(
        (item.path(), item.parent_id()),
        (Some("/items/{id}"), Some(items.as_str()))
    );
}

#[tokio::test]
async fn a_path_part_is_taken_once() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    create_resource(&account, &api, &api.root, "items").await;
    let again = account
        .apigateway
        .create_resource()
        .rest_api_id(&api.id)
        .parent_id(&api.root)
        .path_part("items")
        .send();
    assert_eq!(refused(again.await), "ConflictException");
}

#[tokio::test]
async fn a_renamed_resource_renames_those_below_it() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    let items = create_resource(&account, &api, &api.root, "items").await;
    let item = create_resource(&account, &api, &items, "{id}").await;
    rename(&account, &api, &items, "things").await;
    let got = account
        .apigateway
        .get_resource()
        .rest_api_id(&api.id)
        .resource_id(item)
        .send();
    let got = got.await.expect("GetResource");
    assert_eq!(
        (got.path(), got.path_part()),
        (Some("/things/{id}"), Some("{id}"))
    );
}

#[tokio::test]
async fn resources_are_listed_page_by_page() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    let items = create_resource(&account, &api, &api.root, "items").await;
    create_resource(&account, &api, &items, "{id}").await;
    rename(&account, &api, &items, "things").await;
    let mut pages = account
        .apigateway
        .get_resources()
        .rest_api_id(&api.id)
        .into_paginator()
        .page_size(2)
        .items()
        .send();
    let mut paths = Vec::new();
    while let Some(found) = pages.next().await {
        let found = found.expect("GetResources");
        paths.push(found.path().expect("a path").to_owned());
    }
    assert_eq!(paths, ["/", "/things", "/things/{id}"]);
}

#[tokio::test]
async fn a_deleted_resource_is_not_found() {
    let account = account().await;
    let api = create_api(&account, "one").await;
    let items = create_resource(&account, &api, &api.root, "items").await;
    account
        .apigateway
        .delete_resource()
        .rest_api_id(&api.id)
        .resource_id(&items)
        .send()
        .await
        .expect("DeleteResource");
    let gone = account.apigateway.get_resource().rest_api_id(&api.id);
    let gone = gone.resource_id(&items).send().await;
    assert_eq!(refused(gone), "NotFoundException");
}
