//! Measures cold starts over TLS, warm requests, memory and size of programs in turn: an echo on `lambda_runtime` alone, the
//! handler, a linked function of the shop on `provision-client`, a function on `aws-sdk-dynamodb` as `aws-config` sets it up,
//! and the lab's Python function if boto3 and awslambdaric are installed (`target/venv`, created by `tests/differential.py`).
//!
//! The environment variables `BOOTSTRAP`, `ECHO`, `LINKED` and `NAIVE` are the paths of the programs.

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
/// The same for a function behind API Gateway.
const PLACE: &str = r#"{"httpMethod": "POST", "resource": "/orders", "path": "/orders", "pathParameters": null,
    "body": "{\"id\": \"1234ABCD\", \"day\": \"2026-11-27\", \"state\": \"placed\"}"}"#;
const LARGE: usize = 6_000_000;

/// Measurements of one program; some have none of `echo` or of `create`.
struct Column<'a> {
    program: &'a Program,
    colds: Vec<Duration>,
    echoes: Vec<Duration>,
    creates: Vec<Duration>,
    peak_kib: u32,
    /// Peak memory with one text of 6 MB, and with two million numbers.
    large_peaks_kib: Option<[u32; 2]>,
    size: Option<(u32, u32)>,
}

/// Uses one thread for the Runtime API and the database, and leaves the other core to the measured program.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let database = Database::start().await?;
    let programs = programs();
    let mut columns = Vec::new();
    for program in &programs {
        columns.push(Column::of(program, &database).await?);
    }
    for round in 0..COLD_ROUNDS {
        for column in &mut columns {
            if !column.program.is_interpreted || round < COLD_ROUNDS_PYTHON {
                column.colds.push(cold(column.program, &database).await?);
            }
        }
    }

    let mut runs = Vec::new();
    for column in &columns {
        runs.push(Run::start(column.program, &database).await?);
    }
    let mut own_latencies = Vec::new();
    for _ in 0..BLOCKS {
        for (column, run) in columns.iter_mut().zip(&runs) {
            if let Some(echo) = column.program.echo {
                column.echoes.extend(block(run, echo).await?);
            }
        }
        own_latencies.extend(database.own_latencies(BLOCK_WARM_UP, BLOCK).await?);
        for (column, run) in columns.iter_mut().zip(&runs) {
            if let Some(create) = column.program.create {
                column.creates.extend(block(run, create).await?);
            }
        }
    }
    for (column, run) in columns.iter_mut().zip(runs) {
        column.peak_kib = run.peak_kib()?;
        run.end().await?;
    }
    report(median(&own_latencies), &columns)
}

/// Returns the programs, the bare echo first.
fn programs() -> Vec<Program> {
    let path = program_path;
    let echo = path("ECHO", "bench/release/examples/echo");
    let ours = path("BOOTSTRAP", "release/bootstrap");
    let linked = path("LINKED", "bench/release/orders");
    let naive = path("NAIVE", "bench/release/naive");
    let mut programs = vec![
        Program::rust("bare echo", echo, Some(ECHO), None),
        Program::rust("ours", ours, Some(ECHO), Some(CREATE)),
        Program::rust("linked", linked, None, Some(PLACE)),
        Program::rust("SDK defaults", naive, None, Some(CREATE)),
    ];
    programs.extend(Program::python(ECHO, CREATE));
    programs
}

fn program_path(variable: &str, default: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    env::var_os(variable).map_or_else(|| target.join(default), PathBuf::from)
}

/// Measures the time from the start of a program to its answer to a waiting request: one to the database if it has such.
async fn cold(program: &Program, database: &Database) -> Result<Duration> {
    let run = Run::start(program, database).await?;
    let event = program.create.or(program.echo).ok_or("no event")?;
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
    async fn of(program: &'a Program, database: &Database) -> Result<Self> {
        let large_peaks_kib = if program.echo.is_some() {
            let text = format!("\"{}\"", "x".repeat(LARGE));
            let numbers = format!("[{}1]", "1, ".repeat(LARGE / 3));
            Some([
                peak_kib(program, database, &text).await?,
                peak_kib(program, database, &numbers).await?,
            ])
        } else {
            None
        };
        Ok(Self {
            program,
            colds: Vec::new(),
            echoes: Vec::new(),
            creates: Vec::new(),
            peak_kib: 0,
            large_peaks_kib,
            size: program.size()?,
        })
    }

    fn cold(&self) -> Duration {
        median(&self.colds)
    }

    fn warm_echo(&self) -> Option<Duration> {
        (!self.echoes.is_empty()).then(|| median(&self.echoes))
    }

    fn warm_create(&self) -> Option<Duration> {
        (!self.creates.is_empty()).then(|| median(&self.creates))
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() / 2]
}

fn report(own_latency: Duration, columns: &[Column]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| | cold over TLS | warm echo | warm create over TLS | peak memory | at a 6 MB text | at 2 million numbers | binary | zip |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
    for column in columns {
        let (binary, zip) = column
            .size
            .map_or_else(Default::default, |(binary, zip)| (mb(binary), mb(zip)));
        let [text, numbers] = column
            .large_peaks_kib
            .map_or_else(Default::default, |peaks| peaks.map(mib));
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {text} | {numbers} | {binary} | {zip} |",
            column.program.name,
            ms(column.cold()),
            column.warm_echo().map_or_else(String::new, ms),
            column.warm_create().map_or_else(String::new, ms),
            mib(column.peak_kib),
        )?;
    }
    writeln!(
        out,
        "\nThe database's own latency over TLS: {}\n",
        ms(own_latency)
    )?;
    writeln!(out, "| ratio | | measured | goal |\n|---|---|---|---|")?;
    let (echo, others) = columns.split_first().ok_or("no programs")?;
    let echo_warm = echo.warm_echo().ok_or("the bare echo echoes")?;
    for column in others {
        let name = column.program.name;
        // What is not ours has no goal.
        let goal = |names: &[&str], goal| if names.contains(&name) { goal } else { "" };
        let mut line = |ratio: &str, a: Duration, b: Duration, goal: &str| {
            let measured = a.as_secs_f64() / b.as_secs_f64();
            writeln!(out, "| {ratio} | {name} | {measured:.2} | {goal} |")
        };
        let cold_goal = goal(&["ours", "linked"], "3");
        line("cold / echo's cold", column.cold(), echo.cold(), cold_goal)?;
        if let Some(warm) = column.warm_echo() {
            line(
                "warm echo / echo's",
                warm,
                echo_warm,
                goal(&["ours"], "1.3"),
            )?;
        }
        if let Some(create) = column.warm_create() {
            let (floor, goal) = (own_latency + echo_warm, goal(&["ours"], "1.5"));
            line("warm create / (database + echo)", create, floor, goal)?;
        }
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
