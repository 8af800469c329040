//! Mistakes that do not compile, and the compiler's texts. `TRYBUILD=overwrite` writes the texts anew.

#[test]
#[ignore = "compiles the SDK once more: .ci/run compile-fail"]
fn mistakes_are_told_by_the_compiler() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
