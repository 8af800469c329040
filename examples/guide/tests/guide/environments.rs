//! Tests of `environments.rs`.

use provision::testing::declare;
use provision::{Env, dynamodb, lambda};

use guide::environments::mail;

fn env(name: &str) -> Env {
    let sender = ("sender".to_owned(), "post@example.com".to_owned());
    Env::new(Some(name), "eu-west-1").with_parameters([sender].into())
}

#[test]
fn prod_is_larger_and_protected() {
    for (name, memory, is_protected) in [("dev", 256, false), ("prod", 512, true)] {
        let declaration = declare(mail, &env(name));
        assert_eq!(declaration.name, format!("mail-{name}"));
        let functions = declaration.all::<lambda::Function>();
        assert!(functions.map(|(_, one)| one.memory_mb).eq([memory]));
        let tables = declaration.all::<dynamodb::Table>();
        assert!(
            tables
                .map(|(_, one)| one.deletion_protection)
                .eq([is_protected])
        );
    }
}

#[test]
fn what_is_missing_or_misspelt_is_told() {
    let told = |env: &Env| match mail(env) {
        Ok(stack) => stack.finish().unwrap_err().to_string(),
        Err(error) => format!("{error:#}"),
    };
    let missing = told(&Env::new(Some("dev"), "eu-west-1"));
    assert!(
        missing.contains("the stack needs a value for `sender`"),
        "{missing}"
    );
    let misspelt = told(&env("pord"));
    assert!(
        misspelt.contains("`dev`, `prod` and `pr-NUMBER`"),
        "{misspelt}"
    );
}
