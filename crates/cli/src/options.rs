//! Options of the command line, checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail, ensure};
use provision_aws::connection::ConnectOptions;
use provision_engine::asset::Code as AssetCode;
use provision_engine::declaration::Declaration;
use provision_engine::env::{Architecture, Env};
use provision_engine::fault::Code;
use provision_engine::selection::Selection;
use provision_package::Overrides;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::args::{Declare, Deploy, Global, Select};
use crate::environment::Environment;
use crate::local;
use crate::ui::command_text::CommandText;

/// The region of documents that are made without AWS, if none is set.
const OFFLINE_REGION: &str = "us-east-1";

/// Options of every command.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Options of the connection.
    pub(crate) connection: ConnectOptions,
    /// `--env`.
    pub(crate) env: Option<String>,
    /// `--local`.
    pub(crate) local: bool,
    /// `--json`.
    pub(crate) json: bool,
    /// `--yes`.
    pub(crate) yes: bool,
    /// `-v`.
    pub(crate) verbose: bool,
    /// The local AWS's folder, port and program.
    pub(crate) local_aws: local::Settings,
    /// The environment variables.
    pub(crate) environment: Environment,
}

/// Options of a declaration.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct DeclareOptions {
    architecture: Architecture,
    parameters: BTreeMap<String, String>,
}

/// Options of a deployment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeployOptions {
    /// Options of the declaration.
    pub(crate) declare: DeclareOptions,
    /// `--bootstrap`, as it was given.
    bootstrap: Vec<String>,
    /// `--release`.
    pub(crate) release: bool,
    /// `--adopt`.
    pub(crate) adopt: BTreeSet<String>,
}

impl Config {
    /// Checks the options of every command.
    ///
    /// # Errors
    ///
    /// `Code::EnvName`.
    pub(crate) fn new(global: &Global, environment: Environment) -> Result<Self> {
        let env = global.env.clone().filter(|env| !env.is_empty());
        if let Some(env) = &env {
            ensure!(
                env.len() <= 20 && env.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
                Code::EnvName
                    .fault(format!("`--env {env}` cannot be part of resource names"))
                    .remedy("at most 20 letters, digits and hyphens")
            );
        }
        Ok(Self {
            connection: ConnectOptions {
                profile: global.profile.clone(),
                region: global.region.clone(),
                local: None,
            },
            env,
            local: global.local,
            json: global.json,
            yes: global.yes,
            verbose: global.verbose > 0,
            local_aws: local::Settings::from(&environment),
            environment,
        })
    }

    /// Returns the region without reading the user's files: as given, else as the environment says.
    pub(crate) fn region_offline(&self) -> String {
        let from_environment = || {
            let mut names = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter();
            names.find_map(|name| self.environment.get(name).map(str::to_owned))
        };
        let given = self.connection.region.clone().or_else(from_environment);
        given.unwrap_or_else(|| OFFLINE_REGION.to_owned())
    }
}

impl DeclareOptions {
    /// Reads the options of a declaration.
    ///
    /// # Errors
    ///
    /// `Code::Argument` for an unknown architecture.
    pub(crate) fn new(declare: &Declare) -> Result<Self> {
        let architecture = declare.arch.parse();
        Ok(Self {
            architecture: architecture
                .map_err(|error| anyhow!(Code::Argument.fault(format!("`--arch`: {error}"))))?,
            parameters: declare.set.iter().cloned().collect(),
        })
    }

    /// Returns the environment that the stack is declared for.
    pub(crate) fn env(&self, name: Option<&str>, region: &str) -> Env {
        Env::new(name, region)
            .with_architecture(self.architecture)
            .with_parameters(self.parameters.clone())
    }

    /// Returns `command` with the options for the same declaration.
    pub(crate) fn text(&self, app: &App, command: impl Into<CommandText>) -> CommandText {
        let is_default = self.architecture == Architecture::default();
        let architecture = Some(self.architecture).filter(|_| !is_default);
        let mut text = command.into().option("--arch", architecture);
        let is_flag = |name: &str| app.flags().iter().any(|flag| flag.name == name);
        for flag in app.flags() {
            let value = self.parameters.get(flag.name);
            text = text.option(&format!("--{}", flag.name), value);
        }
        let others = self.parameters.iter().filter(|(name, _)| !is_flag(name));
        let others = others.map(|(name, value)| format!("{name}={value}"));
        text.options("--set", others)
    }
}

impl DeployOptions {
    /// Reads the options of a deployment.
    ///
    /// # Errors
    ///
    /// As [`DeclareOptions::new`].
    pub(crate) fn new(deploy: &Deploy) -> Result<Self> {
        Ok(Self {
            declare: DeclareOptions::new(&deploy.declare)?,
            bootstrap: deploy.bootstrap.clone(),
            release: deploy.release,
            adopt: deploy.adopt.iter().cloned().collect(),
        })
    }

    /// The binaries that were built elsewhere.
    pub(crate) fn overrides(&self) -> Overrides {
        overrides(&self.bootstrap)
    }

    /// Returns an error if a name to adopt, or a binary that was given by its name, is none of the stack's.
    ///
    /// # Errors
    ///
    /// `Code::NoSuchStep`.
    pub(crate) fn check(&self, declaration: &Declaration) -> Result<()> {
        let names: Vec<String> = declaration
            .resources
            .iter()
            .map(|declared| declared.resource.name())
            .collect();
        let unknown = self.adopt.iter().find(|name| !names.contains(name));
        if let Some(name) = unknown {
            bail!(
                Code::NoSuchStep
                    .fault(format!("the stack has nothing with the name `{name}`"))
                    .remedy(format!("one of {}", names.join(", ")))
            );
        }
        let binaries = declaration
            .assets
            .iter()
            .filter_map(|asset| match &asset.code {
                AssetCode::Binary { name, .. } => Some(name.as_str()),
                AssetCode::Zip(_) | AssetCode::Directory(_) => None,
            });
        let binaries: BTreeSet<&str> = binaries.collect();
        let given = self.overrides().by_name;
        let unknown = given.keys().find(|name| !binaries.contains(name.as_str()));
        if let Some(name) = unknown {
            let known: Vec<&str> = binaries.into_iter().collect();
            bail!(
                Code::NoSuchStep
                    .fault(format!("no function of the stack runs a binary `{name}`"))
                    .remedy(format!("one of {}", known.join(", ")))
            );
        }
        Ok(())
    }

    /// Returns `command` with the options for the same deployment.
    pub(crate) fn text(&self, app: &App, command: impl Into<CommandText>) -> CommandText {
        self.declare
            .text(app, command)
            .options("--bootstrap", &self.bootstrap)
            .options("--adopt", &self.adopt)
    }
}

/// Reads `--bootstrap [BIN=]PATH`.
pub(crate) fn overrides(given: &[String]) -> Overrides {
    let mut overrides = Overrides::default();
    for text in given.iter().filter(|text| !text.is_empty()) {
        match text.split_once('=') {
            Some((name, path)) if !name.contains(['/', '\\']) => {
                let path = PathBuf::from(path);
                overrides.by_name.insert(name.to_owned(), path);
            }
            _ => overrides.any = Some(PathBuf::from(text)),
        }
    }
    overrides
}

impl Select {
    /// The selected part of a plan.
    pub(crate) fn selection(&self) -> Selection {
        Selection {
            only: self.only.iter().cloned().collect(),
            skip: self.skip.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_given_for_one_function_or_for_all() {
        let given = ["orders=/b/orders".to_owned(), "./a=b/bootstrap".to_owned()];
        let overrides = overrides(&given);
        assert_eq!(overrides.by_name["orders"], PathBuf::from("/b/orders"));
        assert_eq!(overrides.any, Some(PathBuf::from("./a=b/bootstrap")));
    }
}
