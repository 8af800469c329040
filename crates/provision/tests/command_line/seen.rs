//! The page that says what becomes of every property that AWS reports.

use std::fmt::Write;

use expect_test::expect_file;
use provision::aws::properties::{REPORTED, Treatment};

const HEAD: &str = "# What is seen of your account

<!-- Written by a test from the tables that the program is checked by: `UPDATE_EXPECT=1 cargo test --workspace --test command_line seen`. -->

The account is the only state, so whatever AWS reports of a resource has to mean something. Each property is one of these:

- **declared**: a field of the kind. What differs from the declaration is drift, and the next `up` puts it right.
- **compared**: no field. A value other than AWS's default is drift as well; it is shown as `unusual.NAME`, and `up` sets the default.
- **added by others**: `plan` and `drift` name it, `up` leaves it. `drift` ends with 2 if it lets somebody do more than the stack does: an attached
  policy, a statement for everybody, a method without the key that the others ask for.
- a **fact** that nobody sets.
- **not looked at**, for the reason given.

Others add resources to a stack's as well: policies to its role, statements, aliases and event sources to its functions, methods and stages to its API, keys
and stages to its plan. They are named in the same way, and `down` says before its first call which of them AWS would refuse to delete the
stack's resources with.

What AWS tells only by a call of its own for each resource is not read: a function's code signing, runtime management and recursion control, a
table's resource policy and contributor insights, an API's gateway responses, a log group's subscription filters.
";

#[test]
fn the_page_says_what_becomes_of_each_property() {
    let mut page = HEAD.to_owned();
    for table in REPORTED {
        let _ = write!(
            page,
            "\n## `{}`: {}\n\n| property | |\n|---|---|\n",
            table.kind, table.of
        );
        for property in table.properties {
            let becomes = match property.treatment {
                Treatment::Declared(field) => format!("declared: `{field}`"),
                Treatment::Usual(name) => format!("compared: `unusual.{name}`"),
                Treatment::Added => "added by others".to_owned(),
                Treatment::Fact => "fact".to_owned(),
                Treatment::Ignored(why) => format!("not looked at: {why}"),
            };
            let name = property.name.trim_start_matches("r#");
            let _ = writeln!(page, "| `{name}` | {becomes} |");
        }
    }
    expect_file!["../../../../docs/seen.md"].assert_eq(&page);
}
