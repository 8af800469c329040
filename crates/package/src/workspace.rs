//! The cargo workspace that functions are built from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use provision_engine::fault::Code;
use serde::Deserialize;

/// A cargo workspace, as `cargo metadata` describes it.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// The folder that it is built into.
    pub target: PathBuf,
    packages: BTreeMap<String, Package>,
}

#[derive(Clone, Debug)]
struct Package {
    folder: PathBuf,
    binaries: BTreeSet<String>,
    /// Packages of this workspace that are compiled into it; not what its tests alone need.
    dependencies: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<MetadataPackage>,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    path: Option<PathBuf>,
    /// `dev` or `build`; nothing for what is linked.
    kind: Option<String>,
}

impl Dependency {
    fn is_compiled_in(&self) -> bool {
        self.path.is_some() && self.kind.as_deref() != Some("dev")
    }
}

impl Workspace {
    /// Returns the workspace around `folder`; `None` if no `Cargo.toml` is in it or above. Asks `cargo metadata`, without network.
    ///
    /// # Errors
    ///
    /// `Code::BuildFailed` if cargo does not run, `Code::NoSources` if it refuses the manifests.
    pub fn around(folder: &Path) -> Result<Option<Self>> {
        let has_manifest = |folder: &Path| folder.join("Cargo.toml").is_file();
        if !folder.ancestors().any(has_manifest) {
            return Ok(None);
        }
        let asked = Command::new("cargo")
            .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .with_context(|| {
                Code::BuildFailed
                    .fault("running `cargo metadata`")
                    .remedy("install Rust (rustup.rs)")
            })?;
        ensure!(
            asked.status.success(),
            Code::NoSources.fault(format!(
                "`cargo metadata`: {}",
                String::from_utf8_lossy(&asked.stderr).trim()
            ))
        );
        let metadata: Metadata =
            serde_json::from_slice(&asked.stdout).context("reading cargo's metadata")?;
        Ok(Some(Self::from(metadata)))
    }

    /// Returns true if `package` is a member of the workspace.
    pub fn has(&self, package: &str) -> bool {
        self.packages.contains_key(package)
    }

    /// Returns the package with the binary `name`; `package` says which, where several have one.
    ///
    /// # Errors
    ///
    /// `Code::NoSources` if no package has it, or several do.
    pub(crate) fn package_of<'a>(
        &'a self,
        name: &str,
        package: Option<&'a str>,
    ) -> Result<&'a str> {
        if let Some(package) = package {
            let found = self.packages.get(package);
            ensure!(
                found.is_some_and(|found| found.binaries.contains(name)),
                Code::NoSources.fault(format!(
                    "the workspace has no binary `{name}` in a package `{package}`"
                ))
            );
            return Ok(package);
        }
        let packages = self.packages.iter();
        let owners: Vec<&str> = packages
            .filter(|(_, package)| package.binaries.contains(name))
            .map(|(package, _)| package.as_str())
            .collect();
        match owners[..] {
            [package] => Ok(package),
            [] => bail!(
                Code::NoSources
                    .fault(format!(
                        "no package of the workspace has a binary `{name}`{}",
                        self.similar_to(name)
                    ))
                    .remedy("give the function's `Code::binary` or `#[links(bin = …)]` the name of a binary, or `--bootstrap PATH`")
            ),
            _ => bail!(
                Code::NoSources
                    .fault(format!(
                        "packages {} each have a binary `{name}`",
                        owners.join(", ")
                    ))
                    .remedy("name the package as well, with `Code::binary_of`")
            ),
        }
    }

    fn similar_to(&self, name: &str) -> String {
        let all = self.packages.values().flat_map(|package| &package.binaries);
        let similar: BTreeSet<&str> = all
            .filter(|known| strsim::damerau_levenshtein(known, name) <= 2)
            .map(String::as_str)
            .collect();
        if similar.is_empty() {
            return String::new();
        }
        let similar: Vec<String> = similar.iter().map(|name| format!("`{name}`")).collect();
        format!("; there is {}", similar.join(", "))
    }

    /// Returns the folders of `package` and of all packages of this workspace that are compiled into it.
    pub(crate) fn folders_of(&self, package: &str) -> BTreeSet<PathBuf> {
        let mut folders = BTreeSet::new();
        let mut open = vec![package];
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            let Some(package) = self.packages.get(name).filter(|_| seen.insert(name)) else {
                continue;
            };
            folders.insert(package.folder.clone());
            open.extend(package.dependencies.iter().map(String::as_str));
        }
        folders
    }
}

impl From<Metadata> for Workspace {
    fn from(metadata: Metadata) -> Self {
        let packages = metadata.packages.into_iter().map(|package| {
            let binaries = package.targets.into_iter();
            let binaries = binaries.filter(|target| target.kind.iter().any(|kind| kind == "bin"));
            let dependencies = package.dependencies.into_iter();
            let dependencies = dependencies.filter(Dependency::is_compiled_in);
            let folder = package.manifest_path.parent().unwrap_or(Path::new("."));
            let described = Package {
                folder: folder.to_owned(),
                binaries: binaries.map(|target| target.name).collect(),
                dependencies: dependencies.map(|dependency| dependency.name).collect(),
            };
            (package.name, described)
        });
        Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            packages: packages.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(packages: &[(&str, &[&str], &[&str])]) -> Workspace {
        let packages = packages.iter().map(|(name, binaries, dependencies)| {
            let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            let package = Package {
                folder: PathBuf::from(format!("/w/{name}")),
                binaries: owned(binaries),
                dependencies: owned(dependencies),
            };
            ((*name).to_owned(), package)
        });
        Workspace {
            target: PathBuf::from("target"),
            root: PathBuf::from("/w"),
            packages: packages.collect(),
        }
    }

    #[test]
    fn a_binary_is_found_in_its_package() {
        let workspace = workspace(&[
            ("a", &["reader"], &[]),
            ("b", &["x"], &[]),
            ("c", &["x"], &[]),
        ]);
        assert_eq!(workspace.package_of("reader", None).unwrap(), "a");
        assert_eq!(workspace.package_of("x", Some("c")).unwrap(), "c");
        let several = workspace.package_of("x", None).unwrap_err();
        assert_eq!(several.to_string(), "packages b, c each have a binary `x`");
        let none = workspace.package_of("reeder", None).unwrap_err();
        assert_eq!(
            none.to_string(),
            "no package of the workspace has a binary `reeder`; there is `reader`"
        );
        assert!(workspace.package_of("reader", Some("b")).is_err());
    }

    #[test]
    fn sources_include_the_packages_that_a_function_depends_on() {
        let workspace = workspace(&[
            ("a", &["x"], &["b"]),
            ("b", &[], &["a", "c"]),
            ("c", &[], &[]),
            ("d", &[], &[]),
        ]);
        let folders = workspace.folders_of("a");
        let expected = ["/w/a", "/w/b", "/w/c"].map(PathBuf::from);
        assert_eq!(folders, BTreeSet::from(expected));
    }

    #[test]
    fn what_only_tests_need_is_no_source_of_a_function() {
        let package = |name: &str, dependencies: serde_json::Value| {
            let manifest = format!("/w/{name}/Cargo.toml");
            serde_json::json!({
                "name": name, "manifest_path": manifest, "targets": [], "dependencies": dependencies,
            })
        };
        let dependencies = serde_json::json!([
            { "name": "contract", "path": "/w/contract", "kind": null },
            { "name": "generator", "path": "/w/generator", "kind": "build" },
            { "name": "emulator", "path": "/w/emulator", "kind": "dev" },
            { "name": "serde", "path": null, "kind": null },
        ]);
        let names = ["contract", "generator", "emulator"];
        let mut packages = names
            .map(|name| package(name, serde_json::json!([])))
            .to_vec();
        packages.push(package("orders", dependencies));
        let metadata = serde_json::json!({
            "workspace_root": "/w", "target_directory": "/w/target", "packages": packages,
        });
        let workspace = Workspace::from(serde_json::from_value::<Metadata>(metadata).unwrap());
        let expected = ["/w/orders", "/w/contract", "/w/generator"].map(PathBuf::from);
        assert_eq!(workspace.folders_of("orders"), BTreeSet::from(expected));
    }
}
