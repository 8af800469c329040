//! Durability: acknowledged writes are kept when the server is killed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::AttributeValue;
use testkit::Account;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::caller::Caller;
use crate::home::{ACCOUNT, Endpoint, Home, Programs, TABLE, end};
use crate::table::line;

const KILLS: u32 = 20;
const WRITERS: usize = 4;

pub(crate) async fn measure(programs: &Programs, home: &Home, endpoint: &Endpoint) {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let next = Arc::new(AtomicU64::new(0));
    let mut changed = 0;
    for _ in 0..KILLS {
        let (server, _) = home.serve(programs).await;
        let mut writers = JoinSet::new();
        for _ in 0..WRITERS {
            let (acknowledged, next) = (acknowledged.clone(), next.clone());
            let caller = Caller::new(endpoint);
            writers.spawn(async move {
                loop {
                    let id = format!("kept-{}", next.fetch_add(1, Ordering::Relaxed));
                    match caller.create(&id).await {
                        Some(200) => acknowledged.lock().expect("no writer panics").push(id),
                        // The server is being killed.
                        _ => return,
                    }
                }
            });
        }
        sleep(Duration::from_millis(100) + Duration::from_micros(random(500_000))).await;
        end(server).await;
        writers.join_all().await;
        let (server, _) = home.serve(programs).await;
        changed += u32::from(home.endpoint().await != *endpoint);
        end(server).await;
    }
    let (server, _) = home.serve(programs).await;
    let ids = acknowledged.lock().expect("no writer panics").clone();
    let account = Account::connect(&home.url(), ACCOUNT).await;
    let mut lost = 0;
    for id in &ids {
        let key = AttributeValue::S(id.clone());
        let asked = account
            .dynamodb
            .get_item()
            .table_name(TABLE)
            .key("id", key)
            .consistent_read(true);
        let found = asked.send().await.expect("the table can be read");
        lost += u32::from(found.item.is_none());
    }
    end(server).await;
    let result = format!(
        "{lost} of {} lost; URL, key or function changed {changed} times",
        ids.len()
    );
    let missed = (lost + changed > 0).then(|| format!("{lost} writes, {changed} endpoints"));
    let name = format!("acknowledged writes over {KILLS} `kill -9`");
    line(&name, "none lost", &result, missed);
}

/// Returns a number below `limit`, from the clock.
fn random(limit: u64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::from(now.expect("it is after 1970").subsec_micros()) % limit
}
