use provision_link::Route;

const LIST: Route = Route::get("orders/{id}");

fn main() {
    println!("{LIST}");
}
