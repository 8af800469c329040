//! Kinds of toys. Each has one trait of the kinds that the engine is made for.

use std::sync::Arc;

use anyhow::Result;
use provision_engine::look::Look;
use provision_engine::operation::{Meaning, Operation, Reading, Service};

use crate::account::{Thing, list};

const TOYS: Service = Service::new(
    "Toys",
    &[
        Reading::of("Exists", Meaning::Exists),
        Reading::of("NotFound", Meaning::NotFound),
    ],
);

/// The operations of a kind; without `UPDATE`, of one that does not change.
macro_rules! operations {
    ($noun:literal, $arn:literal) => {
        operations!($noun, $arn, unchanging);
        const UPDATE: Operation = Operation::write(
            super::TOYS,
            concat!("Update", $noun),
            &[SCOPE.allow(concat!("toys:Update", $noun))],
        );
    };
    ($noun:literal, $arn:literal, unchanging) => {
        const SCOPE: provision_engine::operation::Scope =
            provision_engine::operation::Scope::new(concat!($noun, "s"), &[$arn]);
        pub const LIST: Operation = Operation::read(
            super::TOYS,
            concat!("List", $noun, "s"),
            &[SCOPE.allow(concat!("toys:List", $noun, "s"))],
        );
        pub const CREATE: Operation = Operation::create(
            super::TOYS,
            concat!("Create", $noun),
            &[SCOPE.allow(concat!("toys:Create", $noun))],
        );
        const DELETE: Operation = Operation::write(
            super::TOYS,
            concat!("Delete", $noun),
            &[SCOPE.allow(concat!("toys:Delete", $noun))],
        );
    };
}

/// One call for each act.
macro_rules! one_call_each {
    () => {
        fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
            match act {
                Act::Create => vec![&CREATE],
                Act::Update(_) => vec![&UPDATE],
                Act::Delete => vec![&DELETE],
            }
        }
    };
}

/// The mark is in the field `tags`.
macro_rules! marked_by_tags {
    () => {
        fn mark(&mut self, mark: &Mark<'_>) {
            self.tags.mark(mark);
        }

        fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
            self.tags.is_same_declaration(&observed.state.tags)
        }

        async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
            let things = super::things(seen.look, &LIST, Self::KIND.type_name).await?;
            let ours = things
                .iter()
                .filter(|thing| thing.tag(provision_engine::owner::STACK) == Some(seen.stack()));
            Ok(ours
                .map(|thing| {
                    let observed = Observed::ours(thing.read(), Self::output(thing));
                    Marked::new(thing.id.clone(), observed)
                })
                .collect())
        }
    };
}

/// A kind with a field `name` that is unique in the account.
macro_rules! found_by_name {
    () => {
        fn name(&self) -> String {
            self.name.clone()
        }

        async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
            let things = super::things(look, &LIST, Self::KIND.type_name).await?;
            let found = things.iter().find(|thing| thing.id == self.name);
            Ok(found.map(|thing| {
                let mut state: Self = thing.read();
                let ownership = look.ownership(&self.name, &self.tags, &state.tags.0);
                state.tags = self.tags.declared_part(&state.tags.0);
                Observed {
                    state,
                    output: Self::output(thing),
                    ownership,
                    settled: thing.is_active(),
                }
            }))
        }

        async fn update(&self, aws: &Aws, _: Observed<Self>, _: &Changes) -> Result<Self::Output> {
            let fields = serde_json::to_value(self)?;
            let kind = Self::KIND.type_name;
            let thing = account::update(aws, &UPDATE, kind, &self.name, fields).await?;
            Ok(Self::output(&thing))
        }

        async fn delete(&self, aws: &Aws, _: Observed<Self>) -> Result<()> {
            let kind = Self::KIND.type_name;
            gone_is_done(account::delete(aws, &DELETE, kind, &self.name).await)
        }

        marked_by_tags!();
    };
}

mod alarm;
mod api;
mod function;
mod part;
mod pass;
mod release;
mod role;
mod stage;
mod table;

pub use alarm::Alarm;
pub use api::Api;
pub use function::Function;
pub use part::Part;
pub use pass::Pass;
pub use release::Release;
pub use role::Role;
pub use stage::Stage;
pub use table::{CREATE as CREATE_TABLE, LIST as LIST_TABLES, Table};

/// All things of a kind, listed once in a pass.
async fn things(
    look: &Look,
    operation: &'static Operation,
    kind: &'static str,
) -> Result<Arc<Vec<Thing>>> {
    look.once(kind, async |aws| Ok(list(aws, operation, kind).await?))
        .await
}
