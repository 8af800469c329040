//! The first steps of commands on a deployed stack.

use anyhow::{Result, bail};

use super::{Session, look};
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::fault::Code;
use provision_engine::input::Outputs;
use provision_engine::owner::Ownership;
use provision_engine::planner;
use provision_engine::look::Look;
use crate::stack;

/// The stack and the outputs of what is there of it; an error if that is nothing.
pub(super) async fn deployed(session: &Session, aws: &Aws) -> Result<(Stack, Outputs)> {
    let stack = stack::lab(&session.config.settings(aws.region()))?;
    stack.check()?;
    let reading = Look::new(aws.clone());
    let seen = look(session, &stack, &reading).await?;
    let is_ours = |id: &str| {
        let found = seen.observations.get(id);
        found.is_some_and(|found| found.ownership == Ownership::Ours)
    };
    if !seen.observations.keys().any(|id| is_ours(id)) {
        bail!(
            Code::NotDeployed
                .fault(format!("the stack `{}` is not deployed here", stack.name))
                .remedy(session.up_first())
        );
    }
    let (_, known) = planner::up(&stack, seen.account(), stack.known_names())?;
    Ok((stack, known.of(is_ours)))
}
