//! The notes' stack in every environment.

use notes::notes;
use provision::apigateway::Method;
use provision::{Env, iam, lambda};

#[test]
fn the_notes_are_sound_in_every_environment() {
    for name in [None, Some("dev"), Some("prod")] {
        let stack = notes(&Env::new(name, "eu-west-1"));
        let declaration = stack.finish().unwrap();
        assert_eq!(declaration.all::<lambda::Function>().count(), 2);
        assert!(
            declaration
                .all::<Method>()
                .all(|(_, method)| method.key_required)
        );
        assert!(declaration.warnings.is_empty());
    }
}

#[test]
fn each_function_has_the_rights_of_its_links() {
    let stack = notes(&Env::new(None, "eu-west-1"));
    let declaration = stack.finish().unwrap();
    let rights = |id: &str| {
        let mut roles = declaration.all::<iam::Role>();
        let (_, role) = roles.find(|(known, _)| *known == id).unwrap();
        role.policies["grants"].to_text()
    };
    assert!(rights("reader/role").contains("dynamodb:Scan"));
    assert!(!rights("reader/role").contains("dynamodb:PutItem"));
    assert!(!rights("writer/role").contains("dynamodb:Scan"));
}
