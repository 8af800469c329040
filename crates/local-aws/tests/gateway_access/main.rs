//! Who may call APIs, and APIs from and as definitions.

mod authorizers;
mod harness;
mod openapi;
mod policies;
