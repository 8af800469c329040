//! `GET` and `POST /orders`, `GET` and `DELETE /orders/{id}`.

use lambda_runtime::Error;
use provision_client::{TableExt, connect};
use provision_link::{links, parameter};
use serde_json::json;
use shop_contract::{CANCEL, LIST, ONE, Order, OrdersLinks, PLACE};
use shop_http::{Answer, Request, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = links!(OrdersLinks)?;
    let orders = links.orders.on(&connect().await?);
    serve(async |request: Request| {
        let id = request.parameter(parameter!(ONE, "id"));
        if request.is(LIST) {
            let orders = orders.scan().all().await?;
            return Ok(Answer(200, json!({ "orders": orders })));
        }
        if request.is(PLACE) {
            let Ok(order) = serde_json::from_value::<Order>(request.body.clone()) else {
                let message = "an order has an `id`, a `day` and a `state`";
                return Ok(Answer(400, json!({ "message": message })));
            };
            orders.put(&order).send().await?;
            return Ok(Answer(201, json!(order)));
        }
        if request.is(ONE) {
            return Ok(match orders.get(id).send().await? {
                Some(order) => Answer(200, json!(order)),
                None => Answer(404, json!({ "message": "no such order" })),
            });
        }
        if request.is(CANCEL) {
            orders.delete(id).send().await?;
            return Ok(Answer(200, json!({})));
        }
        Ok(Answer(405, json!({ "message": "no such route" })))
    })
    .await
}
