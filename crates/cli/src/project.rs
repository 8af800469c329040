//! A workspace of one's own, from templates that are compiled in.
//!
//! In a template `@name@` is the workspace's name, `@crate@` the same as Rust writes it, and `@kit:CRATE@` a dependency on a
//! crate of this project.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use provision_engine::fault::Code;
use serde_json::Value;

use crate::args::Template;
use crate::sources::{is_workspace, own_workspace};

macro_rules! files {
    ($($path:literal from $file:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../templates/", $file)))),+]
    };
}

type Files = &'static [(&'static str, &'static str)];

const SHARED: Files = files![
    ".gitignore" from "shared/gitignore",
    ".github/workflows/test.yml" from "shared/workflow.yml",
    "Cargo.toml" from "shared/Cargo.toml.in",
    "contract/Cargo.toml" from "shared/contract/Cargo.toml.in",
    "functions/Cargo.toml" from "shared/functions/Cargo.toml.in",
    "justfile" from "shared/justfile",
    "stack/Cargo.toml" from "shared/stack/Cargo.toml.in",
    "stack/src/main.rs" from "shared/stack/main.rs",
];

const API: Files = files![
    "README.md" from "api/README.md",
    "contract/src/lib.rs" from "api/contract/lib.rs",
    "functions/src/bin/reader.rs" from "api/functions/bin/reader.rs",
    "functions/src/bin/writer.rs" from "api/functions/bin/writer.rs",
    "functions/src/lib.rs" from "api/functions/lib.rs",
    "stack/src/lib.rs" from "api/stack/lib.rs",
    "stack/tests/declaration.txt" from "api/stack/declaration.txt",
    "stack/tests/stack.rs" from "api/stack/stack_test.rs",
];

const LAB: Files = files![
    "README.md" from "lab/README.md",
    "contract/src/lib.rs" from "lab/contract/lib.rs",
    "functions/src/bin/manager.rs" from "lab/functions/bin/manager.rs",
    "functions/src/lib.rs" from "lab/functions/lib.rs",
    "stack/src/lib.rs" from "lab/stack/lib.rs",
    "stack/tests/declaration.txt" from "lab/stack/declaration.txt",
    "stack/tests/stack.rs" from "lab/stack/stack_test.rs",
];

/// The crates of this project that a workspace depends on, and their folders.
const CRATES: [(&str, &str); 3] = [
    ("provision", "crates/provision"),
    ("client", "crates/client"),
    ("link", "crates/link"),
];

/// The names of crates that come with Rust, or that templates use.
const TAKEN: [&str; 13] = [
    "alloc",
    "anyhow",
    "core",
    "lambda-runtime",
    "proc-macro",
    "provision",
    "provision-client",
    "provision-link",
    "serde",
    "serde-json",
    "std",
    "test",
    "tokio",
];

/// The words that Rust's grammar keeps for itself (The Rust Reference, "Keywords").
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// The place that a workspace takes this project's crates from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A folder with its sources.
    Path(PathBuf),
    /// A git repository.
    Git(String),
}

/// A workspace that is to be made.
#[derive(Debug)]
pub(crate) struct Project {
    name: String,
    template: Template,
    source: Source,
}

impl Source {
    /// Returns the source that is given, or the sources that this program was compiled from.
    ///
    /// # Errors
    ///
    /// `Code::Argument` if a folder is not this project, or none is given where the sources are not on this machine any more.
    pub(crate) fn of(path: Option<&Path>, git: Option<&str>) -> Result<Self> {
        if let Some(url) = git {
            ensure!(
                !url.is_empty() && !url.contains(char::is_whitespace),
                Code::Argument.fault(format!("`--git {url}` is not the URL of a repository"))
            );
            return Ok(Self::Git(url.to_owned()));
        }
        let folder = match path {
            Some(folder) => folder.to_owned(),
            None => own_workspace().context(
                Code::Argument
                    .fault("the sources of `provision` are not on this machine any more")
                    .remedy("`--path DIR` with its folder, or `--git URL`"),
            )?,
        };
        ensure!(
            is_workspace(&folder),
            Code::Argument.fault(format!(
                "`--path {}`: there is no crates/provision in it",
                folder.display()
            ))
        );
        let folder = fs::canonicalize(folder);
        Ok(Self::Path(folder.context("finding the folder")?))
    }

    /// Returns the dependency on a crate as TOML: `path = "…"`.
    fn dependency(&self, folder: &str) -> String {
        // TOML's strings are written as JSON's are.
        let text = |text: &str| Value::from(text).to_string();
        match self {
            Self::Path(root) => format!("path = {}", text(&root.join(folder).to_string_lossy())),
            Self::Git(url) => format!("git = {}", text(url)),
        }
    }
}

impl Project {
    /// A workspace called `name`, which is the name of its package and of its stack.
    ///
    /// # Errors
    ///
    /// `Code::Argument` if it cannot be both.
    pub(crate) fn new(name: &str, template: Template, source: Source) -> Result<Self> {
        let is_name = (2..=20).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        ensure!(
            is_name,
            Code::Argument
                .fault(format!(
                    "`{name}` cannot be the name of a package and a stack"
                ))
                .remedy("2 to 20 lower-case letters, digits and hyphens, with a letter first")
        );
        ensure!(
            !TAKEN.contains(&name) && !KEYWORDS.contains(&name),
            Code::Argument
                .fault(format!(
                    "`{name}` means something else in Rust or in the template"
                ))
                .remedy("another name")
        );
        Ok(Self {
            name: name.to_owned(),
            template,
            source,
        })
    }

    /// The name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the files by their paths.
    ///
    /// # Errors
    ///
    /// If the sources' `Cargo.lock` cannot be read.
    pub(crate) fn files(&self) -> Result<Vec<(String, String)>> {
        let own = match self.template {
            Template::Api => API,
            Template::Lab => LAB,
        };
        let files = SHARED.iter().chain(own);
        let mut files: Vec<(String, String)> = files
            .map(|(path, content)| ((*path).to_owned(), self.filled(content)))
            .collect();
        // The versions that this project is tested with.
        if let Source::Path(root) = &self.source {
            let lock = root.join("Cargo.lock");
            if lock.is_file() {
                let content = fs::read_to_string(&lock);
                let content = content.with_context(|| format!("reading {}", lock.display()))?;
                files.push(("Cargo.lock".to_owned(), content));
            }
        }
        Ok(files)
    }

    fn filled(&self, content: &str) -> String {
        let mut text = content
            .replace("@name@", &self.name)
            .replace("@crate@", &self.name.replace('-', "_"));
        for (name, folder) in CRATES {
            text = text.replace(&format!("@kit:{name}@"), &self.source.dependency(folder));
        }
        text
    }
}

/// Returns an error if `folder` is there and not empty.
///
/// # Errors
///
/// `Code::Argument`.
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    let is_free = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !folder.exists(),
    };
    ensure!(
        is_free,
        Code::Argument
            .fault(format!("`{}` is there already", folder.display()))
            .remedy("another name, or another folder to run this in")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str, template: Template) -> Project {
        let source = Source::Git("https://example.com/provision".to_owned());
        Project::new(name, template, source).unwrap()
    }

    #[test]
    fn no_placeholder_is_left() {
        for template in [Template::Api, Template::Lab] {
            for (path, content) in project("my-notes", template).files().unwrap() {
                let is_left = content.contains("@name@")
                    || content.contains("@crate@")
                    || content.contains("@kit:");
                assert!(!is_left, "{path}:\n{content}");
            }
        }
    }

    #[test]
    fn a_name_is_one_of_a_package_and_of_a_stack() {
        for name in [
            "",
            "a",
            "Notes",
            "1st",
            "a_b",
            "-a",
            "a-",
            "x".repeat(21).as_str(),
            "provision",
            "serde-json",
            "match",
        ] {
            let made = Project::new(name, Template::Api, Source::Git(String::new()));
            assert!(made.is_err(), "`{name}` was taken");
        }
    }

    #[test]
    fn a_folder_that_is_something_else_is_refused() {
        let error = Source::of(Some(Path::new("/")), None).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "`--path /`: there is no crates/provision in it"
        );
    }

    #[test]
    fn a_source_that_toml_would_read_in_another_way_is_quoted() {
        let quoted = Source::Path(PathBuf::from("/a \"b\"\\c")).dependency("crates/link");
        assert_eq!(quoted, r#"path = "/a \"b\"\\c/crates/link""#);
        for url in ["", "https://example.com/a b"] {
            let error = Source::of(None, Some(url)).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("`--git {url}` is not the URL of a repository")
            );
        }
    }

    #[test]
    fn dependencies_are_those_of_the_source() {
        let files = project("notes", Template::Api).files().unwrap();
        let (_, manifest) = files.iter().find(|(path, _)| path == "Cargo.toml").unwrap();
        assert!(
            manifest.contains("provision = { git = \"https://example.com/provision\" }"),
            "{manifest}"
        );
    }
}
