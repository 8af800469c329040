use provision_link::{Route, parameter};

const ONE: Route = Route::get("/orders/{id}");

fn main() {
    let _ = parameter!(ONE, "order");
}
