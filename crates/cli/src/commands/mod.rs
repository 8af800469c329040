//! One file a command: ask, print, and say how it ended.

mod account;
pub(crate) mod ci;
pub(crate) mod completions;
mod concurrent;
mod consent;
mod context;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod drift;
mod end;
mod endpoints;
mod execution;
pub(crate) mod explain;
mod foreign;
pub(crate) mod graph;
pub(crate) mod invoke;
pub(crate) mod key;
pub(crate) mod local;
pub(crate) mod logs;
pub(crate) mod man;
mod names;
pub(crate) mod new;
pub(crate) mod outputs;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod report;
mod session;
pub(crate) mod up;

pub(crate) use self::session::Session;
