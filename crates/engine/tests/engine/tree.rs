//! The crates that the engine is built from.

use std::process::Command;

#[test]
fn the_engine_depends_on_no_service() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let arguments = ["tree", "--offline", "-e", "normal", "--prefix", "none"];
    let output = Command::new(cargo)
        .args(arguments)
        .args(["-p", env!("CARGO_PKG_NAME"), "--manifest-path", manifest])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.starts_with("provision-engine "), "{tree}");
    let services = tree.lines().filter(|line| line.starts_with("aws-"));
    assert_eq!(services.count(), 0, "{tree}");
}
