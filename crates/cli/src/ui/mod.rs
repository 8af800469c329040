//! Everything that is printed and asked: the console, the terminal, and plans as text.

pub(crate) mod broken_pipe;
pub(crate) mod command_text;
pub mod console;
pub(crate) mod live_area;
pub mod plan_text;
pub mod policy_diff;
pub mod render;
pub(crate) mod screen;
pub(crate) mod stdin;
pub mod summary;
pub(crate) mod terminal;
