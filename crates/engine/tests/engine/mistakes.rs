//! Mistakes in a declaration: all at once, each with the application's line.

use std::collections::BTreeMap;

use provision_engine::asset::Code;
use provision_engine::env::{Architecture, Env};
use provision_engine::input::{Expr, Input};
use provision_engine::stack::{Check, Construct, Stack};

use crate::lab::env;
use crate::toys::{Alarm, Api, Role, Table};

/// The lines and texts of the mistakes, all of this file.
fn mistakes(stack: Stack) -> Vec<(u32, String)> {
    let mistakes = stack.finish().expect_err("the declaration has mistakes");
    let mistakes = mistakes.0.into_iter().map(|mistake| {
        assert_eq!(mistake.at.file(), file!());
        (mistake.at.line(), mistake.text)
    });
    mistakes.collect()
}

fn stack() -> Stack {
    Stack::new("lab", &env())
}

#[track_caller]
fn with_parameters(set: &[(&str, &str)]) -> Stack {
    let set = set.iter();
    let set = set.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Stack::new(
        "lab",
        &env().with_parameters(set.collect::<BTreeMap<_, _>>()),
    )
}

#[test]
fn an_id_is_declared_once() {
    let mut stack = stack();
    let first = line!() + 1;
    stack.add("orders", Table::named("orders"));
    stack.add("orders", Table::named("others"));
    let file = file!();
    let text = format!("`orders` is declared twice: it is the table of {file}:{first}:11");
    assert_eq!(mistakes(stack), [(first + 1, text)]);
}

#[test]
fn ids_have_a_grammar() {
    for id in ["", "a//b", "#1", "grün", "a\nb", "/"] {
        let mut stack = stack();
        stack.add(id, Table::named("orders"));
        let text = format!(
            "`{id}` cannot be an id: use ASCII letters, digits and signs, with `/` between parts"
        );
        assert_eq!(mistakes(stack), [(line!() - 4, text)], "{id}");
    }
}

/// Policies need the names of all previews at once: `pr-*`.
#[test]
fn a_pattern_of_names_is_not_held_to_limits() {
    let declared = |env: &Env| {
        let mut stack = Stack::new("lab", env);
        let mut table = Table::named(&env.named("orders"));
        table.size = 101;
        stack.add("orders", table);
        stack.finish()
    };
    let place = env();
    let refused = declared(&Env::new(Some("pr-*"), place.region()));
    assert!(refused.is_err(), "{refused:?}");
    let declared = declared(&Env::matching("pr-*", place.region()));
    let declared = declared.expect("a pattern is allowed");
    assert_eq!(declared.resources[0].resource.name(), "orders-pr-*");
    assert_eq!(declared.name, "lab-pr-*");
}

#[test]
fn two_resources_cannot_have_one_name_on_aws() {
    let mut stack = stack();
    for id in ["a/b", "a-b"] {
        let name = stack.default_name(id);
        stack.add(id, Table::named(&name));
    }
    let text = "table `a/b` and table `a-b` have one name on AWS: `lab-a-b`";
    assert_eq!(mistakes(stack), [(line!() - 3, text.to_owned())]);
}

#[test]
fn names_of_two_kinds_and_names_that_may_repeat_do_not_meet() {
    let mut stack = stack();
    stack.add("table", Table::named("orders"));
    stack.add("role", Role::named("orders"));
    stack.add("one", Api::named("orders"));
    stack.add("other", Api::named("orders"));
    stack.finish().expect("it is sound");
}

#[test]
fn a_circle_is_named() {
    let mut stack = stack();
    let line = line!() + 1;
    let a = stack.add("a", Role::named("a"));
    let b = stack.add("b", Role::named("b").trusting(&a));
    let c = stack.add("c", Role::named("c").trusting(&b));
    stack.add("outside", Role::named("outside").trusting(&c));
    stack.edit(&a, |role| *role = role.clone().trusting(&c));
    let text = "each of these needs the next, and the last the first: `a`, `c`, `b`";
    assert_eq!(mistakes(stack), [(line, text.to_owned())]);
}

#[test]
fn a_circle_of_explicit_dependencies_is_named() {
    let mut stack = stack();
    let a = stack.add("a", Role::named("a"));
    let b = stack.add("b", Table::named("b"));
    stack.add_dependency(&a, &b);
    stack.add_dependency(&b, &a);
    let text = "each of these needs the next, and the last the first: `a`, `b`";
    assert_eq!(mistakes(stack), [(line!() - 5, text.to_owned())]);
}

#[test]
fn a_resource_that_needs_itself_is_a_circle() {
    let mut stack = stack();
    let a = stack.add("a", Role::named("a"));
    stack.edit(&a, |role| *role = role.clone().trusting(&a));
    let text = "each of these needs the next, and the last the first: `a`";
    assert_eq!(mistakes(stack), [(line!() - 3, text.to_owned())]);
}

#[test]
fn an_unknown_output_is_told_with_those_that_there_are() {
    let mut stack = stack();
    let table = stack.add("orders", Table::named("orders"));
    stack.add("alarm", Alarm::on("alarm", table.output::<String>("nmae")));
    let text =
        "alarm `alarm`: `orders` has no output `nmae`; there is `arn`, `name`, `port`, `stream`";
    assert_eq!(mistakes(stack), [(line!() - 3, text.to_owned())]);
}

#[test]
fn an_unknown_id_is_told_with_similar_ones() {
    let mut stack = stack();
    stack.add("orders", Table::named("orders"));
    let unknown: Input<String> = Input::Expr(Expr::Ref("ordres.name".to_owned()));
    stack.add("alarm", Alarm::on("alarm", unknown));
    let text = "alarm `alarm`: `ordres` is not declared in this stack; there is `orders`";
    assert_eq!(mistakes(stack), [(line!() - 2, text.to_owned())]);
}

#[test]
fn another_stacks_output_is_found_inside_of_expressions() {
    let elsewhere = self::stack().add("elsewhere", Table::named("elsewhere"));
    let mut stack = stack();
    stack.add("alarm", Alarm::on("alarm", elsewhere.name().join("/*")));
    let text = "alarm `alarm`: `elsewhere.name` is another stack's: let that stack output it, and refer here to what exists already";
    assert_eq!(mistakes(stack), [(line!() - 2, text.to_owned())]);
}

#[test]
fn outputs_and_checks_refer_to_what_is_declared() {
    let elsewhere = self::stack().add("elsewhere", Table::named("elsewhere"));
    let mut stack = stack();
    stack.output("arn", Table::arn(&elsewhere));
    stack.check(Check {
        method: "GET".to_owned(),
        url: Table::arn(&elsewhere),
        body: String::new(),
        key: None,
        proves: Vec::new(),
    });
    let texts: Vec<String> = mistakes(stack).into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        texts,
        [
            "output `arn`: `elsewhere.arn` is another stack's: let that stack output it, and refer here to what exists already",
            "check: `elsewhere.arn` is another stack's: let that stack output it, and refer here to what exists already",
        ]
    );
}

#[test]
fn an_output_is_declared_once() {
    let mut stack = stack();
    let table = stack.add("orders", Table::named("orders"));
    stack.output("arn", Table::arn(&table));
    stack.output("arn", table.name());
    let text = "the output `arn` is declared twice";
    assert_eq!(mistakes(stack), [(line!() - 2, text.to_owned())]);
}

#[test]
fn a_parameter_that_the_stack_does_not_have_is_told_with_those_it_has() {
    let line = line!() + 1;
    let mut stack = with_parameters(&[("rat", "5")]);
    assert_eq!(stack.parameter("rate", 100), 100);
    let text = "the stack has no parameter `rat`; there is `rate`";
    assert_eq!(mistakes(stack), [(line, text.to_owned())]);
}

#[test]
fn a_value_that_does_not_fit_a_parameter_is_told() {
    let mut stack = with_parameters(&[("rate", "fast")]);
    assert_eq!(stack.parameter("rate", 100), 100);
    let text = "the parameter `rate` takes a value like `100`, not `fast`";
    assert_eq!(mistakes(stack), [(line!() - 2, text.to_owned())]);
}

#[test]
fn a_parameter_has_the_type_of_its_default() {
    let mut stack = with_parameters(&[("rate", "5")]);
    assert_eq!(stack.parameter("rate", 100), 5);
    let declaration = stack.finish().expect("it is sound");
    assert_eq!(declaration.parameters["rate"], "100");
}

#[test]
fn limits_are_checked_by_the_kind() {
    let mut stack = stack();
    let table = Table::named("orders");
    stack.add("orders", Table { size: 101, ..table });
    let text = "table `orders`: a table's size is at most 100";
    assert_eq!(mistakes(stack), [(line!() - 2, text.to_owned())]);
}

#[test]
fn an_edit_finds_its_resource_and_its_kind() {
    let mut stack = stack();
    stack.add("orders", Table::named("orders"));
    stack.edit_by_id("orders", |_: &mut Role| {});
    stack.edit_by_id("ordres", |_: &mut Table| {});
    let line = line!() - 1;
    assert_eq!(
        mistakes(stack),
        [
            (line - 1, "there is no role `orders`".to_owned()),
            (line, "there is no table `ordres`".to_owned()),
        ]
    );
}

#[test]
fn a_renaming_comes_before_what_it_renames() {
    let mut stack = stack();
    stack.add("new", Table::named("orders"));
    stack.rename_ids([("new", "old")]);
    let text =
        "`rename_ids` of `new` comes after it was added: its name on AWS follows from the id";
    assert_eq!(mistakes(stack), [(line!() - 3, text.to_owned())]);
}

#[test]
fn a_renaming_of_nothing_is_told() {
    let mut stack = stack();
    stack.rename_ids([("ordres", "old")]);
    stack.add("orders", Table::named("orders"));
    let text = "`rename_ids`: there is no `ordres`; there is `orders`";
    assert_eq!(mistakes(stack)[0].1, text);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let mut stack = with_parameters(&[("unknown", "1")]);
    stack.add("", Table::named("a"));
    stack.add("orders", Table::named("orders"));
    stack.add("orders", Table::named("orders"));
    let table = stack.add("b", Table::named("b"));
    stack.add("alarm", Alarm::on("alarm", table.output::<String>("x")));
    assert_eq!(mistakes(stack).len(), 4);
}

#[test]
fn a_construct_is_told_by_the_line_that_adds_it() {
    struct Pair;
    impl Construct for Pair {
        type Handle = ();

        fn declare(self, id: &str, stack: &mut Stack) {
            stack.add(&format!("{id}/a"), Table::named("same"));
            stack.add(&format!("{id}/b"), Table::named("same"));
        }
    }
    let mut stack = stack();
    stack.add("pair", Pair);
    let text = "table `pair/a` and table `pair/b` have one name on AWS: `same`";
    assert_eq!(mistakes(stack), [(line!() - 2, text.to_owned())]);
}

#[test]
fn a_renaming_cannot_give_two_resources_one_id() {
    let mut stack = stack();
    stack.rename_ids([("new", "old")]);
    stack.add("old", Table::named("a"));
    stack.add("new", Table::named("b"));
    let text = "`rename_ids` gives `new` the id of `old`";
    assert_eq!(mistakes(stack), [(line!() - 2, text.to_owned())]);
}

#[test]
fn ids_can_be_exchanged_by_renaming() {
    let mut stack = stack();
    stack.rename_ids([("a", "b"), ("b", "a")]);
    stack.add("a", Table::named("first"));
    stack.add("b", Table::named("second"));
    let declaration = stack.finish().expect("it is sound");
    assert_eq!(declaration.find("b").unwrap().resource.name(), "first");
}

#[test]
fn a_dependency_on_another_stack_is_refused_on_either_side() {
    let elsewhere = self::stack().add("elsewhere", Table::named("elsewhere"));
    let mut stack = stack();
    let table = stack.add("orders", Table::named("orders"));
    stack.add_dependency(&table, &elsewhere);
    stack.add_dependency(&elsewhere, &table);
    let texts: Vec<String> = mistakes(stack).into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        texts,
        [
            "`elsewhere` is another stack's: let that stack output it, and refer here to what exists already",
            "`elsewhere` is another stack's: let that stack output it, and refer here to what exists already",
        ]
    );
}

#[test]
fn an_asset_has_an_id_of_its_own() {
    let mut stack = stack();
    stack.add("web", Table::named("web"));
    stack.asset("web", Code::binary("web"), Architecture::Arm64);
    stack.asset("code", Code::binary("web"), Architecture::Arm64);
    stack.asset("code", Code::binary("other"), Architecture::Arm64);
    let texts: Vec<String> = mistakes(stack).into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        texts,
        [
            "the asset `code` is declared twice",
            "`web` is declared twice: it is an asset and a table",
        ]
    );
}

#[test]
fn the_same_code_may_be_declared_again() {
    let mut stack = stack();
    for _ in 0..2 {
        stack.asset("code", Code::binary("web"), Architecture::Arm64);
    }
    assert_eq!(stack.finish().expect("it is sound").assets.len(), 1);
}
