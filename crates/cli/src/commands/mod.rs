//! One file a command: ask, print, and say how it ended.

mod account;
pub mod ci;
pub mod completions;
mod concurrent;
mod consent;
mod context;
pub mod dev;
pub mod doctor;
pub mod down;
pub mod drift;
mod endpoints;
mod execution;
pub mod explain;
pub mod graph;
pub mod invoke;
pub mod key;
pub mod local;
pub mod logs;
pub mod man;
mod names;
pub mod outputs;
pub mod plan;
pub mod policy;
pub mod report;
mod session;
pub mod up;

pub use self::session::Session;
