//! Function packages: built with cargo, checked, and zipped reproducibly.
//!
//! - [`Preparation`] prepares all packages of a stack side by side: one cargo call for all binaries of one architecture, then a
//!   zip each. [`Overrides`] are binaries that were built elsewhere.
//! - [`Prepared`] is a finished package, with the ids of its assets.
//! - [`Binary`] is a binary that was found fit for Lambda.
//! - [`Workspace`] is the cargo workspace that the binaries come from.
//!
//! # Example
//!
//! The packages of a declared stack, built from the workspace around the current folder:
//!
//! ```no_run
//! use std::path::Path;
//!
//! use provision_engine::declaration::Declaration;
//! use provision_package::{Overrides, Preparation, Profile};
//!
//! async fn print_packages(declaration: &Declaration) -> anyhow::Result<()> {
//!     let overrides = Overrides::default();
//!     let folder = Path::new(".");
//!     let mut preparation =
//!         Preparation::start(&declaration.assets, &overrides, folder, Profile::Release)?;
//!     for prepared in preparation.all().await? {
//!         println!("{:?}: {} bytes", prepared.assets, prepared.package.zip.len());
//!     }
//!     Ok(())
//! }
//! ```

#![deny(missing_docs)]

mod binary;
mod build;
mod cargo;
mod directory;
mod elf;
mod preparation;
mod workspace;
mod zip;

pub use self::binary::{Binary, Fingerprint};
pub use self::build::{Profile, linker};
pub use self::cargo::{Program, build_program};
pub use self::preparation::{Overrides, Preparation, Prepared, source_folders};
pub use self::workspace::Workspace;
