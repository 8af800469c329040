//! Lambda, by whole requests.

mod harness;

mod background;
mod concurrency;
mod control;
mod execution;
#[cfg(target_os = "linux")]
mod extensions;
#[cfg(target_os = "linux")]
mod leftovers;
#[cfg(target_os = "linux")]
mod memory;
mod packages;
mod server;
mod streamer;
mod streaming;
mod url;
