//! What commands on a deployed stack begin with.

use anyhow::{Result, bail};

use super::{Session, look};
use crate::aws::Aws;
use crate::declaration::Stack;
use crate::fault::Code;
use crate::input::Outputs;
use crate::planner;
use crate::resource::Look;
use crate::stack;

/// The stack and what is known of its outputs; an error if nothing of it is there.
pub(super) async fn deployed(session: &Session, aws: &Aws) -> Result<(Stack, Outputs)> {
    let stack = stack::lab(&session.config.settings(aws.region()))?;
    stack.check()?;
    let reading = Look::new(aws.clone());
    let seen = look(session, &stack, &reading).await?;
    if seen.observations.is_empty() {
        bail!(
            Code::NotDeployed
                .fault(format!("the stack `{}` is not deployed here", stack.name))
                .remedy(session.up_first())
        );
    }
    let (_, known) = planner::up(&stack, seen.account(), stack.known_names())?;
    Ok((stack, known))
}
