//! The built binary against an AWS emulator that this project did not write.
//!
//! Every test has an account of its own on one emulator, so they run side by side. Where the emulator differs from
//! AWS, AWS wins: the test kit's proxy corrects what it can, and what it cannot is said beside the test it leaves out.
//!
//! Not tested here, because the emulator does not fake it: that only a deployment makes a change of the API visible (it
//! serves the tree as it is), and the states that a table goes through. Delays of IAM, of keys and of stages, API
//! Gateway's rates and conflicts, and its need of the function's permission are the proxy's answers.

#![expect(clippy::too_many_lines, reason = "a story is told in one piece")]

mod adoption;
mod deployed;
mod down;
mod drift;
mod environments;
mod foreign;
mod input;
mod interrupted;
mod local;
mod names;
mod order;
mod outputs;
mod partial;
mod race;
mod second_stack;
mod story;
mod terminal;
mod unclear;
mod undeclared;
mod waits;
mod world;
