//! Everything that is printed and asked: the console, the terminal, and plans as text.

pub(crate) mod broken_pipe;
pub(crate) mod command_text;
pub mod console;
pub(crate) mod live_area;
pub(crate) mod plan_text;
pub(crate) mod policy_diff;
pub(crate) mod render;
pub(crate) mod screen;
pub(crate) mod stdin;
pub(crate) mod summary;
pub(crate) mod terminal;

use provision_engine::plan::Plan;

use crate::paint::Paint;

/// Returns `plan` as the command `plan` prints it, without colours.
pub fn plan_lines(plan: &Plan) -> String {
    plan_text::plan(plan, Paint(false), false)
}
