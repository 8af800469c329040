//! Settings beside a table: tags, expiry and backups.

use aws_sdk_dynamodb::types::{
    ContinuousBackupsDescription, ContinuousBackupsStatus, PointInTimeRecoverySpecification,
    PointInTimeRecoveryStatus, Tag, TimeToLiveSpecification, TimeToLiveStatus,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use testkit::Account;

use super::{TABLE, active_table};
use crate::harness::account;

fn tag(key: &str, value: &str) -> Tag {
    let tag = Tag::builder().key(key).value(value);
    tag.build().expect("whole")
}

#[tokio::test]
async fn a_table_is_tagged_and_untagged() {
    let account = account().await;
    let tables = &account.dynamodb;
    let arn = active_table(&account).await;
    tables
        .tag_resource()
        .resource_arn(&arn)
        .tags(tag("a", "1"))
        .tags(tag("b", "2"))
        .send()
        .await
        .expect("TagResource");
    tables
        .untag_resource()
        .resource_arn(&arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagResource");
    let tags = tables.list_tags_of_resource().resource_arn(&arn).send();
    let tags = tags.await.expect("ListTagsOfResource");
    assert_eq!(tags.tags(), [tag("b", "2")]);
}

fn expiry(attribute: &str, enabled: bool) -> TimeToLiveSpecification {
    let expiry = TimeToLiveSpecification::builder();
    let expiry = expiry.enabled(enabled).attribute_name(attribute);
    expiry.build().expect("whole")
}

/// Switches the expiry of [`TABLE`] on or off, and returns the message if that is refused.
async fn set_expiry(account: &Account, attribute: &str, enabled: bool) -> Result<(), String> {
    let update = account.dynamodb.update_time_to_live().table_name(TABLE);
    let update = update.time_to_live_specification(expiry(attribute, enabled));
    let updated = update.send().await;
    let updated = updated.map_err(|error| {
        assert_eq!(error.code(), Some("ValidationException"));
        error.message().unwrap_or_default().to_owned()
    })?;
    let told = updated.time_to_live_specification();
    assert_eq!(told, Some(&expiry(attribute, enabled)));
    Ok(())
}

async fn described_expiry(account: &Account) -> (Option<String>, Option<TimeToLiveStatus>) {
    let expiry = account.dynamodb.describe_time_to_live().table_name(TABLE);
    let expiry = expiry.send().await.expect("DescribeTimeToLive");
    let expiry = expiry.time_to_live_description.expect("a description");
    (expiry.attribute_name, expiry.time_to_live_status)
}

#[tokio::test]
async fn an_expiry_attribute_is_set_and_taken_away() {
    let account = account().await;
    active_table(&account).await;
    let off = (None, Some(TimeToLiveStatus::Disabled));
    assert_eq!(described_expiry(&account).await, off);
    assert_eq!(set_expiry(&account, "until", true).await, Ok(()));
    let on = (Some("until".to_owned()), Some(TimeToLiveStatus::Enabled));
    assert_eq!(described_expiry(&account).await, on);
    assert_eq!(set_expiry(&account, "until", false).await, Ok(()));
    assert_eq!(described_expiry(&account).await, off);
}

#[tokio::test]
async fn an_expiry_that_is_so_already_is_refused() {
    let account = account().await;
    active_table(&account).await;
    let refused = |message: &str| Err(message.to_owned());
    assert_eq!(
        set_expiry(&account, "until", false).await,
        refused("TimeToLive is already disabled")
    );
    assert_eq!(set_expiry(&account, "until", true).await, Ok(()));
    assert_eq!(
        set_expiry(&account, "until", true).await,
        refused("TimeToLive is already enabled")
    );
    let other = refused(
        "TimeToLive is active on a different AttributeName: current AttributeName is until",
    );
    for enabled in [true, false] {
        assert_eq!(set_expiry(&account, "expires", enabled).await, other);
    }
}

#[tokio::test]
async fn an_expiry_attribute_has_255_characters_at_most() {
    let account = account().await;
    active_table(&account).await;
    let long = "a".repeat(256);
    let refused = set_expiry(&account, &long, true).await;
    let refused = refused.expect_err("it is too long");
    assert!(
        refused.ends_with(
            "at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length less than \
             or equal to 255"
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn a_new_table_of_the_same_name_has_no_settings() {
    let account = account().await;
    active_table(&account).await;
    assert_eq!(set_expiry(&account, "until", true).await, Ok(()));
    set_recovery(&account, recovery(true, None))
        .await
        .expect("UpdateContinuousBackups");
    let delete = account.dynamodb.delete_table().table_name(TABLE).send();
    delete.await.expect("DeleteTable");
    active_table(&account).await;
    let off = (None, Some(TimeToLiveStatus::Disabled));
    assert_eq!(described_expiry(&account).await, off);
    assert_eq!(recovery_of(described_backups(&account).await), OFF);
}

const OFF: (Option<PointInTimeRecoveryStatus>, Option<i32>) =
    (Some(PointInTimeRecoveryStatus::Disabled), None);

fn recovery(enabled: bool, days: Option<i32>) -> PointInTimeRecoverySpecification {
    PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(enabled)
        .set_recovery_period_in_days(days)
        .build()
        .expect("whole")
}

/// Changes the recovery of [`TABLE`]; if that is refused, returns code and message.
async fn set_recovery(
    account: &Account,
    recovery: PointInTimeRecoverySpecification,
) -> Result<ContinuousBackupsDescription, (String, String)> {
    let update = account.dynamodb.update_continuous_backups();
    let update = update.table_name(TABLE);
    let update = update.point_in_time_recovery_specification(recovery);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let updated = update.send().await;
    let updated = updated.map_err(|error| (text(error.code()), text(error.message())))?;
    let described = updated.continuous_backups_description;
    Ok(described.expect("a description"))
}

async fn described_backups(account: &Account) -> ContinuousBackupsDescription {
    let backups = account.dynamodb.describe_continuous_backups();
    let backups = backups.table_name(TABLE).send().await;
    let backups = backups.expect("DescribeContinuousBackups");
    let described = backups.continuous_backups_description;
    described.expect("a description")
}

fn recovery_of(
    backups: ContinuousBackupsDescription,
) -> (Option<PointInTimeRecoveryStatus>, Option<i32>) {
    let status = backups.continuous_backups_status;
    assert_eq!(status, ContinuousBackupsStatus::Enabled, "whatever else");
    let recovery = backups.point_in_time_recovery_description;
    let recovery = recovery.expect("a description");
    let is_on = recovery.point_in_time_recovery_status == Some(PointInTimeRecoveryStatus::Enabled);
    assert_eq!(recovery.earliest_restorable_date_time.is_some(), is_on);
    assert_eq!(recovery.latest_restorable_date_time.is_some(), is_on);
    (
        recovery.point_in_time_recovery_status,
        recovery.recovery_period_in_days,
    )
}

#[tokio::test]
async fn point_in_time_recovery_is_switched_on_and_off() {
    let account = account().await;
    active_table(&account).await;
    assert_eq!(recovery_of(described_backups(&account).await), OFF);
    let on = |days| (Some(PointInTimeRecoveryStatus::Enabled), Some(days));
    for (days, kept) in [(None, 35), (Some(7), 7)] {
        let updated = set_recovery(&account, recovery(true, days)).await;
        let updated = updated.expect("UpdateContinuousBackups");
        assert_eq!(recovery_of(updated), on(kept));
        assert_eq!(recovery_of(described_backups(&account).await), on(kept));
    }
    // Twice is as good as once, and the days are forgotten.
    for _ in 0..2 {
        let updated = set_recovery(&account, recovery(false, None)).await;
        assert_eq!(recovery_of(updated.expect("UpdateContinuousBackups")), OFF);
    }
    let updated = set_recovery(&account, recovery(true, None)).await;
    let updated = updated.expect("UpdateContinuousBackups");
    assert_eq!(recovery_of(updated), on(35));
}

#[tokio::test]
async fn a_recovery_that_cannot_be_is_refused() {
    let account = account().await;
    let refused = set_recovery(&account, recovery(true, None)).await;
    let refused = refused.expect_err("there is no table");
    assert_eq!(refused.0, "TableNotFoundException");
    assert_eq!(refused.1, format!("Table not found: {TABLE}"));
    active_table(&account).await;
    for (recovery, message) in [
        (
            recovery(false, Some(7)),
            "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.",
        ),
        (
            recovery(true, Some(36)),
            "1 validation error detected: Value '36' at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' failed \
             to satisfy constraint: Member must have value less than or equal to 35",
        ),
    ] {
        let refused = set_recovery(&account, recovery).await;
        let expected = ("ValidationException".to_owned(), message.to_owned());
        assert_eq!(refused.expect_err("AWS refuses it"), expected);
    }
}
