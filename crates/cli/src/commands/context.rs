//! The preparation that the commands on a stack share: declare, connect, read.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use futures_util::future::join_all;
use provision_aws::live;
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::fault::Code;
use provision_engine::input::Outputs;
use provision_engine::look::Look;
use provision_engine::observe::{Arrivals, Snapshot};
use provision_engine::owner::Ownership;
use provision_engine::planner;
use provision_engine::resource::Kinds;
use provision_engine::secret::Secret;

use super::Session;
use crate::options::DeclareOptions;
use crate::ui::command_text::CommandText;
use crate::ui::render;
use crate::ui::screen::Listener;

/// A connection, and the stack as it is declared for its region.
pub(super) struct Connected {
    pub(super) aws: Aws,
    pub(super) listener: Listener,
    pub(super) declaration: Declaration,
    pub(super) kinds: Kinds,
}

impl Connected {
    /// Declares the stack, so that its mistakes are told first, connects, and declares it for the region found.
    pub(super) async fn new(session: &Session<'_>, options: &DeclareOptions) -> Result<Self> {
        let offline = session.config.region_offline();
        let mut declaration = session.declare(options, &offline)?;
        let (aws, listener) = session.connect().await?;
        if aws.region() != offline {
            declaration = session.declare(options, aws.region())?;
        }
        for remark in &declaration.warnings {
            session.console.warn(&format!("warning: {remark}"));
        }
        Ok(Self {
            kinds: session.app.kinds(&declaration),
            aws,
            listener,
            declaration,
        })
    }

    /// Reads the account, and says where that is as soon as it is known.
    pub(super) async fn read(self, session: &Session<'_>, look: &Look) -> Result<Context> {
        Ok(self.read_beside(session, look, async |_| ()).await?.0)
    }

    /// Reads the account, and does `beside` at the same time.
    async fn read_beside<T>(
        self,
        session: &Session<'_>,
        look: &Look,
        beside: impl AsyncFnOnce(Arrivals) -> T,
    ) -> Result<(Context, T)> {
        let name = self.declaration.name.clone();
        let located = |target: &_| session.say_place(&name, target);
        let reading = Snapshot::read_beside(&self.declaration, &self.kinds, look, located, beside);
        let (snapshot, beside) = session.interrupt.or(Box::pin(reading)).await?;
        let Self {
            aws,
            listener,
            declaration,
            kinds,
        } = self;
        let context = Context {
            aws,
            listener,
            declaration,
            kinds,
            snapshot,
        };
        Ok((context, beside))
    }
}

/// A stack, and everything that exists of it.
pub(super) struct Context {
    pub(super) aws: Aws,
    pub(super) listener: Listener,
    pub(super) declaration: Declaration,
    pub(super) kinds: Kinds,
    pub(super) snapshot: Snapshot,
}

impl Context {
    /// Declares, connects and reads.
    pub(super) async fn read(
        session: &Session<'_>,
        options: &DeclareOptions,
        adopt: &BTreeSet<String>,
    ) -> Result<Self> {
        let connected = Connected::new(session, options).await?;
        let look = Look::new(connected.aws.clone()).adopting(adopt);
        connected.read(session, &look).await
    }

    /// Declares, connects and reads, with the keys of the stack's checks, in their order.
    pub(super) async fn read_with_keys(
        session: &Session<'_>,
        options: &DeclareOptions,
        adopt: &BTreeSet<String>,
    ) -> Result<(Self, Vec<Option<Secret>>)> {
        let connected = Connected::new(session, options).await?;
        let look = Look::new(connected.aws.clone()).adopting(adopt);
        let (aws, checks) = (&connected.aws.clone(), connected.declaration.checks.clone());
        let keys = async |arrivals: Arrivals| {
            join_all(
                checks
                    .iter()
                    .map(|check| live::key_of(check, &arrivals, aws)),
            )
            .await
        };
        connected.read_beside(session, &look, keys).await
    }

    /// Returns an error if resources of others have names of the stack; `up` is the command that would adopt them.
    pub(super) fn refuse_conflicts(&self, up: CommandText) -> Result<()> {
        let conflicts = planner::conflicts(&self.declaration, &self.snapshot.observations);
        if !conflicts.is_empty() {
            bail!(render::conflicts(&conflicts, up));
        }
        Ok(())
    }

    /// Returns true if the resource `id` exists and is the stack's.
    pub(super) fn is_ours(&self, id: &str) -> bool {
        let found = self.snapshot.observations.get(id);
        found.is_some_and(|found| found.ownership == Ownership::Ours)
    }

    /// Reads a deployed stack, and returns it with the outputs of everything that exists of it.
    ///
    /// # Errors
    ///
    /// `Code::NotDeployed` if nothing does.
    pub(super) async fn deployed(session: &Session<'_>) -> Result<(Self, Outputs)> {
        let context = Self::read(session, &DeclareOptions::default(), &BTreeSet::new()).await?;
        let mut ids = context.snapshot.observations.keys();
        if !ids.any(|id| context.is_ours(id)) {
            bail!(
                Code::NotDeployed
                    .fault(format!(
                        "the stack `{}` is not deployed here",
                        context.declaration.name
                    ))
                    .remedy(session.up_first())
            );
        }
        let names = context.declaration.known_names();
        let (_, known) = planner::up(&context.declaration, &context.snapshot, names)?;
        let known = known.of(|id| context.is_ours(id));
        Ok((context, known))
    }
}
