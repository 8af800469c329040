//! Tests of the guide: its stacks, and its documents.

mod constructs;
mod documents;
mod environments;
mod functions;
mod hatches;
mod testing;
