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
