//! Tests of stacks.
//!
//! A declaration is looked at without any AWS:
//!
//! ```
//! use provision_engine::{env::Env, stack::Stack};
//! use provision_testing::declare;
//!
//! fn notes(env: &Env) -> Stack {
//!     let mut stack = Stack::new("notes", env);
//!     // stack.add("notes", …);
//!     stack
//! }
//!
//! let declaration = declare(notes, &Env::new(Some("prod"), "eu-west-1"));
//! assert_eq!(declaration.name, "notes-prod");
//! ```
//!
//! [`describe`] and [`assert_snapshot!`] keep ids, names and rights in a file, [`rights_of`] reads a function's rights, and
//! [`Local`] runs the whole stack.

#![deny(missing_docs)]

mod declaration;
mod local;

#[doc(hidden)]
pub use expect_test;
pub use local_aws::{FaultEvent, FaultKind, Faults};

pub use self::declaration::{declare, describe, plan, rights_of};
pub use self::local::{Local, Response, Run};

/// Compares what a declaration makes, as [`describe`] writes it, with a file beside the test. `UPDATE_EXPECT=1` writes the file.
///
/// A changed id is one word in a stack function, and the most dangerous change there is: here whoever reviews it sees it.
#[macro_export]
macro_rules! assert_snapshot {
    ($declaration:expr, $file:literal) => {
        $crate::expect_test::expect_file![$file].assert_eq(&$crate::describe(&$declaration))
    };
}
