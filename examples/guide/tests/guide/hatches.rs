//! Tests of `hatches.rs`.

use provision::testing::{declare, rights_of};
use provision::{Env, lambda};

use guide::hatches::orders;

#[test]
fn every_hatch_opens() {
    let declaration = declare(orders, &Env::new(Some("dev"), "eu-west-1"));
    let (id, function) = declaration.all::<lambda::Function>().next().unwrap();
    assert_eq!(
        (id, function.name.as_str()),
        ("lambda", "orders-dev-lambda")
    );
    assert_eq!(function.tags.0["team"], "orders");
    assert!(declaration.warnings.is_empty());
    assert!(declaration.find("audit").is_some());
    assert!(declaration.find("customers").is_none());
    let rights = rights_of(&declaration, "lambda").join("\n");
    assert!(rights.contains("s3:ExistingObjectTag/public"), "{rights}");
    let (_, api) = declaration
        .all::<provision::apigateway::RestApi>()
        .next()
        .unwrap();
    assert!(api.disable_execute_api);
}
