//! `GET` and `POST /orders`, `GET` and `DELETE /orders/{id}`.

use lambda_runtime::Error;
use serde_json::json;
use shop_contract::OrdersLinks;
use shop_http::{Answer, Request, Table, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = provision_link::links!(OrdersLinks)?;
    let orders = &Table::named(links.orders.name());
    serve(async |request: Request| {
        let key = json!({ "id": request.parameter("id") });
        Ok(match (request.method.as_str(), request.route.as_str()) {
            ("GET", "/orders") => Answer(200, json!({ "orders": orders.list().await? })),
            ("POST", "/orders") if request.body["id"].is_string() => {
                orders.put(request.body.clone()).await?;
                Answer(201, request.body)
            }
            ("POST", "/orders") => Answer(400, json!({ "message": "an order has an `id`" })),
            ("GET", _) => match orders.get(key).await? {
                Some(order) => Answer(200, order),
                None => Answer(404, json!({ "message": "no such order" })),
            },
            ("DELETE", _) => {
                orders.delete(key).await?;
                Answer(200, json!({}))
            }
            _ => Answer(405, json!({ "message": "no such route" })),
        })
    })
    .await
}
