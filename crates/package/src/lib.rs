//! Function packages: built with cargo, checked, and zipped reproducibly.
//!
//! [`Preparation::start`] starts everything that a stack's assets need, side by side: one cargo call for all binaries of one
//! architecture, then a zip each. [`Workspace`] is the cargo workspace that the binaries come from, and [`Binary`] one that was
//! found fit for Lambda.

mod binary;
mod build;
mod cargo;
mod directory;
mod elf;
mod preparation;
mod workspace;
mod zip;

pub use self::binary::{Binary, Fingerprint};
pub use self::build::linker;
pub use self::cargo::{Program, build_program};
pub use self::preparation::{Overrides, Preparation, Prepared, source_folders};
pub use self::workspace::Workspace;
