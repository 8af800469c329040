//! One record of a stream as AWS shows it.

use dynoxide::types::{Item, item_size};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Moment;
use crate::place::Place;

/// AWS keeps a record for a day.
const KEPT_SECONDS: f64 = 86_400.0;

/// Makes AWS's record of the engine's, which has both images. A write that changed nothing has no record, and one that is
/// older than a day is gone.
pub(super) fn shown(mut record: Value, view: &str, place: &Place, now: Moment) -> Option<Value> {
    let change = &record["dynamodb"];
    let (new, old) = (item(&change["NewImage"]), item(&change["OldImage"]));
    if new.is_some() && new == old {
        return None;
    }
    let made = change["ApproximateCreationDateTime"].as_f64()?;
    if made + KEPT_SECONDS < crate::clock::fractional_seconds(now) {
        return None;
    }
    let keys = item(&change["Keys"]);
    let has_new = matches!(view, "NEW_IMAGE" | "NEW_AND_OLD_IMAGES");
    let has_old = matches!(view, "OLD_IMAGE" | "NEW_AND_OLD_IMAGES");
    let size: usize = [keys, new.filter(|_| has_new), old.filter(|_| has_old)]
        .iter()
        .flatten()
        .map(item_size)
        .sum();
    let change = record["dynamodb"].as_object_mut()?;
    if !has_new {
        change.remove("NewImage");
    }
    if !has_old {
        change.remove("OldImage");
    }
    change.insert("SizeBytes".to_owned(), size.into());
    change.insert("StreamViewType".to_owned(), view.into());
    record["awsRegion"] = place.region.clone().into();
    if record.get("userIdentity").is_some() {
        // A deletion by the table's time to live.
        record["userIdentity"] = json!({
            "PrincipalId": record["userIdentity"]["principalId"],
            "Type": record["userIdentity"]["type"],
        });
    }
    Some(record)
}

fn item(image: &Value) -> Option<Item> {
    Item::deserialize(image).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(new: Option<&str>, old: Option<&str>) -> Value {
        let image = |value: &str| json!({ "Id": { "N": "101" }, "Message": { "S": value } });
        let mut change = json!({
            "Keys": { "Id": { "N": "101" } },
            "ApproximateCreationDateTime": 1_000.0,
        });
        for (name, value) in [("NewImage", new), ("OldImage", old)] {
            if let Some(value) = value {
                change[name] = image(value);
            }
        }
        json!({ "eventName": "MODIFY", "awsRegion": "elsewhere", "dynamodb": change })
    }

    fn seen(record: Value, view: &str, now: Moment) -> Option<Value> {
        let place = Place {
            account: "1".into(),
            region: "eu-west-1".into(),
        };
        shown(record, view, &place, now)
    }

    /// The sizes of the example in AWS's documentation of streams.
    #[test]
    fn a_record_has_the_size_of_what_it_shows() {
        for (new, old, size) in [
            (Some("New item!"), None, 26),
            (Some("This item has changed"), Some("New item!"), 59),
            (None, Some("This item has changed"), 38),
        ] {
            let shown = seen(record(new, old), "NEW_AND_OLD_IMAGES", 0).expect("a record");
            assert_eq!(shown["dynamodb"]["SizeBytes"], size);
            assert_eq!(shown["awsRegion"], "eu-west-1");
        }
        let shown = seen(record(Some("a"), Some("b")), "KEYS_ONLY", 0).expect("a record");
        assert_eq!(shown["dynamodb"]["SizeBytes"], 5);
        assert_eq!(shown["dynamodb"].get("NewImage"), None);
    }

    #[test]
    fn what_changed_nothing_and_what_is_old_is_not_shown() {
        assert_eq!(seen(record(Some("a"), Some("a")), "KEYS_ONLY", 0), None);
        let day_later = 1_000_000 + 86_400_001;
        let old = record(Some("a"), Some("b"));
        assert_eq!(seen(old, "KEYS_ONLY", day_later), None);
    }

    #[test]
    fn an_expiry_names_the_service() {
        let mut expired = record(None, Some("a"));
        expired["userIdentity"] =
            json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
        let shown = seen(expired, "KEYS_ONLY", 0).expect("a record");
        let expected = json!({ "PrincipalId": "dynamodb.amazonaws.com", "Type": "Service" });
        assert_eq!(shown["userIdentity"], expected);
    }
}
