//! Every typed operation against the local AWS, in process; the connection against servers on loopback.

mod batches;
mod connection;
mod items;
mod queries;
mod transactions;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use local_aws::{LocalAws, Options};
use provision_client::{TableClient, TableExt};
use provision_link::{
    Attribute, BatchGetItem, BatchWriteItem, DeleteItem, GetItem, Item, Link, PutItem, Query, Scan,
    Table, TransactGetItems, TransactWriteItems, UpdateItem,
};
use serde::{Deserialize, Serialize};
use testkit::{Account, InProcess};

pub(crate) const ACCOUNT: &str = "700000000072";

type All = (
    GetItem,
    PutItem,
    UpdateItem,
    DeleteItem,
    Query,
    Scan,
    BatchGetItem,
    BatchWriteItem,
    TransactGetItems,
    TransactWriteItems,
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Item)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    #[partition_key]
    pub(crate) customer: String,
    #[sort_key]
    pub(crate) placed_at: u64,
    #[index("by-state", sort = "placed_at")]
    pub(crate) state: String,
    #[index("by-courier", sort = "pick_up")]
    pub(crate) courier: Option<String>,
    pub(crate) pick_up: Option<String>,
    #[index("by-size")]
    pub(crate) size: u8,
    pub(crate) note: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) total: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Item)]
pub(crate) struct Stock {
    #[partition_key]
    pub(crate) sku: String,
    pub(crate) count: i32,
}

/// An order with these keys.
pub(crate) fn order(customer: &str, placed_at: u64) -> Order {
    Order {
        customer: customer.to_owned(),
        placed_at,
        state: "open".to_owned(),
        courier: None,
        pick_up: None,
        size: 1,
        note: None,
        tags: Vec::new(),
        total: 0,
    }
}

/// Two tables of an AWS in this process.
pub(crate) struct World {
    pub(crate) transport: InProcess,
    pub(crate) orders: TableClient<Order, All>,
    pub(crate) stock: TableClient<Stock, All>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let transport = InProcess::new(local_aws());
        let client = Account::in_process(&transport, ACCOUNT).await.dynamodb;
        create::<Order>(&client, "orders").await;
        create::<Stock>(&client, "stock").await;
        transport.take_calls();
        Self {
            orders: link("orders").on(&client),
            stock: link("stock").on(&client),
            transport,
        }
    }

    pub(crate) async fn with_orders(orders: impl IntoIterator<Item = Order>) -> Self {
        let world = Self::new().await;
        for order in orders {
            world.orders.put(&order).send().await.expect("PutItem");
        }
        world.transport.take_calls();
        world
    }

    /// Returns the number of calls of an operation since the last time.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        let calls = self.transport.take_calls();
        calls
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    }
}

pub(crate) fn local_aws() -> LocalAws {
    LocalAws::open(Options::default()).expect("an AWS in memory")
}

/// The link to a table, as a function loads it.
pub(crate) fn link<I: Item>(name: &str) -> Table<I, All> {
    Table::load(name.to_owned()).expect("a name")
}

/// Creates the table of `I`.
pub(crate) async fn create<I: Item>(client: &Client, name: &str) {
    let schema = I::SCHEMA;
    let mut attributes: Vec<Attribute> = Vec::new();
    let mut keys = |partition: Attribute, sort: Option<Attribute>| {
        let keys = [(Some(partition), KeyType::Hash), (sort, KeyType::Range)];
        let keys = keys.into_iter().filter_map(|(attribute, kind)| {
            let attribute = attribute?;
            if attributes.iter().all(|known| known.name != attribute.name) {
                attributes.push(attribute);
            }
            let key = KeySchemaElement::builder().attribute_name(attribute.name);
            Some(key.key_type(kind).build().expect("a key"))
        });
        keys.collect::<Vec<_>>()
    };
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(keys(schema.partition, schema.sort)));
    for index in schema.indexes {
        let projection = Projection::builder().projection_type(ProjectionType::All);
        let index = GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(keys(index.partition, index.sort)))
            .projection(projection.build());
        request = request.global_secondary_indexes(index.build().expect("an index"));
    }
    for attribute in attributes {
        let kind = ScalarAttributeType::from(attribute.kind);
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute.name)
            .attribute_type(kind);
        request = request.attribute_definitions(definition.build().expect("a definition"));
    }
    request.send().await.expect("CreateTable");
}
