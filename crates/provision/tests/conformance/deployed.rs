//! What the account holds after `up`, beside what the lab describes.

use serde_json::{Value, json};

use crate::names::{
    API, FUNCTION, KEY, LOG_GROUP, OWNER_TAG, PLAN, RESOURCE, ROLE, STACK, STAGE, TABLE,
};
use crate::world::{World, text};

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_account_holds_what_the_lab_describes() {
    let world = World::deployed().await;
    let census = world.census().await.masked();

    let role = &census["roles"][0];
    assert_eq!(role["name"], ROLE);
    let trusted = &role["trust"]["Statement"][0]["Principal"]["Service"];
    assert!(
        [
            json!("lambda.amazonaws.com"),
            json!(["lambda.amazonaws.com"])
        ]
        .contains(trusted)
    );
    let policies = role["policies"].as_object().expect("inline policies");
    let statements: Vec<&Value> = policies
        .values()
        .filter_map(|policy| policy["Statement"].as_array())
        .flatten()
        .collect();
    // One resource may stand alone or in a list of one; IAM takes both and answers with either.
    let resources = |statement: &Value| match &statement["Resource"] {
        Value::Array(resources) => resources.clone(),
        one => vec![one.clone()],
    };
    let table = &census["tables"][0];
    let of_table: Vec<_> = statements
        .iter()
        .filter(|statement| resources(statement) == [table["arn"].clone()])
        .collect();
    assert_eq!(of_table.len(), 1, "{statements:#?}");
    assert_eq!(of_table[0]["Action"].as_array().map(Vec::len), Some(6));
    assert!(!role["policies"].to_string().contains("CreateLogGroup"));
    let all = statements.iter().flat_map(|statement| resources(statement));
    assert!(all.into_iter().all(|resource| resource != "*"));

    assert_eq!(
        (text(table, "name"), text(table, "billing")),
        (TABLE, "PAY_PER_REQUEST")
    );
    assert_eq!(table["keys"], json!(["id HASH"]));
    assert_eq!(table["attributes"], json!(["id S"]));

    let group = &census["log_groups"][0];
    assert_eq!(
        (text(group, "name"), &group["retention"]),
        (LOG_GROUP, &json!(14))
    );

    let function = &census["functions"][0];
    assert_eq!(
        (text(function, "name"), text(function, "runtime")),
        (FUNCTION, "provided.al2023")
    );
    assert_eq!(function["role"], role["arn"]);
    let statements = function["statements"].as_array().expect("statements");
    assert_eq!(statements.len(), 1, "{statements:#?}");
    assert_eq!(
        statements[0]["Principal"]["Service"],
        "apigateway.amazonaws.com"
    );

    let api = &census["rest_apis"][0];
    assert_eq!(
        (text(api, "name"), &api["endpoint"]),
        (API, &json!(["REGIONAL"]))
    );
    let resources = api["resources"].as_array().expect("resources");
    let paths: Vec<_> = resources
        .iter()
        .map(|resource| text(resource, "path"))
        .collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    let manager = resources
        .iter()
        .find(|resource| text(resource, "path") == format!("/{RESOURCE}"))
        .expect("the lab's resource");
    let method = &manager["methods"]["POST"];
    assert_eq!(
        (text(method, "authorization"), &method["key_required"]),
        ("NONE", &json!(true))
    );
    assert_eq!(
        (
            text(&method["integration"], "type"),
            text(&method["integration"], "method")
        ),
        ("AWS_PROXY", "POST")
    );
    assert_eq!(text(&api["stages"][0], "name"), STAGE);

    let key = &census["api_keys"][0];
    assert_eq!((text(key, "name"), &key["enabled"]), (KEY, &json!(true)));
    let plan = &census["usage_plans"][0];
    assert_eq!(
        (
            text(plan, "name"),
            plan["rate"].as_f64(),
            plan["burst"].as_i64()
        ),
        (PLAN, Some(100.0), Some(20))
    );
    assert_eq!(
        plan["stages"],
        json!([{ "api": format!("{{api {API}}}"), "stage": STAGE, "throttles": 0 }])
    );
    assert_eq!(plan["keys"], json!([format!("{{key {KEY}}}")]));

    for tagged in [
        role,
        table,
        group,
        function,
        api,
        &api["stages"][0],
        key,
        plan,
    ] {
        assert_eq!(text(&tagged["tags"], OWNER_TAG), STACK, "{tagged:#}");
        assert_ne!(text(&tagged["tags"], "provision:id"), "", "{tagged:#}");
    }
}
