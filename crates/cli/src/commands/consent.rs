//! Asking before data is lost.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use futures_util::future::try_join_all;
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::fault::Code;
use provision_engine::plan::{Plan, Step};
use provision_engine::resource::HoldsData;
use provision_engine::stack::Declared;

use super::Session;
use crate::ui::plan_text;
use crate::ui::render;

/// Returns the data that the declared resources hold, in words, by id: beside the reading of the account, so that it takes no
/// time of its own.
pub(super) async fn held(aws: &Aws, declaration: &Declaration) -> Result<BTreeMap<String, String>> {
    let holding = declaration
        .resources
        .iter()
        .filter(|declared| declared.resource.kind().holds_data == HoldsData::Yes);
    let losses = holding.map(async |declared: &Declared| {
        let loss = declared.resource.losses(aws).await?;
        anyhow::Ok(loss.map(|loss| (declared.id.clone(), loss)))
    });
    Ok(try_join_all(losses).await?.into_iter().flatten().collect())
}

/// Returns the data that `plan` would lose, in words, by step id.
pub(super) async fn losses(aws: &Aws, plan: &Plan) -> Result<BTreeMap<String, String>> {
    let losses = plan.losing_data().map(async |step: &Step| {
        let loss = step.resource.losses(aws).await?;
        anyhow::Ok(loss.map(|loss| (step.id.clone(), loss)))
    });
    Ok(try_join_all(losses).await?.into_iter().flatten().collect())
}

/// A question before a plan is carried out.
pub(super) struct Question<'a> {
    pub(super) plan: &'a Plan,
    /// The losses that a later `up` does not bring back.
    pub(super) losses: &'a [String],
    /// True if to ask even if nothing is lost.
    pub(super) always: bool,
    /// The remedy where nobody can be asked.
    pub(super) remedy: &'a str,
}

/// Returns whether to go on: if nothing would be lost, or the user agrees.
///
/// # Errors
///
/// `Code::WouldLoseData` if data would be lost and nobody can be asked.
pub(super) async fn may_lose(session: &Session<'_>, question: Question<'_>) -> Result<bool> {
    let Question {
        plan,
        losses,
        always,
        remedy,
    } = question;
    if session.config.yes {
        return Ok(true);
    }
    let console = &session.console;
    if !console.is_interactive() {
        if losses.is_empty() {
            return Ok(true);
        }
        bail!(
            Code::WouldLoseData
                .fault(format!("this would also delete {}", losses.join(", ")))
                .remedy(remedy.to_owned())
        );
    }
    if losses.is_empty() && !always {
        return Ok(true);
    }
    if console.is_quiet() {
        let place = render::place(&plan.stack, &plan.target, session.config.local);
        console.insist(&place);
        let verbose = session.config.verbose;
        console.insist(&plan_text::plan(plan, console.stderr_paint(), verbose));
    }
    for loss in losses {
        console.insist(&format!("This also deletes {loss}."));
    }
    let asked = async { Ok(console.confirm("Go ahead?").await) };
    let answer = session.interrupt.or(asked).await;
    match answer {
        Ok(true) => {}
        Ok(false) => {
            console.insist("Nothing was changed.");
            let fault = Code::Declined.fault("declined; nothing was changed");
            console.without_result(&fault.into());
        }
        Err(_) => console.end_line(),
    }
    answer
}

/// Returns an error before the first call for a deletion that AWS would refuse in the middle, with the remedy for its step.
pub(super) fn refuse_protected(plan: &Plan, remedy: impl FnOnce(&Step) -> String) -> Result<()> {
    let is_protected = |step: &&Step| {
        let observed = step.observed();
        observed.is_some_and(|observed| step.resource.is_protected(observed))
    };
    let Some(step) = plan.losing_data().find(is_protected) else {
        return Ok(());
    };
    bail!(
        Code::DeletionProtection
            .fault(format!(
                "{} is protected from deletion; nothing was changed",
                step.resource.label()
            ))
            .remedy(remedy(step))
    )
}
