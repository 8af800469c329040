//! Time of `up` on an empty local AWS.

use std::time::Duration;

use crate::home::{Home, Programs, end};
use crate::table::{below, median};

const UPS: usize = 7;

pub(crate) async fn measure(programs: &Programs) {
    let (mut stopped, mut running) = (Vec::new(), Vec::new());
    for _ in 0..UPS {
        let home = Home::new(programs);
        stopped.push(home.up(&[]).await);
        home.cli.run(&["local", "stop"]).await.expect(0);
        let home = Home::new(programs);
        let (server, _) = home.serve(programs).await;
        running.push(home.up(&[]).await);
        end(server).await;
    }
    let name = format!("`up --local`, nothing running (median of {UPS})");
    below(&name, median(stopped), Duration::from_millis(500));
    let name = format!("`up --local`, the server running (median of {UPS})");
    below(&name, median(running), Duration::from_millis(500));
}
