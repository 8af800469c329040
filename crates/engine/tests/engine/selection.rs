//! `--only` and `--skip`.

use provision_engine::declaration::Declaration;
use provision_engine::fault::Code;
use provision_engine::selection::Selection;

use crate::lab::{Lab, actions, declare};
use crate::toys::{Api, Part, Role, Table};

fn chain() -> Declaration {
    declare(|stack| {
        let first = stack.add("first", Role::named("r-first"));
        stack.add("second", Role::named("r-second").trusting(&first));
        stack.add("table", Table::named("t"));
    })
}

fn only(ids: &[&str]) -> Selection {
    Selection {
        only: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..Selection::default()
    }
}

fn skip(ids: &[&str]) -> Selection {
    Selection {
        skip: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..Selection::default()
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_selection_changes_nothing() {
    let lab = Lab::default();
    let mut plan = lab.plan(&chain()).await;
    let left_out = Selection::default().apply(&mut plan, &chain()).unwrap();
    assert!(left_out.is_empty());
    assert_eq!(plan.steps.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn creates_that_are_left_out_vanish_from_the_plan() {
    let lab = Lab::default();
    let mut planned = lab.planned(&chain()).await;
    let left_out = only(&["first"]).apply(&mut planned.plan, &chain()).unwrap();
    assert_eq!(left_out, ["role `r-second`", "table `t`"]);
    assert_eq!(actions(&planned.plan), ["create first"]);
    assert!(planned.run().await.is_success());
    assert_eq!(lab.account.writes(), ["CreateRole r-first"]);
}

#[tokio::test(start_paused = true)]
async fn resources_are_selected_by_id_or_name() {
    let lab = Lab::default();
    for name in ["first", "r-first"] {
        let mut plan = lab.plan(&chain()).await;
        only(&[name]).apply(&mut plan, &chain()).unwrap();
        assert_eq!(actions(&plan), ["create first"]);
    }
}

#[tokio::test(start_paused = true)]
async fn other_changes_that_are_left_out_are_kept_as_they_are() {
    let lab = Lab::default();
    lab.up(&chain()).await;
    lab.account.set("t", "size", 9.into());
    let nothing = declare(|stack| {
        stack.add("table", Table::named("t"));
    });
    let mut plan = lab.plan(&nothing).await;
    assert_eq!(plan.summary().delete, 2);
    skip(&["table"]).apply(&mut plan, &nothing).unwrap();
    assert_eq!(plan.summary().delete, 2);
    assert!(plan.find("table").unwrap().is_kept());
}

#[tokio::test(start_paused = true)]
async fn what_a_selected_step_needs_cannot_be_left_out() {
    let lab = Lab::default();
    for selection in [only(&["second"]), skip(&["first"])] {
        let mut plan = lab.plan(&chain()).await;
        let error = selection.apply(&mut plan, &chain()).unwrap_err();
        assert_eq!(Code::of(&error), Code::NeededStep);
        let text = "`second` cannot go without `first`, which was left out";
        assert_eq!(error.to_string(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn what_exists_already_can_be_left_out() {
    let lab = Lab::default();
    lab.up(&declare(|stack| {
        stack.add("first", Role::named("r-first"));
    }))
    .await;
    let mut plan = lab.plan(&chain()).await;
    only(&["second"]).apply(&mut plan, &chain()).unwrap();
    assert_eq!(actions(&plan), ["keep first", "create second"]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_cannot_leave_out_what_goes_first_or_along() {
    let lab = Lab::default();
    let declaration = declare(|stack| {
        let api = stack.add("api", Api::named("web"));
        stack.add("part", Part::of(&api, "/x"));
        let first = stack.add("first", Role::named("first"));
        stack.add("second", Role::named("second").trusting(&first));
    });
    lab.up(&declaration).await;
    for (id, needed) in [("api", "part"), ("first", "second")] {
        let mut plan = lab.planned_down(&declaration).await.plan;
        let error = only(&[id]).apply(&mut plan, &declaration).unwrap_err();
        let text = format!("`{id}` cannot go without `{needed}`, which was left out");
        assert_eq!(error.to_string(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_is_told_with_those_there_are() {
    let lab = Lab::default();
    let mut plan = lab.plan(&chain()).await;
    let error = only(&["frist"]).apply(&mut plan, &chain()).unwrap_err();
    assert_eq!(Code::of(&error), Code::NoSuchStep);
    assert_eq!(error.to_string(), "the plan has nothing called `frist`");
    let fault = error.downcast_ref::<provision_engine::fault::Fault>();
    let remedy = fault.and_then(provision_engine::fault::Fault::own_remedy);
    assert_eq!(remedy, Some("one of first, second, table"));
}
