//! Which existing resource a declaration means, and which resources nobody declares any more.

use provision_engine::input::digest;
use provision_engine::owner::{ID, STACK, Tags};
use provision_engine::plan::PossibleRename;
use provision_engine::planner::conflicts;
use provision_engine::resource::Resource;
use provision_engine::stack::Stack;
use serde_json::json;

use crate::account::Thing;
use crate::lab::{Lab, actions, after, changed, declare};
use crate::toys::{Alarm, Api, Part, Release, Role, Stage, Table};

fn table(id: &str, name: &str) -> impl Fn(&mut Stack) {
    move |stack| {
        stack.add(id, Table::named(name));
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_id_under_a_fixed_name_is_a_retag_only() {
    let lab = Lab::default();
    lab.up(&declare(table("jobs", "jobs"))).await;
    let renamed = declare(table("work", "jobs"));
    let plan = lab.plan(&renamed).await;
    assert_eq!(actions(&plan), ["update work"]);
    assert_eq!(changed(&plan, "work"), ["tags.provision:id"]);
    lab.up(&renamed).await;
    assert_eq!(lab.account.things().len(), 1);
    assert!(lab.plan(&renamed).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_changed_id_of_a_resource_found_by_its_mark_is_a_retag_only() {
    let lab = Lab::default();
    let api = |id: &'static str| {
        declare(move |stack| {
            stack.add(id, Api::named("web"));
        })
    };
    lab.up(&api("old")).await;
    let plan = lab.plan(&api("new")).await;
    assert_eq!(actions(&plan), ["update new"]);
    assert_eq!(changed(&plan, "new"), ["tags.provision:id"]);
}

fn construct(id: &str) -> impl Fn(&mut Stack) {
    let id = id.to_owned();
    move |stack| {
        let name = |stack: &Stack, part: &str| stack.default_name(&format!("{id}/{part}"));
        let table = Table::named(&name(stack, "table"));
        let table = stack.add(&format!("{id}/table"), table);
        let role = Role::named(&name(stack, "role")).allowing(Table::arn(&table));
        stack.add(&format!("{id}/role"), role);
        let api = stack.add(&id, Api::named(&stack.default_name(&id)));
        let part = stack.add(&format!("{id}/part"), Part::of(&api, "/x"));
        let release = Release::of(&api, digest([Part::shape(&part)]));
        let release = stack.add(&format!("{id}/release"), release);
        stack.add(&format!("{id}/stage"), Stage::of(&api, &release));
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_id_with_a_renaming_is_an_empty_plan_parts_included() {
    let lab = Lab::default();
    lab.up(&declare(construct("old"))).await;
    let renamed = declare(|stack| {
        stack.rename_ids([("new", "old")]);
        construct("new")(stack);
    });
    let plan = lab.plan(&renamed).await;
    assert!(plan.is_empty(), "{:?}", actions(&plan));
    assert!(plan.find("old/table").is_some(), "kept ids count");
}

#[tokio::test(start_paused = true)]
async fn the_longest_renaming_decides() {
    let lab = Lab::default();
    lab.up(&declare(table("kept", "lab-kept"))).await;
    let renamed = declare(|stack| {
        stack.rename_ids([("new", "old"), ("new/table", "kept")]);
        let name = stack.default_name("new/table");
        stack.add("new/table", Table::named(&name));
    });
    assert!(lab.plan(&renamed).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_changed_id_without_a_renaming_creates_and_deletes_with_a_hint() {
    let lab = Lab::default();
    lab.up(&declare(table("orders", "lab-orders"))).await;
    let plan = lab.plan(&declare(table("sales", "lab-sales"))).await;
    assert_eq!(
        actions(&plan),
        ["create sales", "delete undeclared lab-orders"]
    );
    assert_eq!(plan.losing_data().count(), 1);
    let hint = PossibleRename {
        noun: "table",
        new: "sales".to_owned(),
        old: "orders".to_owned(),
    };
    assert_eq!(plan.possible_renames(), [hint]);
}

#[tokio::test(start_paused = true)]
async fn no_renaming_is_guessed_between_kinds_or_among_several() {
    let lab = Lab::default();
    lab.up(&declare(table("orders", "orders"))).await;
    let role = declare(|stack| {
        stack.add("role", Role::named("role"));
    });
    assert!(lab.plan(&role).await.possible_renames().is_empty());
    let two = declare(|stack| {
        table("a", "a")(stack);
        table("b", "b")(stack);
    });
    assert!(lab.plan(&two).await.possible_renames().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_out_is_found_by_its_mark_and_deleted() {
    let lab = Lab::default();
    lab.up(&declare(|stack| {
        table("orders", "orders")(stack);
        let api = stack.add("api", Api::named("web"));
        stack.add("alarm", Alarm::on("alarm", api.output::<String>("id")));
        stack.add("reader", Role::named("reader"));
    }))
    .await;
    let nothing = declare(|_| {});
    let plan = lab.plan(&nothing).await;
    let losing: Vec<_> = plan.losing_data().map(|step| step.id.as_str()).collect();
    assert_eq!(losing, ["undeclared orders"]);
    assert_eq!(plan.summary().delete, 4);
    lab.up(&nothing).await;
    assert!(lab.account.things().is_empty());
}

#[tokio::test(start_paused = true)]
async fn down_deletes_what_was_taken_out_too() {
    let lab = Lab::default();
    lab.up(&declare(table("orders", "orders"))).await;
    lab.down(&declare(|_| {})).await;
    assert!(lab.account.things().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_role_that_trusts_another_and_a_kind_from_outside_wait_for_what_they_name() {
    let lab = Lab::default();
    let waiting = declare(|stack| {
        let orders = stack.add("orders", Table::named("orders"));
        stack.add("alarm", Alarm::on("alarm", orders.name()));
        let first = stack.add("first", Role::named("first"));
        stack.add("second", Role::named("second").trusting(&first));
    });
    let plan = lab.plan(&waiting).await;
    assert_eq!(after(&plan, "alarm"), ["orders"]);
    assert_eq!(after(&plan, "second"), ["first"]);
    lab.up(&waiting).await;
    let writes = lab.account.writes();
    let at = |call: &str| writes.iter().position(|write| write == call);
    assert!(at("CreateTable orders") < at("CreateAlarm alarm"));
    assert!(at("CreateRole first") < at("CreateRole second"));
}

#[tokio::test(start_paused = true)]
async fn a_resource_of_somebody_else_is_a_conflict_and_down_leaves_it() {
    let lab = Lab::default();
    let theirs = Table {
        tags: Tags::of("theirs", "orders"),
        ..Table::named("orders")
    };
    let fields = serde_json::to_value(theirs).unwrap();
    lab.account
        .put(Thing::new(Table::KIND.type_name, "orders", fields));
    let ours = declare(table("orders", "orders"));
    let aws = lab.aws();
    let snapshot = lab.snapshot(&ours, &aws).await;
    let conflicts = conflicts(&ours, &snapshot.observations);
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].why, "it belongs to the stack `theirs`");
    lab.down(&ours).await;
    assert_eq!(lab.account.things().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn other_stacks_marks_are_not_searched() {
    let lab = Lab::default();
    let theirs = Table {
        tags: Tags::of("theirs", "orders"),
        ..Table::named("orders")
    };
    let fields = serde_json::to_value(theirs).unwrap();
    lab.account
        .put(Thing::new(Table::KIND.type_name, "orders", fields));
    let nothing = declare(|_| {});
    assert!(lab.plan(&nothing).await.steps.is_empty());
    assert!(lab.planned_down(&nothing).await.plan.steps.is_empty());
}

#[tokio::test(start_paused = true)]
async fn marks_name_stack_id_and_declaration() {
    let lab = Lab::default();
    lab.up(&declare(table("orders", "orders"))).await;
    let orders = lab.account.find("orders").unwrap();
    assert_eq!(orders.tag(STACK), Some("lab"));
    assert_eq!(orders.tag(ID), Some("orders"));
    assert_eq!(orders.tag("provision:declaration").map(str::len), Some(12));
}

#[tokio::test(start_paused = true)]
async fn tags_of_others_on_our_resource_are_no_difference() {
    let lab = Lab::default();
    let orders = declare(table("orders", "orders"));
    lab.up(&orders).await;
    let mut tags = lab.account.find("orders").unwrap().fields["tags"].clone();
    tags["cost-centre"] = json!("7");
    lab.account.set("orders", "tags", tags);
    assert!(lab.plan(&orders).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_taken_out_is_deleted_while_others_of_its_kind_stay() {
    let lab = Lab::default();
    let parts = |paths: &'static [&str]| {
        declare(move |stack| {
            let api = stack.add("api", Api::named("web"));
            for path in paths {
                stack.add(path.trim_start_matches('/'), Part::of(&api, path));
            }
        })
    };
    lab.up(&parts(&["/x", "/y"])).await;
    let plan = lab.plan(&parts(&["/x"])).await;
    assert_eq!(
        actions(&plan),
        ["keep api", "keep x", "delete undeclared /y"]
    );
    lab.up(&parts(&["/x"])).await;
    assert!(lab.account.find("id1/y").is_none());
    assert!(lab.account.find("id1/x").is_some());
}

#[tokio::test(start_paused = true)]
async fn parts_of_two_containers_with_one_name_are_told_apart() {
    let lab = Lab::default();
    let parts = |on_second: bool| {
        declare(move |stack| {
            let first = stack.add("first", Api::named("first"));
            let second = stack.add("second", Api::named("second"));
            stack.add("x", Part::of(&first, "/x"));
            if on_second {
                stack.add("also", Part::of(&second, "/x"));
            }
        })
    };
    lab.up(&parts(true)).await;
    lab.up(&parts(false)).await;
    let parts = lab.account.of_kind(Part::KIND.type_name);
    assert_eq!(parts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn undeclared_resources_with_one_label_are_all_deleted() {
    let lab = Lab::default();
    lab.up(&declare(|stack| {
        let first = stack.add("first", Api::named("first"));
        let second = stack.add("second", Api::named("second"));
        stack.add("one", Part::of(&first, "/x"));
        stack.add("two", Part::of(&second, "/x"));
        stack.add("table", Table::named("jobs"));
        stack.add("role", Role::named("jobs"));
    }))
    .await;
    let apis = declare(|stack| {
        stack.add("first", Api::named("first"));
        stack.add("second", Api::named("second"));
    });
    let plan = lab.plan(&apis).await;
    let mut ids: Vec<_> = plan.steps.iter().map(|step| &step.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), plan.steps.len(), "{ids:?}");
    lab.up(&apis).await;
    assert_eq!(lab.account.things().len(), 2);
}
