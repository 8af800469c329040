//! Measures cold starts over TLS, warm requests, memory and size of three programs in turn: an echo on `lambda_runtime`
//! alone, the handler, and the lab's Python function if boto3 and awslambdaric are installed (`target/venv`, created by
//! `tests/differential.py`).
//!
//! The environment variables `BOOTSTRAP` and `ECHO` are the paths of the handler and of the echo.

mod database;
mod program;
mod runtime_api;

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use database::Database;
use program::{Program, Run};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const COLD_ROUNDS: usize = 25;
const COLD_ROUNDS_PYTHON: usize = 5;
/// Number of blocks. The programs take turns in short blocks, so that other load affects all of them equally.
const BLOCKS: usize = 100;
/// Measured requests of a block.
const BLOCK: usize = 25;
/// Unmeasured requests before each block, because the other programs have used the caches since the last one.
const BLOCK_WARM_UP: usize = 5;

const ECHO: &str =
    r#"{"operation": "echo", "payload": {"somekey1": "somevalue1", "somekey2": "somevalue2"}}"#;
const CREATE: &str = r#"{"operation": "create", "tableName": "lambda-apigateway", "payload": {"Item": {"id": "1234ABCD", "number": 5}}}"#;
const LARGE: usize = 6_000_000;

/// Measurements of one program; the bare echo has none of `create`.
struct Column<'a> {
    program: &'a Program,
    cold: Duration,
    echoes: Vec<Duration>,
    creates: Vec<Duration>,
    peak_kib: u32,
    /// Peak memory with one text of 6 MB, and with two million numbers.
    large_peaks_kib: [u32; 2],
    size: Option<(u32, u32)>,
}

/// Uses one thread for the Runtime API and the database, and leaves the other core to the measured program.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let database = Database::start().await?;
    let echo = Program::rust(
        "bare echo",
        program_path("ECHO", "bench/release/examples/echo"),
        false,
    );
    let ours = Program::rust("ours", program_path("BOOTSTRAP", "release/bootstrap"), true);
    let python = Program::python();

    let (mut echo_cold, mut our_cold, mut python_cold) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..COLD_ROUNDS {
        echo_cold.push(cold(&echo, &database, ECHO).await?);
        our_cold.push(cold(&ours, &database, CREATE).await?);
        if let Some(python) = python.as_ref().filter(|_| round < COLD_ROUNDS_PYTHON) {
            python_cold.push(cold(python, &database, CREATE).await?);
        }
    }
    let mut columns = vec![
        Column::of(&echo, median(echo_cold), &database).await?,
        Column::of(&ours, median(our_cold), &database).await?,
    ];
    if let Some(python) = &python {
        columns.push(Column::of(python, median(python_cold), &database).await?);
    }

    let mut runs = Vec::new();
    for column in &columns {
        runs.push(Run::start(column.program, &database).await?);
    }
    let mut own_latencies = Vec::new();
    for _ in 0..BLOCKS {
        for (column, run) in columns.iter_mut().zip(&runs) {
            column.echoes.extend(block(run, ECHO).await?);
        }
        own_latencies.extend(database.own_latencies(BLOCK_WARM_UP, BLOCK).await?);
        for (column, run) in columns.iter_mut().zip(&runs) {
            if column.program.can_create {
                column.creates.extend(block(run, CREATE).await?);
            }
        }
    }
    for (column, run) in columns.iter_mut().zip(runs) {
        column.peak_kib = run.peak_kib()?;
        run.end().await?;
    }
    report(
        median(own_latencies),
        &columns[0],
        &columns[1],
        columns.get(2),
    )
}

fn program_path(variable: &str, default: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    env::var_os(variable).map_or_else(|| target.join(default), PathBuf::from)
}

/// Measures the time from the start of a program to its answer to a waiting request.
async fn cold(program: &Program, database: &Database, event: &str) -> Result<Duration> {
    let run = Run::start(program, database).await?;
    run.api.ask(event).await?;
    let time = run.age();
    run.end().await?;
    Ok(time)
}

async fn block(run: &Run, event: &str) -> Result<Vec<Duration>> {
    for _ in 0..BLOCK_WARM_UP {
        run.api.ask(event).await?;
    }
    let mut times = Vec::with_capacity(BLOCK);
    for _ in 0..BLOCK {
        times.push(run.api.ask(event).await?);
    }
    Ok(times)
}

/// Measures the peak memory of a new program that echoes `payload`.
async fn peak_kib(program: &Program, database: &Database, payload: &str) -> Result<u32> {
    let run = Run::start(program, database).await?;
    let event = format!(r#"{{"operation": "echo", "payload": {payload}}}"#);
    run.api.ask(&event).await?;
    let peak = run.peak_kib()?;
    run.end().await?;
    Ok(peak)
}

impl<'a> Column<'a> {
    async fn of(program: &'a Program, cold: Duration, database: &Database) -> Result<Self> {
        let text = format!("\"{}\"", "x".repeat(LARGE));
        let numbers = format!("[{}1]", "1, ".repeat(LARGE / 3));
        Ok(Self {
            program,
            cold,
            echoes: Vec::new(),
            creates: Vec::new(),
            peak_kib: 0,
            large_peaks_kib: [
                peak_kib(program, database, &text).await?,
                peak_kib(program, database, &numbers).await?,
            ],
            size: program.size()?,
        })
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
        "| | cold over TLS | warm echo | warm create over TLS | peak memory | at a 6 MB text | at 2 million numbers | binary | zip |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
    for column in [Some(echo), Some(ours), python].into_iter().flatten() {
        let (binary, zip) = column
            .size
            .map_or_else(Default::default, |(binary, zip)| (mb(binary), mb(zip)));
        let [text, numbers] = column.large_peaks_kib.map(mib);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {text} | {numbers} | {binary} | {zip} |",
            column.program.name,
            ms(column.cold),
            ms(column.warm_echo()),
            column.warm_create().map_or_else(String::new, ms),
            mib(column.peak_kib),
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
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}

fn mib(kib: u32) -> String {
    format!("{:.1} MiB", f64::from(kib) / 1024.0)
}

fn mb(bytes: u32) -> String {
    format!("{:.2} MB", f64::from(bytes) / 1_000_000.0)
}
