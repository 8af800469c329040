//! The checked form of arguments and environment.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::aws::Connection;
use crate::cli::{Declare, Global, Make, Select};
use crate::declaration::Stack;
use crate::environment::Environment;
use crate::fault::Code;
use crate::local;
use crate::saved::SavedPlan;
use crate::selection::Selection;
use crate::stack::{self, Settings};
use crate::typed::Typed;

/// What every command needs to know.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
#[derive(Clone, Debug)]
pub struct Config {
    pub connection: Connection,
    pub env: Option<String>,
    pub local: bool,
    pub json: bool,
    pub yes: bool,
    pub verbose: bool,
    pub quiet: bool,
    pub local_aws: local::Settings,
    pub environment: Environment,
}

/// How the stack is to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Making {
    pub bootstrap: Option<PathBuf>,
    pub adopt: BTreeSet<String>,
    architecture: String,
    rate: Option<f64>,
    burst: Option<i32>,
}

impl Config {
    pub fn new(global: &Global, environment: Environment) -> Result<Self> {
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
            connection: Connection {
                profile: global.profile.clone(),
                region: global.region.clone(),
                local: None,
            },
            env,
            local: global.local,
            json: global.json,
            yes: global.yes,
            verbose: global.verbose > 0,
            quiet: global.quiet,
            local_aws: local::Settings::from(&environment),
            environment,
        })
    }

    /// The region where nothing is asked, so that nobody's files are read: as given, else as the environment says.
    pub fn region_offline(&self) -> String {
        let from_environment = || {
            ["AWS_REGION", "AWS_DEFAULT_REGION"]
                .iter()
                .find_map(|name| self.environment.get(name).map(str::to_owned))
        };
        let given = self.connection.region.clone().or_else(from_environment);
        given.unwrap_or_else(|| Settings::default().region)
    }

    /// Takes from a saved plan where it belongs; refuses to take it elsewhere.
    pub fn take_from(&mut self, saved: &SavedPlan) -> Result<()> {
        let region = &mut self.connection.region;
        ensure!(
            self.env.is_none() || self.env == saved.env,
            Code::PlanElsewhere.fault(format!(
                "the plan is not for `--env {}`",
                self.env.as_deref().unwrap_or_default()
            ))
        );
        ensure!(
            region.is_none() || region.as_ref() == Some(&saved.region),
            Code::PlanElsewhere.fault(format!("the plan is for region {}", saved.region))
        );
        self.env.clone_from(&saved.env);
        *region = Some(saved.region.clone());
        self.local |= saved.local;
        Ok(())
    }

    /// The stack's settings where nothing is made.
    pub fn settings(&self, region: &str) -> Settings {
        Settings {
            region: region.to_owned(),
            ..Settings::of(self.env.as_deref())
        }
    }
}

impl Making {
    pub fn new(make: &Make) -> Result<Self> {
        Ok(Self {
            bootstrap: make.bootstrap.clone(),
            adopt: make.adopt.iter().cloned().collect(),
            ..Self::declared_by(&make.declare)?
        })
    }

    /// What is declared, where nothing is made.
    pub fn declared_by(declare: &Declare) -> Result<Self> {
        if let Some(rate) = declare.rate {
            ensure!(
                rate.is_finite() && rate > 0.0,
                Code::Throttle.fault(format!(
                    "`--rate {rate}` is not a number of requests per second"
                ))
            );
        }
        if let Some(burst) = declare.burst {
            ensure!(
                burst > 0,
                Code::Throttle.fault(format!("`--burst {burst}` is not a number of requests"))
            );
        }
        Ok(Self {
            bootstrap: None,
            adopt: BTreeSet::new(),
            architecture: declare.arch.clone(),
            rate: declare.rate,
            burst: declare.burst,
        })
    }

    /// Refuses to take over what has no name of the stack's.
    pub fn check(&self, stack: &Stack) -> Result<()> {
        let names: Vec<String> = stack
            .declared
            .iter()
            .map(|declared| declared.resource.name())
            .collect();
        let unknown = self.adopt.iter().find(|name| !names.contains(name));
        match unknown {
            Some(name) => bail!(
                Code::NoSuchStep
                    .fault(format!("the stack has nothing with the name `{name}`"))
                    .remedy(format!("one of {}", names.join(", ")))
            ),
            None => Ok(()),
        }
    }

    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// `command` with the options that make the same.
    pub fn typed(&self, command: impl Into<Typed>) -> Typed {
        let is_usual = self.architecture == stack::ARCHITECTURE;
        let bootstrap = self.bootstrap.as_ref().map(|path| path.display());
        command
            .into()
            .option("--arch", Some(&self.architecture).filter(|_| !is_usual))
            .option("--rate", self.rate)
            .option("--burst", self.burst)
            .option("--bootstrap", bootstrap)
            .options("--adopt", &self.adopt)
    }

    /// The stack's settings with what the command line changes.
    pub fn settings(&self, config: &Config, region: &str) -> Settings {
        let mut settings = config.settings(region);
        settings.architecture.clone_from(&self.architecture);
        settings.throttle.rate = self.rate.unwrap_or(settings.throttle.rate);
        settings.throttle.burst = self.burst.unwrap_or(settings.throttle.burst);
        settings
    }
}

/// An account's number.
pub fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("expected twelve digits".to_owned())
    }
}

impl Select {
    pub fn selection(&self) -> Selection {
        Selection {
            only: self.only.iter().cloned().collect(),
            skip: self.skip.iter().cloned().collect(),
        }
    }
}

/// `90`, `90s`, `10m`, `1h` or `1d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) => (number, &text[number.len()..]),
        None => (text, "s"),
    };
    let seconds_in = match unit {
        "d" => 24 * 3600,
        "h" => 3600,
        "m" => 60,
        _ => 1,
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "expected a time such as 90s, 10m, 1h or 1d".to_owned())?;
    Ok(Duration::from_secs(number.saturating_mul(seconds_in)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_twelve_digits() {
        assert_eq!(account("012345678901"), Ok("012345678901".to_owned()));
        for text in ["", "12345678901", "1234567890123", "12345678901x"] {
            assert!(account(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_in_their_unit() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("10m"), Ok(Duration::from_mins(10)));
        assert_eq!(duration("1h"), Ok(Duration::from_hours(1)));
        assert_eq!(duration("1d"), Ok(Duration::from_hours(24)));
        assert!(duration("soon").is_err());
    }
}
