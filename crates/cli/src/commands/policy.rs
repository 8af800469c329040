//! `policy`: print the least rights that the commands need, or the trust policy of a pipeline's role.

use anyhow::Result;
use provision_engine::declaration::Declaration;
use provision_engine::env::Env;
use provision_engine::operation::Access;
use provision_engine::rights;
use provision_engine::target::Target;
use serde_json::{Value, json};

use super::{Session, account};
use crate::args::{self, PolicyFor};
use crate::ci::ANY_PREVIEW;
use crate::ci::trust::{self, Subject};
use crate::exit::Exit;

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Policy) -> Result<Exit> {
    let target = account::target(session, arguments.account.as_deref()).await?;
    let access = match arguments.r#for {
        PolicyFor::Plan => Access::Read,
        PolicyFor::Up | PolicyFor::Preview => Access::Write,
    };
    let (policy, reasons) = if let Some(repository) = &arguments.trust {
        let subject = subject(arguments);
        subject.check()?;
        let document = trust::document(repository, &subject, &target);
        (document, Value::Null)
    } else {
        let declaration = declaration(session, &target, arguments.r#for)?;
        session.say_place(&declaration.name, &target);
        let kinds = session.app.kinds(&declaration);
        let document = rights::document(&declaration, &kinds, &target, access);
        let reasons = rights::reasons(&declaration, &kinds, &target, access);
        (document, reasons)
    };
    let text = if session.config.json {
        json!({ "schema": 1, "target": target, "policy": policy, "reasons": reasons }).to_string()
    } else {
        serde_json::to_string_pretty(&policy)?
    };
    session.console.result(&text);
    Ok(Exit::Done)
}

/// Declares the stack whose names the document carries.
fn declaration(session: &Session<'_>, target: &Target, r#for: PolicyFor) -> Result<Declaration> {
    let env = match r#for {
        PolicyFor::Preview => Env::matching(ANY_PREVIEW, &target.region),
        PolicyFor::Up | PolicyFor::Plan => Env::new(session.config.env.as_deref(), &target.region),
    };
    session.app.declare(&env)
}

/// Pull requests plan and preview; a branch deploys.
fn subject(arguments: &args::Policy) -> Subject {
    match (&arguments.environment, arguments.r#for) {
        (Some(name), _) => Subject::Environment(name.clone()),
        (None, PolicyFor::Plan | PolicyFor::Preview) => Subject::PullRequests,
        (None, PolicyFor::Up) => Subject::Branch(arguments.branch.clone()),
    }
}
