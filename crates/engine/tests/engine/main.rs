//! The engine with toy kinds, over an account in memory: each test states one behaviour.
#![expect(unreachable_pub, reason = "a test program exports nothing")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod account;
mod drift;
mod execute;
mod faults;
mod handles;
mod identity;
mod interrupt;
mod lab;
mod mistakes;
mod pace;
mod packages;
mod plan;
mod properties;
mod rights;
mod saved;
mod selection;
mod toys;
mod tree;
