//! DynamoDB (AWS: "Service, account, and table quotas" for rates).

mod table;

use provision_engine::operation::{Meaning, Reading, Service};

pub use self::table::{Attribute, Key, Table, TableHandle, TableOutput};

const DYNAMODB: Service = Service::new(
    "DynamoDB",
    &[
        Reading::of("ResourceNotFoundException", Meaning::NotFound),
        Reading::of("TableNotFoundException", Meaning::NotFound),
        Reading::of("ResourceInUseException", Meaning::Exists),
    ],
);
