//! What is planned for a declaration and an account, and in which order.

use provision_engine::asset::Code;
use provision_engine::env::Architecture;
use provision_engine::plan::{Action, Cause};
use provision_engine::stack::Stack;
use serde_json::json;

use crate::lab::{Lab, actions, after, changed, declare};
use crate::toys::{Alarm, Api, Function, Part, Pass, Release, Role, Stage, Table};

fn orders(stack: &mut Stack) {
    stack.add("orders", Table::named("orders"));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_created() {
    let lab = Lab::default();
    let plan = lab.plan(&declare(orders)).await;
    assert_eq!(actions(&plan), ["create orders"]);
    assert_eq!(changed(&plan, "orders")[..3], ["name", "key", "size"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_as_declared_is_kept() {
    let lab = Lab::default();
    lab.up(&declare(orders)).await;
    let plan = lab.plan(&declare(orders)).await;
    assert_eq!(actions(&plan), ["keep orders"]);
    assert!(plan.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_changed_field_is_updated_together_with_the_mark() {
    let lab = Lab::default();
    lab.up(&declare(orders)).await;
    let larger = declare(|stack| {
        let size = 5;
        let table = Table::named("orders");
        stack.add("orders", Table { size, ..table });
    });
    let plan = lab.plan(&larger).await;
    assert_eq!(actions(&plan), ["update orders"]);
    assert_eq!(
        changed(&plan, "orders"),
        ["size", "tags.provision:declaration"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_that_aws_cannot_make_replaces() {
    let lab = Lab::default();
    lab.up(&declare(orders)).await;
    let other_key = declare(|stack| {
        let key = "customer".to_owned();
        let table = Table::named("orders");
        stack.add("orders", Table { key, ..table });
    });
    let plan = lab.plan(&other_key).await;
    assert_eq!(actions(&plan), ["replace orders"]);
    assert_eq!(plan.losing_data().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_declared_any_more_is_deleted_after_everything_else() {
    let lab = Lab::default();
    lab.up(&declare(orders)).await;
    let without = declare(|stack| {
        stack.add("reader", Role::named("reader"));
    });
    let plan = lab.plan(&without).await;
    assert_eq!(
        actions(&plan),
        ["create reader", "delete undeclared orders"]
    );
    assert_eq!(after(&plan, "undeclared orders"), ["reader"]);
}

#[tokio::test(start_paused = true)]
async fn steps_are_counted_by_their_actions() {
    let lab = Lab::default();
    lab.up(&declare(orders)).await;
    let both = declare(|stack| {
        orders(stack);
        stack.add("reader", Role::named("reader"));
        stack.add("writer", Role::named("writer"));
    });
    let counts = lab.plan(&both).await.counts();
    let counts = counts.map(|(name, count)| format!("{name} {count}"));
    assert_eq!(
        counts,
        [
            "create 2",
            "update 0",
            "replace 0",
            "delete 0",
            "drift 0",
            "changes 2"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_reference_that_is_not_known_yet_is_a_change() {
    let lab = Lab::default();
    let watched = declare(|stack| {
        let api = stack.add("api", Api::named("web"));
        stack.add("alarm", Alarm::on("alarm", api.output::<String>("id")));
    });
    lab.up(&watched).await;
    lab.account.remove("id1");
    let plan = lab.plan(&watched).await;
    assert_eq!(actions(&plan), ["create api", "update alarm"]);
    assert_eq!(changed(&plan, "alarm"), ["watches"]);
}

#[tokio::test(start_paused = true)]
async fn what_stands_alone_is_found_without_what_it_refers_to_and_other_things_are_not() {
    let lab = Lab::default();
    let both = declare(|stack| {
        let api = stack.add("api", Api::named("web"));
        stack.add("alarm", Alarm::on("alarm", api.output::<String>("id")));
        stack.add("part", Part::of(&api, "/x"));
    });
    lab.up(&both).await;
    lab.account.remove("id1");
    let plan = lab.plan(&both).await;
    assert_eq!(
        actions(&plan),
        ["create api", "update alarm", "create part"]
    );
}

#[tokio::test(start_paused = true)]
async fn references_order() {
    let lab = Lab::default();
    let trusting = declare(|stack| {
        let first = stack.add("first", Role::named("first"));
        stack.add("second", Role::named("second").trusting(&first));
    });
    let plan = lab.plan(&trusting).await;
    assert_eq!(after(&plan, "second"), ["first"]);
    assert!(after(&plan, "first").is_empty());
}

#[tokio::test(start_paused = true)]
async fn computed_references_in_a_field_by_name_do_not_order() {
    let lab = Lab::default();
    let allowed = declare(|stack| {
        let table = stack.add("orders", Table::named("orders"));
        let role = Role::named("reader").allowing(Table::arn(&table));
        stack.add("reader", role);
        stack.add("named", Role::named("named").allowing(table.name()));
    });
    let plan = lab.plan(&allowed).await;
    assert!(after(&plan, "reader").is_empty());
    assert!(after(&plan, "named").is_empty());
}

#[tokio::test(start_paused = true)]
async fn references_that_aws_gives_order_in_a_field_by_name_too() {
    let lab = Lab::default();
    let allowed = declare(|stack| {
        let table = stack.add("orders", Table::named("orders"));
        let role = Role::named("reader").allowing(table.output("stream"));
        stack.add("reader", role);
    });
    assert_eq!(after(&lab.plan(&allowed).await, "reader"), ["orders"]);
}

#[tokio::test(start_paused = true)]
async fn resources_are_sorted_behind_those_they_wait_for() {
    let lab = Lab::default();
    let backwards = declare(|stack| {
        let second = stack.add("second", Role::named("second"));
        let first = stack.add("first", Role::named("first"));
        stack.edit(&second, |role| {
            *role = role.clone().trusting(&first);
        });
    });
    let plan = lab.plan(&backwards).await;
    assert_eq!(actions(&plan), ["create first", "create second"]);
}

#[tokio::test(start_paused = true)]
async fn two_resources_may_name_each_other_where_one_does_it_by_name() {
    let lab = Lab::default();
    let mutual = declare(|stack| {
        let first = stack.add("first", Role::named("first"));
        let second = stack.add("second", Role::named("second").trusting(&first));
        stack.edit(&first, |role| {
            *role = role.clone().allowing(second.output("arn"));
        });
    });
    lab.up(&mutual).await;
    assert!(lab.plan(&mutual).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_explicit_dependency_orders() {
    let lab = Lab::default();
    let ordered = declare(|stack| {
        let table = stack.add("orders", Table::named("orders"));
        let role = stack.add("reader", Role::named("reader"));
        stack.add_dependency(&table, &role);
    });
    let plan = lab.plan(&ordered).await;
    assert_eq!(actions(&plan), ["create reader", "create orders"]);
    assert_eq!(after(&plan, "orders"), ["reader"]);
}

#[tokio::test(start_paused = true)]
async fn a_construct_edits_and_adds_as_the_stack_does() {
    let lab = Lab::default();
    let edited = declare(|stack| {
        stack.add("api/table", Table::named("orders"));
        stack.edit_by_id("api/table", |table: &mut Table| table.size = 7);
    });
    lab.up(&edited).await;
    assert_eq!(lab.account.find("orders").unwrap().fields["size"], 7);
}

#[tokio::test(start_paused = true)]
async fn down_deletes_users_first() {
    let lab = Lab::default();
    let trusting = declare(|stack| {
        let first = stack.add("first", Role::named("first"));
        stack.add("second", Role::named("second").trusting(&first));
    });
    lab.up(&trusting).await;
    let plan = lab.planned_down(&trusting).await.plan;
    assert_eq!(actions(&plan), ["delete second", "delete first"]);
    assert_eq!(after(&plan, "first"), ["second"]);
}

#[tokio::test(start_paused = true)]
async fn down_keeps_to_the_order_of_kinds_that_are_deleted_after_what_they_refer_to() {
    let lab = Lab::default();
    let passed = declare(|stack| {
        let api = stack.add("api", Api::named("web"));
        stack.add("pass", Pass::to("pass", &api));
    });
    lab.up(&passed).await;
    let plan = lab.planned_down(&passed).await.plan;
    assert_eq!(after(&plan, "pass"), ["api"]);
    assert!(after(&plan, "api").is_empty());
}

#[tokio::test(start_paused = true)]
async fn down_deletes_parts_along_with_their_container() {
    let lab = Lab::default();
    let api = declare(|stack| {
        let api = stack.add("api", Api::named("web"));
        let part = stack.add("part", Part::of(&api, "/x"));
        let release = Release::of(&api, Part::shape(&part));
        let release = stack.add("release", release);
        stack.add("stage", Stage::of(&api, &release));
    });
    lab.up(&api).await;
    let before = lab.account.writes().len();
    let planned = lab.planned_down(&api).await;
    let part = planned.plan.find("part").unwrap();
    assert_eq!(part.along_with(), Some("api"));
    assert!(planned.run().await.is_success());
    assert_eq!(lab.account.writes()[before..], ["DeleteApi id1"]);
    assert!(lab.account.things().is_empty());
}

#[tokio::test(start_paused = true)]
async fn down_deletes_only_what_exists() {
    let lab = Lab::default();
    lab.up(&declare(orders)).await;
    let both = declare(|stack| {
        orders(stack);
        stack.add("reader", Role::named("reader"));
    });
    let plan = lab.planned_down(&both).await.plan;
    assert_eq!(actions(&plan), ["delete orders"]);
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_replaced_container_are_created_again() {
    let lab = Lab::default();
    let api = |endpoint: &str| {
        let endpoint = endpoint.to_owned();
        declare(|stack| {
            let api = Api::named("web");
            let api = stack.add("api", Api { endpoint, ..api });
            stack.add("part", Part::of(&api, "/x"));
        })
    };
    lab.up(&api("regional")).await;
    let plan = lab.plan(&api("private")).await;
    assert_eq!(actions(&plan), ["replace api", "create part"]);
    lab.up(&api("private")).await;
    assert!(lab.plan(&api("private")).await.is_empty());
    assert!(lab.account.find("id2/x").is_some());
}

#[tokio::test(start_paused = true)]
async fn the_hash_of_a_package_counts_like_any_other_field() {
    let lab = Lab::default();
    let web = declare(|stack| {
        let code = stack.asset("web/code", Code::binary("web"), Architecture::Arm64);
        stack.add("web", Function::named("web", code));
    });
    lab.up(&web).await;
    assert!(lab.plan(&web).await.is_empty());
    lab.account.set("web", "code", json!("another"));
    assert_eq!(changed(&lab.plan(&web).await, "web"), ["code"]);
}

#[tokio::test(start_paused = true)]
async fn undeclared_parts_go_before_the_snapshot_is_taken_again() {
    let lab = Lab::default();
    let api = |paths: &[&str]| {
        declare(|stack| {
            let api = stack.add("api", Api::named("web"));
            let parts = paths.iter().map(|path| {
                let part = stack.add(path.trim_start_matches('/'), Part::of(&api, path));
                Part::shape(&part)
            });
            let shape = provision_engine::input::digest(parts.collect::<Vec<_>>());
            stack.add("release", Release::of(&api, shape));
        })
    };
    lab.up(&api(&["/x", "/y"])).await;
    let plan = lab.plan(&api(&["/x"])).await;
    assert_eq!(
        actions(&plan),
        [
            "keep api",
            "keep x",
            "replace release",
            "delete undeclared /y"
        ]
    );
    assert!(after(&plan, "release").contains(&"undeclared /y".to_owned()));
    assert!(after(&plan, "undeclared /y").is_empty());
}

#[tokio::test(start_paused = true)]
async fn numbers_join_as_text() {
    let lab = Lab::default();
    let port = declare(|stack| {
        let table = stack.add("orders", Table::named("orders"));
        stack.add(
            "alarm",
            Alarm::on("alarm", table.output::<u16>("port").join("/tcp")),
        );
    });
    lab.up(&port).await;
    assert_eq!(
        lab.account.find("alarm").unwrap().fields["watches"],
        "8000/tcp"
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_resource_of_a_stack_is_no_drift() {
    let lab = Lab::default();
    let plan = lab.plan(&declare(orders)).await;
    let cause = Cause::Declaration;
    assert_eq!(plan.steps[0].action, Action::Create { cause });
}
