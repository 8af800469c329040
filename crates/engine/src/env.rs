//! The environment of one deployment: plain data that a stack function declares by.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::str::FromStr;

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};

use crate::fault::Code;

/// A function's processor architecture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Architecture {
    /// `x86_64`.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// `arm64`: AWS Graviton.
    #[serde(rename = "arm64")]
    Arm64,
}

impl Architecture {
    /// Lambda's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The Rust target of Lambda's runtimes.
    pub fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "x86_64" => Ok(Self::X86_64),
            "arm64" => Ok(Self::Arm64),
            _ => Err("expected x86_64 or arm64".to_owned()),
        }
    }
}

impl Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One copy of a stack, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Env {
    name: Option<String>,
    is_pattern: bool,
    region: String,
    architecture: Architecture,
    parameters: BTreeMap<String, String>,
}

impl Env {
    /// The copy called `name`, or the one without a name, in `region`.
    pub fn new(name: Option<&str>, region: &str) -> Self {
        Self {
            name: name.filter(|name| !name.is_empty()).map(str::to_owned),
            is_pattern: false,
            region: region.to_owned(),
            architecture: Architecture::default(),
            parameters: BTreeMap::new(),
        }
    }

    /// All copies whose names match `pattern`, in which `*` stands for any text: for policies, where names may be patterns. AWS's
    /// limits are not checked then. Nothing can be deployed like this, because AWS refuses such names.
    pub fn matching(pattern: &str, region: &str) -> Self {
        Self {
            is_pattern: true,
            ..Self::new(Some(pattern), region)
        }
    }

    /// Sets the functions' architecture.
    #[must_use]
    pub fn with_architecture(self, architecture: Architecture) -> Self {
        Self {
            architecture,
            ..self
        }
    }

    /// Sets parameters that the stack asks for, by name.
    #[must_use]
    pub fn with_parameters(self, parameters: BTreeMap<String, String>) -> Self {
        Self { parameters, ..self }
    }

    /// The name that `--env` gives; `None` is the copy whose resources' names carry none.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns true if the name stands for all names that match it.
    pub fn is_pattern(&self) -> bool {
        self.is_pattern
    }

    /// Returns true if `--env` gives this name.
    pub fn is(&self, name: &str) -> bool {
        self.name() == Some(name)
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The functions' architecture.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The parameters that were set on the command line.
    pub fn parameters(&self) -> &BTreeMap<String, String> {
        &self.parameters
    }

    /// Returns `name` with the environment's name behind it.
    pub fn named(&self, name: &str) -> String {
        match self.name() {
            Some(env) => format!("{name}-{env}"),
            None => name.to_owned(),
        }
    }

    /// Returns the environment as the application's own type, which knows the names it accepts.
    ///
    /// # Errors
    ///
    /// `Code::EnvName` with the type's own text.
    pub fn parse<T>(&self) -> Result<T>
    where
        T: FromStr<Err: Display>,
    {
        let name = self.name().unwrap_or_default();
        name.parse().map_err(|error| {
            anyhow!(
                Code::EnvName
                    .fault(format!("`--env {name}`: {error}"))
                    .remedy("the stack function reads the name with `env.parse`")
            )
        })
    }
}
