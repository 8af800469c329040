//! Calls keep to the rates of their operations.

use std::time::Duration;

use provision_engine::operation::Operation;
use provision_engine::resource::Resource;

use crate::account::list;
use crate::lab::Lab;
use crate::toys::{LIST_TABLES, Table};

const EVERY: Duration = Duration::from_secs(30);
const LIST: Operation = LIST_TABLES.rate(2, EVERY);

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_burst_wait_for_their_turn() {
    let lab = Lab::default();
    let aws = lab.aws();
    for _ in 0..4 {
        let listed = list(&aws, &LIST, Table::KIND.type_name).await;
        assert!(listed.unwrap().is_empty());
    }
    let calls = lab.account.calls();
    let began: Vec<u64> = calls
        .iter()
        .map(|call| (call.began - calls[0].began).as_secs())
        .collect();
    assert_eq!(began, [0, 0, 30, 60]);
}
