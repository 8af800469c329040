//! Cold starts over TLS, warm requests, memory and size: a bare `lambda_runtime` echo, ours, and the lab's Python where
//! boto3 and awslambdaric are at hand (`target/venv`, made by `tests/differential.py`), in turn on one machine.
//!
//! `BOOTSTRAP` and `ECHO` name the programs to measure.

mod database;
mod program;
mod runtime_api;

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use database::Database;
use program::{Program, Run};
use runtime_api::RuntimeApi;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const COLD_ROUNDS: usize = 25;
const COLD_ROUNDS_PYTHON: usize = 5;
const WARM_ROUNDS: usize = 6;
const WARM_REQUESTS: usize = 250;

const ECHO: &str =
    r#"{"operation": "echo", "payload": {"somekey1": "somevalue1", "somekey2": "somevalue2"}}"#;
const CREATE: &str = r#"{"operation": "create", "tableName": "lambda-apigateway", "payload": {"Item": {"id": "1234ABCD", "number": 5}}}"#;

/// What was measured of one program; the bare echo creates nothing.
struct Column<'a> {
    program: &'a Program,
    cold: Duration,
    echoes: Vec<Duration>,
    creates: Vec<Duration>,
    peak_kib: u32,
    size: Option<(u32, u32)>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let database = Database::start().await?;
    let api = RuntimeApi::start().await?;
    let echo = Program::rust(
        "bare echo",
        program_path("ECHO", "bench/release/examples/echo"),
        false,
    );
    let ours = Program::rust("ours", program_path("BOOTSTRAP", "release/bootstrap"), true);
    let python = Program::python();

    let (mut echo_cold, mut our_cold, mut python_cold) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..COLD_ROUNDS {
        echo_cold.push(cold(&echo, &api, &database, ECHO).await?);
        our_cold.push(cold(&ours, &api, &database, CREATE).await?);
        if let Some(python) = python.as_ref().filter(|_| round < COLD_ROUNDS_PYTHON) {
            python_cold.push(cold(python, &api, &database, CREATE).await?);
        }
    }
    let mut echo = Column::of(&echo, median(echo_cold))?;
    let mut ours = Column::of(&ours, median(our_cold))?;
    let mut python = match &python {
        Some(python) => Some(Column::of(python, median(python_cold))?),
        None => None,
    };
    let mut own_latencies = Vec::new();
    for _ in 0..WARM_ROUNDS {
        echo.warm(&api, &database).await?;
        own_latencies.extend(database.own_latencies(WARM_REQUESTS).await?);
        ours.warm(&api, &database).await?;
        if let Some(python) = &mut python {
            python.warm(&api, &database).await?;
        }
    }
    report(median(own_latencies), &echo, &ours, python.as_ref())?;
    Ok(())
}

fn program_path(variable: &str, default: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    env::var_os(variable).map_or_else(|| target.join(default), PathBuf::from)
}

/// From spawn to the answer to the first request, which is waiting.
async fn cold(
    program: &Program,
    api: &RuntimeApi,
    database: &Database,
    event: &str,
) -> Result<Duration> {
    let run = Run::start(program, api, database)?;
    api.ask(event).await?;
    let time = run.age();
    run.end().await?;
    Ok(time)
}

impl<'a> Column<'a> {
    fn of(program: &'a Program, cold: Duration) -> Result<Self> {
        let size = program.size()?;
        Ok(Self {
            program,
            cold,
            echoes: Vec::new(),
            creates: Vec::new(),
            peak_kib: 0,
            size,
        })
    }

    async fn warm(&mut self, api: &RuntimeApi, database: &Database) -> Result<()> {
        let run = Run::start(self.program, api, database)?;
        for _ in 0..WARM_REQUESTS {
            api.ask(ECHO).await?;
        }
        for _ in 0..WARM_REQUESTS {
            self.echoes.push(api.ask(ECHO).await?);
        }
        if self.program.can_create {
            for _ in 0..WARM_REQUESTS {
                self.creates.push(api.ask(CREATE).await?);
            }
        }
        self.peak_kib = self.peak_kib.max(run.peak_kib()?);
        run.end().await
    }

    fn warm_echo(&self) -> Duration {
        median(self.echoes.clone())
    }

    fn warm_create(&self) -> Option<Duration> {
        (!self.creates.is_empty()).then(|| median(self.creates.clone()))
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn report(
    own_latency: Duration,
    echo: &Column,
    ours: &Column,
    python: Option<&Column>,
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| | cold over TLS | warm echo | warm create over TLS | peak memory | binary | zip |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    for column in [Some(echo), Some(ours), python].into_iter().flatten() {
        let (binary, zip) = column
            .size
            .map_or_else(Default::default, |(binary, zip)| (mb(binary), mb(zip)));
        writeln!(
            out,
            "| {} | {} | {} | {} | {:.1} MiB | {binary} | {zip} |",
            column.program.name,
            ms(column.cold),
            ms(column.warm_echo()),
            column.warm_create().map_or_else(String::new, ms),
            f64::from(column.peak_kib) / 1024.0,
        )?;
    }
    writeln!(
        out,
        "\nThe database's own latency over TLS: {}\n",
        ms(own_latency)
    )?;
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    writeln!(out, "| ratio | measured | goal |\n|---|---|---|")?;
    writeln!(
        out,
        "| cold / echo's cold | {:.2} | 3 |",
        ratio(ours.cold, echo.cold)
    )?;
    if let Some(python) = python {
        writeln!(
            out,
            "| cold / Python's cold | 1/{:.0} | 1/40 |",
            ratio(python.cold, ours.cold)
        )?;
    }
    writeln!(
        out,
        "| warm echo / echo's | {:.2} | 1.3 |",
        ratio(ours.warm_echo(), echo.warm_echo())
    )?;
    if let Some(create) = ours.warm_create() {
        let floor = own_latency + echo.warm_echo();
        writeln!(
            out,
            "| warm create / (database + echo) | {:.2} | 1.5 |",
            ratio(create, floor)
        )?;
    }
    Ok(())
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn mb(bytes: u32) -> String {
    format!("{:.2} MB", f64::from(bytes) / 1_000_000.0)
}
