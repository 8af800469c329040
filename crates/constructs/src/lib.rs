//! Constructs: values that [`Stack::add`](provision_engine::stack::Stack::add) expands into resources.
//!
//! ```
//! use provision_constructs::{ApiKey, Function, RestApi, Table, Throttle, UsagePlan};
//! use provision_engine::{asset::Code, env::Env, stack::Stack};
//! use provision_link::{ReadWrite, Route};
//!
//! const NOTES: Route = Route::post("/notes");
//!
//! fn notes(env: &Env) -> Stack {
//!     let mut stack = Stack::new("notes", env);
//!     let table = stack.add("notes", Table::with_key("id").for_production(env.is("prod")));
//!     let writer = Function::new(Code::binary("writer"))
//!         .environment("TABLE", table.name())
//!         .allow(table.grant::<ReadWrite>());
//!     let writer = stack.add("writer", writer);
//!     let api = stack.add("api", RestApi::new().require_key().route(NOTES, &writer));
//!     let key = stack.add("key", ApiKey::new());
//!     let throttle = Throttle::per_second(100.0).burst(20);
//!     stack.add("plan", UsagePlan::over(&api, throttle).key(&key));
//!     stack.output("url", api.url(NOTES));
//!     stack.output("api_key", key.value());
//!     stack
//! }
//! # notes(&Env::new(None, "eu-west-1")).finish().unwrap();
//! ```
//!
//! The ids of a construct's parts follow from its own id and never from an order: `writer/role`, `writer/logs`,
//! `api/path/notes`, `api/POST/notes`, `api/permission/writer`, `api/deployment`, `api/stage`. A name on AWS is
//! `STACK-ENV-ID` unless [`name`](Table::name) gives another one, to which the environment's is added.

#![deny(missing_docs)]

/// Gives a construct the method that sets its name.
macro_rules! named {
    ($construct:ident $(<$item:ident>)?) => {
        impl $(<$item>)? $construct $(<$item>)? {
            /// Sets its name on AWS, to which the environment's is added; by default the stack's name and the id.
            pub fn name(self, name: &str) -> Self {
                Self {
                    name: Some(name.to_owned()),
                    ..self
                }
            }
        }
    };
}

/// Gives a construct the method that sets its description.
macro_rules! described {
    ($construct:ident) => {
        impl $construct {
            /// Sets its description.
            pub fn description(self, description: &str) -> Self {
                Self {
                    description: description.to_owned(),
                    ..self
                }
            }
        }
    };
}

mod api_key;
mod event_source;
mod function;
mod grant;
mod rest_api;
mod table;
mod text;
mod units;
mod usage_plan;

pub use provision_aws::apigateway::{Quota, Throttle};

pub use self::api_key::{ApiKey, ApiKeyHandle, KeyValue};
pub use self::event_source::EventSource;
pub use self::function::{Function, FunctionHandle};
pub use self::grant::Grant;
pub use self::rest_api::{Answers, RestApi, RestApiHandle};
pub use self::table::{Table, TableHandle, Untyped};
pub use self::text::Text;
pub use self::units::{Memory, Retention, Timeout};
pub use self::usage_plan::UsagePlan;

#[doc(hidden)]
pub mod private {
    //! Paths for the code that macros make.

    pub use crate::text::joined;
}

use provision_engine::stack::Stack;

/// Returns a construct's name on AWS.
fn name_on_aws(given: Option<String>, id: &str, stack: &Stack) -> String {
    match given {
        Some(name) => stack.env().named(&name),
        None => stack.default_name(id),
    }
}
