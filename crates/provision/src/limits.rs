//! AWS's limits on names and sizes, checked before anything is asked or changed.

use anyhow::{Context, Result, bail, ensure};

use crate::declaration::Stack;
use crate::fault::Code;
use crate::owner::Tags;
use crate::resource::log_group::RETENTION_DAYS;
use crate::resource::{Function, LogGroup, Resource, Role, Stage, Table};

impl Stack {
    /// Refuses what AWS would refuse (service models and quota pages).
    pub fn check(&self) -> Result<()> {
        let checked = self
            .declared
            .iter()
            .try_for_each(|declared| match &declared.resource {
                Resource::Role(role) => check_role(role),
                Resource::Table(table) => check_table(table),
                Resource::LogGroup(group) => check_log_group(group),
                Resource::Function(function) => check_function(function),
                Resource::Stage(stage) => check_stage(stage),
                Resource::Method(method) => {
                    let timeout = method
                        .integration
                        .as_ref()
                        .map_or(50, |behind| behind.timeout_ms);
                    ensure!(
                        (50..=29_000).contains(&timeout),
                        "an integration's timeout is 50 to 29000 ms, not {timeout}"
                    );
                    Ok(())
                }
                Resource::RestApi(api) => check_tags(&api.tags),
                Resource::ApiKey(key) => {
                    ensure!(
                        key.name.len() <= 1024,
                        "an API key's name has at most 1024 characters"
                    );
                    check_tags(&key.tags)
                }
                Resource::UsagePlan(plan) => check_tags(&plan.tags),
                Resource::Permission(permission) => {
                    name("a statement id", &permission.sid, 1..=87, "-_")
                }
                Resource::Path(_) | Resource::Deployment(_) => Ok(()),
            });
        checked.context(Code::Limit.fault("AWS would refuse the declaration"))
    }
}

fn check_role(role: &Role) -> Result<()> {
    name("a role's name", &role.name, 1..=64, "+=,.@-_")?;
    let trust = role.trust.to_text().len();
    ensure!(
        trust <= 2048,
        "the trust policy of `{}` has {trust} characters; IAM takes 2048",
        role.name
    );
    let inline: usize = role
        .policies
        .values()
        .map(|policy| policy.to_text().len())
        .sum();
    ensure!(
        inline <= 10_240,
        "the policies of `{}` have {inline} characters; IAM takes 10240",
        role.name
    );
    ensure!(
        role.description.len() <= 1000 && role.description.chars().all(|c| u32::from(c) < 0x100),
        "the description of `{}` must be Latin-1 and at most 1000 characters",
        role.name
    );
    check_tags(&role.tags)
}

fn check_table(table: &Table) -> Result<()> {
    name("a table's name", &table.name, 3..=255, "_.-")?;
    check_tags(&table.tags)
}

fn check_log_group(group: &LogGroup) -> Result<()> {
    name("a log group's name", &group.name, 1..=512, ".-_/#")?;
    if let Some(days) = group.retention_days {
        ensure!(
            RETENTION_DAYS.contains(&days),
            "log groups cannot keep events for {days} days; CloudWatch takes one of {RETENTION_DAYS:?}"
        );
    }
    check_tags(&group.tags)
}

fn check_function(function: &Function) -> Result<()> {
    name("a function's name", &function.name, 1..=64, "-_")?;
    ensure!(
        (1..=900).contains(&function.timeout_s),
        "a function's timeout is 1 to 900 s"
    );
    ensure!(
        (128..=10_240).contains(&function.memory_mb),
        "a function's memory is 128 to 10240 MB"
    );
    ensure!(
        function.description.len() <= 256,
        "a function's description has at most 256 characters"
    );
    check_tags(&function.tags)
}

fn check_stage(stage: &Stage) -> Result<()> {
    name("a stage's name", &stage.name, 1..=128, "-_")?;
    check_tags(&stage.tags)
}

fn name(
    what: &str,
    name: &str,
    length: std::ops::RangeInclusive<usize>,
    others: &str,
) -> Result<()> {
    if !length.contains(&name.chars().count()) {
        bail!(
            "{what} has {} to {} characters: `{name}`",
            length.start(),
            length.end()
        );
    }
    let odd = name
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !others.contains(*c));
    if let Some(odd) = odd {
        bail!("{what} cannot contain `{odd}`: `{name}`");
    }
    Ok(())
}

/// The characters that all services take in tags.
fn check_tags(tags: &Tags) -> Result<()> {
    for (key, value) in &tags.0 {
        for (text, limit) in [(key, 128), (value, 256)] {
            let is_plain = text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-=._:/".contains(c));
            ensure!(
                text.len() <= limit && is_plain,
                "`{text}` cannot be part of a tag on all services"
            );
        }
    }
    Ok(())
}
