//! Plans as files.

use provision_engine::declaration::Declaration;
use provision_engine::fault::Code;
use provision_engine::plan::{Plan, Step};
use provision_engine::resource::Kinds;
use serde_json::{Value, json};

use crate::lab::{Lab, declare, kinds};
use crate::toys::{Api, Part, Role, Table};

fn declaration(size: u32, with_role: bool) -> Declaration {
    declare(|stack| {
        let table = Table::named("orders");
        stack.add("orders", Table { size, ..table });
        let api = stack.add("api", Api::named("web"));
        stack.add("part", Part::of(&api, "/x"));
        if with_role {
            stack.add("role", Role::named("role"));
        }
    })
}

/// Writes the plan to a text and reads it again.
fn through_a_file(plan: &Plan) -> Value {
    let text = serde_json::to_string(plan).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_every_action_is_read_as_it_was_written() {
    let lab = Lab::default();
    let creates = lab.plan(&declaration(1, true)).await;
    lab.up(&declaration(1, true)).await;
    let changed = declaration(2, false);
    lab.account.set("id1", "endpoint", json!("private"));
    let changes = lab.plan(&changed).await;
    let deletes = lab.planned_down(&changed).await.plan;
    let summary = changes.summary();
    assert_eq!((summary.update, summary.replace, summary.delete), (1, 1, 1));
    for plan in [creates, changes, deletes] {
        let read = Step::read_all(&through_a_file(&plan)["steps"], &kinds()).unwrap();
        assert_eq!(read, plan.steps);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_from_a_file_can_be_carried_out() {
    let lab = Lab::default();
    let mut planned = lab.planned(&declaration(1, true)).await;
    let file = through_a_file(&planned.plan);
    planned.plan.steps = Step::read_all(&file["steps"], &kinds()).unwrap();
    assert!(planned.run().await.is_success());
    assert!(lab.plan(&declaration(1, true)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stacks_own_kinds_are_enough_to_read_its_plan() {
    let lab = Lab::default();
    let declaration = declaration(1, true);
    let file = through_a_file(&lab.plan(&declaration).await);
    let kinds = declaration.kinds(Kinds::default());
    assert!(Step::read_all(&file["steps"], &kinds).is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_kind_is_told_with_the_step_and_a_remedy() {
    let lab = Lab::default();
    let file = through_a_file(&lab.plan(&declaration(1, true)).await);
    let some = Kinds::default().with::<Table>().with::<Part>();
    let error = Step::read_all(&file["steps"], &some).unwrap_err();
    assert_eq!(Code::of(&error), Code::NoPlanFile);
    assert_eq!(
        format!("{error:#}"),
        "step `api`: `Toys::Api` is a kind that this program does not know; `App::kind` adds it"
    );
}

#[tokio::test(start_paused = true)]
async fn fields_that_do_not_fit_their_kind_are_told() {
    let lab = Lab::default();
    let mut file = through_a_file(&lab.plan(&declaration(1, true)).await);
    file["steps"][0]["resource"]["size"] = json!("large");
    let error = Step::read_all(&file["steps"], &kinds()).unwrap_err();
    assert_eq!(Code::of(&error), Code::NoPlanFile);
    let text = format!("{error:#}");
    assert!(
        text.starts_with("step `orders`: reading a table: "),
        "{text}"
    );
}

#[test]
fn data_that_are_no_steps_are_told() {
    let error = Step::read_all(&json!({}), &kinds()).unwrap_err();
    assert_eq!(Code::of(&error), Code::NoPlanFile);
    assert_eq!(error.to_string(), "the plan's steps cannot be read");
}
