//! The lab's seven operations on `DynamoDB`, answered as the Python function answered them.
//!
//! `Handler::handle` is a request's whole path: `event` tells the two forms apart, `command` says what is asked,
//! `parameters` turns it into a `DynamoDB` request, `dynamodb` sends it, `answer` makes the reply plain again.

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

/// `DynamoDB`'s limit for a table's ARN, its longest name; a caller's may be longer.
const LOGGED_TABLE_NAME: usize = 1024;

pub struct Handler {
    /// Echo and ping work without a database.
    database: Result<DynamoDb, Failure>,
    log_level: Level,
    is_cold: AtomicBool,
}

/// What Lambda says of an invocation.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub request_id: String,
    /// Time left to answer in.
    pub remaining: Duration,
}

impl Handler {
    pub fn new(database: Result<DynamoDb, Failure>, log_level: Level) -> Self {
        Self {
            database,
            log_level,
            is_cold: AtomicBool::new(true),
        }
    }

    /// The answer's text, or for a raw event the failure that Lambda is to report.
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
        let reply = database.call(operation, request, deadline).await;
        entry.dynamodb = Some(sent.elapsed());
        let reply = reply?;
        entry.retries = Some(reply.retries);
        Ok(answer::to_answer(operation, reply))
    }
}
