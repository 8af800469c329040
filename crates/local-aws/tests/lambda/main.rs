//! Lambda, by whole requests.

mod harness;

mod control;
mod execution;
mod server;
mod streamer;
mod streaming;
mod url;
