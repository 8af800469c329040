//! Parameters: values, versions, labels, paths, descriptions and tags.

use aws_sdk_ssm::types::{
    ParameterStringFilter, ParameterTier, ParameterType, ResourceTypeForTagging, Tag,
};
use testkit::{Account, Census};

use crate::harness::{account, refused};

async fn put(account: &Account, name: &str, value: &str) -> i64 {
    let put = account
        .ssm
        .put_parameter()
        .name(name)
        .value(value)
        .r#type(ParameterType::String)
        .overwrite(true)
        .send()
        .await;
    put.expect("PutParameter").version()
}

async fn value(account: &Account, name: &str) -> Option<String> {
    let read = account.ssm.get_parameter().name(name).send().await;
    read.expect("GetParameter").parameter?.value
}

async fn delete(account: &Account, name: &str) {
    let deleted = account.ssm.delete_parameter().name(name).send().await;
    deleted.expect("DeleteParameter");
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a tag")
}

fn filter(key: &str, option: &str, values: &[&str]) -> ParameterStringFilter {
    let values = values.iter().map(ToString::to_string).collect();
    ParameterStringFilter::builder()
        .key(key)
        .option(option)
        .set_values(Some(values))
        .build()
        .expect("a filter")
}

#[tokio::test]
async fn a_parameter_is_put_read_and_deleted() {
    let held = account().await;
    let account: &Account = &held;
    assert_eq!(put(account, "/story/p", "1").await, 1);
    let read = account.ssm.get_parameter().name("/story/p").send().await;
    let read = read.expect("GetParameter").parameter.expect("a parameter");
    let arn = format!("arn:aws:ssm:eu-west-1:{}:parameter/story/p", account.id);
    assert_eq!(read.arn(), Some(arn.as_str()));
    assert_eq!(read.r#type(), Some(&ParameterType::String));
    assert_eq!(value(account, &arn).await.as_deref(), Some("1"));
    delete(account, "/story/p").await;
    let gone = account.ssm.get_parameter().name("/story/p").send().await;
    assert_eq!(refused(gone), "ParameterNotFound");
    let twice = account.ssm.delete_parameter().name("/story/p").send().await;
    assert_eq!(refused(twice), "ParameterNotFound");
}

#[tokio::test]
async fn a_put_again_needs_overwrite() {
    let held = account().await;
    let account: &Account = &held;
    put(account, "/story/p", "1").await;
    let put_again = || account.ssm.put_parameter().name("/story/p").value("2");
    assert_eq!(refused(put_again().send().await), "ParameterAlreadyExists");
    let tagged = put_again().overwrite(true).tags(tag("k", "v")).send().await;
    assert_eq!(refused(tagged), "ValidationException");
    let put = put_again().overwrite(true).send().await;
    assert_eq!(put.expect("PutParameter").version(), 2);
    assert_eq!(value(account, "/story/p").await.as_deref(), Some("2"));
    delete(account, "/story/p").await;
}

#[tokio::test]
async fn one_slash_makes_no_difference() {
    let held = account().await;
    let account: &Account = &held;
    put(account, "story-p", "1").await;
    let read = account.ssm.get_parameter().name("/story-p").send().await;
    let read = read.expect("GetParameter").parameter.expect("a parameter");
    assert_eq!(read.name(), Some("/story-p"), "as it is asked for");
    assert_eq!(put(account, "/story-p", "2").await, 2);
    delete(account, "/story-p").await;
}

#[tokio::test]
async fn versions_and_labels_are_selected() {
    let held = account().await;
    let account: &Account = &held;
    let ssm = &account.ssm;
    for value in ["1", "2", "3"] {
        put(account, "/story/p", value).await;
    }
    let label = |version, labels: &[&str]| {
        let labels = labels.iter().map(ToString::to_string).collect();
        ssm.label_parameter_version()
            .name("/story/p")
            .parameter_version(version)
            .set_labels(Some(labels))
            .send()
    };
    label(1, &["live"]).await.expect("LabelParameterVersion");
    let moved = label(2, &["live", "9lives"]).await;
    let moved = moved.expect("LabelParameterVersion");
    assert_eq!(moved.invalid_labels(), ["9lives"]);
    assert_eq!(value(account, "/story/p:1").await.as_deref(), Some("1"));
    assert_eq!(value(account, "/story/p:live").await.as_deref(), Some("2"));
    let removed = ssm
        .unlabel_parameter_version()
        .name("/story/p")
        .parameter_version(2)
        .labels("live")
        .labels("other")
        .send()
        .await
        .expect("UnlabelParameterVersion");
    assert_eq!(removed.removed_labels(), ["live"]);
    assert_eq!(removed.invalid_labels(), ["other"]);
    let gone = ssm.get_parameter().name("/story/p:live").send().await;
    assert_eq!(refused(gone), "ParameterVersionNotFound");
    delete(account, "/story/p").await;
}

#[tokio::test]
async fn a_secret_is_decrypted_on_request() {
    let held = account().await;
    let account: &Account = &held;
    let ssm = &account.ssm;
    ssm.put_parameter()
        .name("/story/s")
        .value("hush")
        .r#type(ParameterType::SecureString)
        .send()
        .await
        .expect("PutParameter");
    let sealed = value(account, "/story/s").await.expect("a value");
    assert!(sealed.starts_with("AQICAH"), "{sealed}");
    let read = ssm.get_parameter().name("/story/s").with_decryption(true);
    let read = read.send().await.expect("GetParameter").parameter;
    let read = read.expect("a parameter");
    assert_eq!(read.value(), Some("hush"));
    delete(account, "/story/s").await;
}

#[tokio::test]
async fn several_are_read_and_deleted_at_once() {
    let held = account().await;
    let account: &Account = &held;
    let ssm = &account.ssm;
    put(account, "/story/a", "1").await;
    put(account, "/story/b", "2").await;
    let names = || {
        Some(
            ["/story/a", "/story/b", "/story/c"]
                .map(str::to_owned)
                .to_vec(),
        )
    };
    let read = ssm.get_parameters().set_names(names()).send().await;
    let read = read.expect("GetParameters");
    assert_eq!(read.parameters().len(), 2);
    assert_eq!(read.invalid_parameters(), ["/story/c"]);
    let deleted = ssm.delete_parameters().set_names(names()).send().await;
    let deleted = deleted.expect("DeleteParameters");
    assert_eq!(deleted.deleted_parameters(), ["/story/a", "/story/b"]);
    assert_eq!(deleted.invalid_parameters(), ["/story/c"]);
}

#[tokio::test]
async fn a_path_is_read_in_pages() {
    let held = account().await;
    let account: &Account = &held;
    let ssm = &account.ssm;
    let names = ["/story/d/a", "/story/d/b", "/story/d/b/c", "/story/dd"];
    for name in names {
        put(account, name, "v").await;
    }
    for (recursive, expected) in [(false, &names[..2]), (true, &names[..3])] {
        let mut found = Vec::new();
        let mut pages = ssm
            .get_parameters_by_path()
            .path("/story/d")
            .recursive(recursive)
            .max_results(1)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.expect("GetParametersByPath");
            found.extend(page.parameters().iter().filter_map(|one| one.name.clone()));
        }
        assert_eq!(found, expected);
    }
    for name in names {
        delete(account, name).await;
    }
}

#[tokio::test]
async fn a_history_tells_of_each_version() {
    let held = account().await;
    let account: &Account = &held;
    let ssm = &account.ssm;
    put(account, "/story/p", "1").await;
    put(account, "/story/p", "2").await;
    let mut pages = ssm
        .get_parameter_history()
        .name("/story/p")
        .max_results(1)
        .into_paginator()
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for version in page.expect("GetParameterHistory").parameters() {
            found.push((version.version(), version.value().map(str::to_owned)));
        }
    }
    assert_eq!(found, [(1, Some("1".into())), (2, Some("2".into()))]);
    delete(account, "/story/p").await;
}

#[tokio::test]
async fn descriptions_are_filtered() {
    let held = account().await;
    let account: &Account = &held;
    let ssm = &account.ssm;
    put(account, "/story/a", "1").await;
    ssm.put_parameter()
        .name("/story/b")
        .value("x,y")
        .r#type(ParameterType::StringList)
        .description("two")
        .tags(tag("k", "v"))
        .send()
        .await
        .expect("PutParameter");
    for (filter, expected) in [
        (filter("Name", "Equals", &["/story/a"]), vec!["/story/a"]),
        (
            filter("Name", "BeginsWith", &["/story/"]),
            vec!["/story/a", "/story/b"],
        ),
        (filter("Type", "Equals", &["StringList"]), vec!["/story/b"]),
        (
            filter("Path", "OneLevel", &["/story"]),
            vec!["/story/a", "/story/b"],
        ),
        (filter("tag:k", "Equals", &["v"]), vec!["/story/b"]),
        (filter("tag:k", "Equals", &["w"]), vec![]),
    ] {
        let found = ssm
            .describe_parameters()
            .parameter_filters(filter)
            .send()
            .await;
        let found = found.expect("DescribeParameters");
        let names: Vec<_> = found
            .parameters()
            .iter()
            .filter_map(|facts| facts.name())
            .collect();
        assert_eq!(names, expected);
    }
    delete(account, "/story/a").await;
    delete(account, "/story/b").await;
}

#[tokio::test]
async fn a_large_value_needs_the_advanced_tier() {
    let held = account().await;
    let account: &Account = &held;
    let ssm = &account.ssm;
    let put = |tier| {
        ssm.put_parameter()
            .name("/story/p")
            .value("x".repeat(5_000))
            .r#type(ParameterType::String)
            .overwrite(true)
            .tier(tier)
            .send()
    };
    assert_eq!(
        refused(put(ParameterTier::Standard).await),
        "ValidationException"
    );
    let large = put(ParameterTier::IntelligentTiering).await;
    let large = large.expect("PutParameter");
    assert_eq!(large.tier(), Some(&ParameterTier::Advanced));
    assert_eq!(
        refused(put(ParameterTier::Standard).await),
        "ValidationException",
        "there is no way back"
    );
    delete(account, "/story/p").await;
}

#[tokio::test]
async fn tags_are_added_listed_and_removed() {
    let held = account().await;
    let account: &Account = &held;
    let ssm = &account.ssm;
    put(account, "/story/p", "1").await;
    let kind = ResourceTypeForTagging::Parameter;
    ssm.add_tags_to_resource()
        .resource_type(kind.clone())
        .resource_id("/story/p")
        .tags(tag("a", "1"))
        .tags(tag("b", "2"))
        .send()
        .await
        .expect("AddTagsToResource");
    ssm.remove_tags_from_resource()
        .resource_type(kind.clone())
        .resource_id("/story/p")
        .tag_keys("a")
        .send()
        .await
        .expect("RemoveTagsFromResource");
    let list = |id: &str| {
        ssm.list_tags_for_resource()
            .resource_type(kind.clone())
            .resource_id(id)
            .send()
    };
    put(account, "/story/p", "2").await;
    let found = list("/story/p").await.expect("ListTagsForResource");
    assert_eq!(found.tag_list(), [tag("b", "2")], "tags outlive versions");
    delete(account, "/story/p").await;
    assert_eq!(refused(list("/story/p").await), "InvalidResourceId");
}

#[tokio::test]
async fn the_census_counts_parameters() {
    let held = account().await;
    let account: &Account = &held;
    put(account, "/story/p", "1").await;
    let first = Census::take(account).await;
    assert_eq!(first.counts().get("parameters"), Some(&1));
    put(account, "/story/p", "1").await;
    first.assert_same(&Census::take(account).await, "one version more");
    delete(account, "/story/p").await;
    assert_eq!(Census::take(account).await.counts().get("parameters"), None);
}
