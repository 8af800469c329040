//! Handles: of this stack, of another one, and of what exists already.

use provision_engine::input::{Handle, Input};
use provision_engine::stack::Stack;
use provision_engine::target::Target;
use serde_json::json;

use crate::lab::env;
use crate::toys::{Alarm, Table};

fn stack() -> Stack {
    Stack::new("lab", &env())
}

fn mistakes(stack: Stack) -> Vec<String> {
    let mistakes = stack.finish().expect_err("it has mistakes").0;
    mistakes.into_iter().map(|mistake| mistake.text).collect()
}

fn existing() -> Handle<Table> {
    let arn = serde_json::from_value(json!({ "$join": [
        "arn:", { "$ref": "aws.partition" }, ":dynamodb:", { "$ref": "aws.region" }, ":",
        { "$ref": "aws.account" }, ":table/customers",
    ]}));
    let name = Input::Known("customers".to_owned());
    Handle::existing([("name", name), ("arn", arn.expect("a join is an input"))])
}

#[test]
fn another_stacks_handle_is_refused_even_under_an_id_that_this_one_has() {
    let elsewhere = self::stack().add("orders", Table::named("orders"));
    let mut stack = stack();
    stack.add("orders", Table::named("orders"));
    stack.add("alarm", Alarm::on("alarm", elsewhere.name()));
    stack.edit(&elsewhere, |table| table.name.clear());
    stack.output_secret("secret", &elsewhere);
    let text = "another stack's: let that stack output it, and refer here to what exists already";
    assert_eq!(
        mistakes(stack),
        [
            format!("`orders` is {text}"),
            format!("`orders` is {text}"),
            format!("alarm `alarm`: `orders.name` is {text}"),
        ]
    );
}

#[test]
fn what_exists_is_used_and_never_declared() {
    let mut stack = stack();
    let customers = existing();
    let alarm = stack.add("alarm", Alarm::on("alarm", Table::arn(&customers)));
    stack.add_dependency(&alarm, &customers);
    stack.output("table", customers.name());
    let declaration = stack.finish().expect("it is sound");
    assert_eq!(declaration.resources.len(), 1);
    assert!(
        declaration
            .predecessors(&declaration.resources[0])
            .is_empty()
    );
    let target = Target {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        endpoint: None,
        partition: "aws".to_owned(),
    };
    let (_, resolved) = declaration.resolved(&target).next().expect("the alarm");
    assert_eq!(
        resolved.fields()["watches"],
        "arn:aws:dynamodb:eu-west-1:111122223333:table/customers"
    );
}

#[test]
fn what_exists_cannot_be_changed() {
    let mut stack = stack();
    let table = stack.add("orders", Table::named("orders"));
    stack.edit(&existing(), |table| table.name.clear());
    stack.add(
        "alarm",
        Alarm::on("alarm", existing().output::<String>("stream")),
    );
    stack.add_dependency(&existing(), &table);
    assert_eq!(
        mistakes(stack),
        [
            "the table `customers` exists already, and is not this stack's to change",
            "`customers` exists already: it cannot wait for anything",
            "alarm `alarm`: nothing is known of the `stream` of `customers`, which exists already",
        ]
    );
}

#[test]
fn the_account_has_no_resource_of_its_name() {
    let mut stack = stack();
    stack.add("aws", Table::named("orders"));
    assert_eq!(
        mistakes(stack),
        ["`aws` cannot be an id: it stands for the account"]
    );
}

#[test]
fn an_input_that_cannot_be_made_says_why() {
    let mut stack = stack();
    stack.add(
        "alarm",
        Alarm::on("alarm", Input::mistake("there is no route `GET /a.b`")),
    );
    assert_eq!(
        mistakes(stack),
        ["alarm `alarm`: there is no route `GET /a.b`"]
    );
}

#[test]
fn all_of_a_kind_are_changed_at_once() {
    let mut stack = stack();
    stack.add("a", Table::named("first"));
    stack.add("b", Table::named("second"));
    stack.add("alarm", Alarm::on("alarm", "x".to_owned()));
    stack.edit_all(|id, table: &mut Table| table.name = format!("{}-{id}", table.name));
    let declaration = stack.finish().expect("it is sound");
    let names: Vec<String> = declaration
        .all::<Table>()
        .map(|(_, table)| table.name.clone())
        .collect();
    assert_eq!(names, ["first-a", "second-b"]);
}
