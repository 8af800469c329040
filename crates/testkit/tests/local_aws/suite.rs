//! Checks of the whole suite, which this test binary runs again in a child process.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::harness::{CALLS, TRANSPORT};

/// Operations that the tests of `crates/local-aws` call, and none of these.
const ELSEWHERE: &str = include_str!("elsewhere.txt");

#[test]
fn every_operation_offered_is_called_by_some_test() {
    let folder = TempDir::with_prefix("calls-").expect("a temporary folder");
    let file = folder.path().join("calls");
    run_all_other_tests(CALLS, &file);

    let called = std::fs::read_to_string(&file).expect("the tests have written their calls");
    let called: BTreeSet<(&str, &str)> = called
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let offered: BTreeSet<(&str, &str)> = local_aws::operations().into_iter().collect();
    let elsewhere: BTreeSet<(&str, &str)> = ELSEWHERE
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let tested: BTreeSet<_> = called.union(&elsewhere).copied().collect();
    let untested: Vec<_> = offered.difference(&tested).collect();
    assert!(untested.is_empty(), "called by no test: {untested:?}");
    let stale: Vec<_> = elsewhere.intersection(&called).collect();
    assert!(stale.is_empty(), "called here as well: {stale:?}");
    let gone: Vec<_> = elsewhere.difference(&offered).collect();
    assert!(gone.is_empty(), "not offered: {gone:?}");
    let unnamed: Vec<_> = called.difference(&offered).collect();
    assert!(unnamed.is_empty(), "called but not offered: {unnamed:?}");
}

#[test]
fn every_test_passes_over_http() {
    run_all_other_tests(TRANSPORT, Path::new("http"));
}

/// Runs every test outside of this module with one environment variable; panics with its output if one fails.
fn run_all_other_tests(variable: &str, value: &Path) {
    let binary = std::env::current_exe().expect("a running program has a path");
    let output = Command::new(binary)
        .args(["--skip", "suite::"])
        .env(variable, value)
        .output()
        .expect("the test binary can be run");
    assert!(
        output.status.success(),
        "with `{variable}={}`:\n{}{}",
        value.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
