//! The engine of `provision`: resources are declared, read from the account in the same shape, compared into a plan, and the
//! plan is carried out.
//!
//! - A [`Resource`](resource::Resource) is one kind of AWS resource; [`AnyResource`](resource::AnyResource) is the same with its
//!   types erased, and [`Kinds`](resource::Kinds) are all that a program knows.
//! - A [`Stack`](stack::Stack) is declared, and finished into a [`Declaration`](declaration::Declaration).
//! - A [`Snapshot`](observe::Snapshot) is the account in the shape of a declaration; [`planner`] compares the two into a
//!   [`Plan`](plan::Plan), and [`execute`](execute::execute) carries it out.
//! - An [`Operation`](operation::Operation) is one call of an AWS service with everything that is known about it;
//!   [`Aws`](aws::Aws) sends it: repeated where that is safe, paced, timed and reported.
//!
//! No service of AWS is known here.

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
pub mod resource;
pub mod rights;
pub mod secret;
pub mod selection;
pub mod stack;
pub mod target;
pub mod wait;
