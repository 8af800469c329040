//! Sources of events that start a function, beside the routes of an API.

use provision_engine::stack::Stack;

use crate::{FunctionHandle, Grant};

/// Something that starts a function: a queue, a schedule, a stream.
pub trait EventSource {
    /// Tells it from the function's other sources. It is part of ids, so it must not depend on their order.
    fn name(&self) -> String;

    /// Returns the rights that the function needs to take its events.
    fn grant(&self) -> Grant;

    /// Declares, under ids that begin with `id`, what makes it start `function`.
    fn declare(&self, id: &str, function: &FunctionHandle, stack: &mut Stack);
}
