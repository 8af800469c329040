//! The Lambda function of the lab: seven operations on `DynamoDB`, with the answers of the lab's Python function.
//!
//! [`Handler::handle`] answers one invocation. `event` distinguishes raw events from those of API Gateway, `command`
//! reads the operation, `parameters` converts and validates its parameters, `dynamodb` sends the request, and `answer`
//! converts the reply. Attribute values are plain JSON, or `DynamoDB`'s JSON if the request asks for it.
//!
//! ```
//! use std::time::Duration;
//!
//! use handler::{Config, DynamoDb, Event, Handler, Invocation, Level};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let database = Config::read(|name| std::env::var(name).ok()).and_then(DynamoDb::new);
//! let handler = Handler::new(database, Level::Off);
//! let event = Event::read(r#"{"operation": "echo", "payload": [1.50]}"#);
//! let invocation = Invocation {
//!     request_id: "1".to_owned(),
//!     remaining: Duration::from_secs(3),
//! };
//! assert_eq!(handler.handle(event, invocation).await, Ok("[1.50]".to_owned()));
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod answer;
mod attribute;
mod command;
mod config;
mod connection;
mod dynamodb;
mod event;
mod failure;
pub mod json;
mod log;
mod number;
mod parameters;
mod python;
mod shape;
mod tls;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

pub use config::{Config, log_level};
pub use dynamodb::DynamoDb;
pub use event::Event;
pub use failure::Failure;
pub use log::Level;

use command::Command;
use event::Form;
use json::Json;
use log::Entry;

/// Characters of a table's name in the log: `DynamoDB`'s limit for an ARN, its longest form. Callers may send longer ones.
const LOGGED_TABLE_NAME: usize = 1024;

/// Answers invocations.
pub struct Handler {
    /// The client, or the failure of the operations that need it.
    database: Result<DynamoDb, Failure>,
    log_level: Level,
    is_cold: AtomicBool,
}

/// Lambda's context of one invocation.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Request id.
    pub request_id: String,
    /// Time left for the answer.
    pub remaining: Duration,
}

impl Handler {
    /// Creates a handler, which answers `echo` and `ping` without a database too.
    pub fn new(database: Result<DynamoDb, Failure>, log_level: Level) -> Self {
        Self {
            database,
            log_level,
            is_cold: AtomicBool::new(true),
        }
    }

    /// Returns the answer as JSON text. A failure is part of the answer to an API Gateway event, and an error for a raw
    /// event.
    pub async fn handle(&self, event: Event, invocation: Invocation) -> Result<String, Failure> {
        let deadline = Instant::now() + invocation.remaining;
        let mut entry = Entry {
            is_cold: self.is_cold.swap(false, Ordering::Relaxed),
            ..Entry::default()
        };
        let (answer, failure) = match event.form {
            Ok(Form::Raw(event)) => {
                let answer = event::raw_answer(self.run(event, deadline, &mut entry).await);
                let failure = answer.as_ref().err().cloned();
                (answer, failure)
            }
            Ok(Form::Proxy(body)) => {
                let outcome = match body {
                    Ok(event) => self.run(event, deadline, &mut entry).await,
                    Err(failure) => Err(failure),
                };
                let (answer, failure) = event::proxy_answer(outcome, &invocation.request_id);
                (Ok(answer), failure)
            }
            Err(failure) => (Err(failure.clone()), Some(failure)),
        };
        entry.status = failure.as_ref().map_or(200, |failure| failure.status);
        entry.error_type = failure.map(|failure| failure.error_type);
        entry.request_id = invocation.request_id;
        entry.total = event.arrived.elapsed();
        entry.write(self.log_level);
        answer
    }

    async fn run(
        &self,
        event: Json,
        deadline: Instant,
        entry: &mut Entry,
    ) -> Result<Json, Failure> {
        entry.operation = command::known_name(&event);
        let (operation, parameters) = match Command::read(event)? {
            Command::Echo(payload) => return Ok(payload),
            Command::Ping => return Ok(Json::text("pong")),
            Command::Call {
                operation,
                parameters,
            } => (operation, parameters),
        };
        entry.table = parameters
            .get("TableName")
            .and_then(Json::as_str)
            .map(|name| name.chars().take(LOGGED_TABLE_NAME).collect());
        let request = parameters::to_request(operation, parameters)?;
        let database = self.database.as_ref().map_err(Clone::clone)?;
        let sent = Instant::now();
        let reply = database.call(operation, request.body, deadline).await;
        entry.dynamodb = Some(sent.elapsed());
        let reply = reply?;
        entry.retries = Some(reply.retries);
        Ok(answer::to_answer(operation, request.format, reply))
    }
}
