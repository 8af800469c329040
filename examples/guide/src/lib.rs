//! The code of [the guide](../../../docs/guide/README.md), a module a chapter. Chapter 1 is a program of its own, chapter 3 is
//! `examples/notes`, and chapter 5 is below `tests`.

pub mod constructs;
pub mod environments;
pub mod functions;
pub mod hatches;
pub mod seed;
