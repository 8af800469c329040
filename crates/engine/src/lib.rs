//! The engine of `provision`: it reads declared resources from an account in the shape of their declaration, compares the two
//! into a plan, and carries the plan out.
//!
//! - A [`Resource`](resource::Resource) is one kind of AWS resource; [`AnyResource`](resource::AnyResource) is a resource with
//!   its type erased, and [`Kinds`](resource::Kinds) lists the kinds that a program knows.
//! - A [`Stack`](stack::Stack) collects declarations; [`finish`](stack::Stack::finish) checks them and returns a
//!   [`Declaration`](declaration::Declaration).
//! - A [`Snapshot`](observe::Snapshot) is the account in the shape of a declaration; [`planner`] compares the two into a
//!   [`Plan`](plan::Plan), and [`execute`](execute::execute) carries it out.
//! - An [`Operation`](operation::Operation) is one call of an AWS service with its rights, rate and repeat rule;
//!   [`Aws`](aws::Aws) sends it, repeats it where that is safe, keeps to the rate and reports it.
//!
//! The engine knows no AWS service.
//!
//! # Example
//!
//! A kind of resource, a stack with one of it, and the plan for an empty account:
//!
//! ```
//! use anyhow::Result;
//! use provision_engine::aws::Aws;
//! use provision_engine::diff::Changes;
//! use provision_engine::env::Env;
//! use provision_engine::look::Look;
//! use provision_engine::observe::{Seen, Snapshot};
//! use provision_engine::operation::Operation;
//! use provision_engine::planner;
//! use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource};
//! use provision_engine::stack::Stack;
//! use provision_engine::target::Target;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! struct Toy {
//!     name: String,
//!     colour: String,
//! }
//!
//! #[derive(Debug, Serialize, Deserialize)]
//! struct ToyOutput {}
//!
//! impl Resource for Toy {
//!     type Output = ToyOutput;
//!     const KIND: Kind = Kind::new("Example::Toy", "toy", HoldsData::No, &[]);
//!
//!     fn name(&self) -> String {
//!         self.name.clone()
//!     }
//!
//!     fn calls(&self, _: Act<'_>) -> Vec<&'static Operation> {
//!         Vec::new()
//!     }
//!
//!     // A real kind sends its operations with `Aws::send` in the functions below.
//!     async fn observe(&self, _: &Look) -> Result<Option<Observed<Self>>> {
//!         Ok(None)
//!     }
//!
//!     async fn create(&self, _: &Aws) -> Result<ToyOutput> {
//!         Ok(ToyOutput {})
//!     }
//!
//!     async fn update(&self, _: &Aws, _: Observed<Self>, _: &Changes) -> Result<ToyOutput> {
//!         Ok(ToyOutput {})
//!     }
//!
//!     async fn delete(&self, _: &Aws, _: Observed<Self>) -> Result<()> {
//!         Ok(())
//!     }
//!
//!     async fn marked(_: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
//!         Ok(Vec::new())
//!     }
//! }
//!
//! let mut stack = Stack::new("nursery", &Env::new(None, "eu-west-1"));
//! stack.add("ball", Toy { name: "ball".into(), colour: "red".into() });
//! let declaration = stack.finish()?;
//!
//! let empty = Snapshot {
//!     target: Target::longest(),
//!     observations: Default::default(),
//!     undeclared: Vec::new(),
//! };
//! let (plan, _) = planner::up(&declaration, &empty, declaration.known_names())?;
//! assert_eq!(plan.steps[0].action.word(), "create");
//! assert_eq!(plan.steps[0].resource.label(), "toy `ball`");
//! # anyhow::Ok(())
//! ```

#![deny(missing_docs)]

pub mod asset;
pub mod aws;
pub mod call;
pub mod cost;
pub mod declaration;
pub mod diff;
mod drift;
pub mod env;
pub mod error;
pub mod events;
pub mod execute;
pub mod fault;
pub mod forecast;
pub mod input;
pub mod interrupt;
pub mod look;
pub mod observe;
pub mod operation;
pub mod owner;
pub mod pace;
pub mod package;
pub mod plan;
pub mod planner;
pub mod refusals;
pub mod resource;
pub mod rights;
pub mod secret;
pub mod selection;
pub mod stack;
pub mod target;
pub mod wait;
pub mod warning;
