//! What the local AWS promises, measured: starts, `up`, invocations, the throttle, throughput, and kills.
//!
//! `bench_local LOCAL_AWS PROVISION BOOTSTRAP` prints a table in Markdown.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_dynamodb::types::AttributeValue;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Account, Cli};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::sleep;

const ACCOUNT: &str = "000000000000";
const TABLE: &str = "lambda-apigateway";
const STARTS: usize = 20;
const UPS: usize = 7;
const CREATES: usize = 500;
const CONNECTIONS: usize = 8;
const FLOOD: Duration = Duration::from_secs(5);
const RUSH: Duration = Duration::from_secs(4);
const KILLS: u32 = 20;
const WRITERS: usize = 4;
/// Whatever takes longer has hung.
const HUNG: Duration = Duration::from_secs(20);

/// The programs that are measured.
struct Programs {
    local_aws: PathBuf,
    provision: PathBuf,
    bootstrap: PathBuf,
}

/// A folder and a port of the local AWS.
struct Home {
    folder: TempDir,
    port: u16,
    cli: Cli,
}

/// The deployed stack, for its callers.
#[derive(Clone, Debug, PartialEq)]
struct Endpoint {
    url: String,
    key: String,
    /// Name and hash of the function.
    function: (String, String),
}

#[derive(Clone)]
struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    key: String,
}

impl Home {
    fn new(programs: &Programs) -> Self {
        let folder = TempDir::with_prefix("local-aws-").expect("a temporary folder can be made");
        let free = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let port = free.local_addr().expect("it is bound").port();
        let cli = Cli::new(&programs.provision, "", ACCOUNT)
            .without("AWS_ENDPOINT_URL")
            .env("PROVISION_LOCAL_AWS", &text(&programs.local_aws))
            .env("PROVISION_BOOTSTRAP", &text(&programs.bootstrap))
            .env("PROVISION_LOCAL_DIR", &text(folder.path()))
            .env("PROVISION_LOCAL_PORT", &port.to_string());
        Self { folder, port, cli }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts the server, which ends with the handle, and waits until it answers.
    async fn serve(&self, programs: &Programs) -> (Child, Duration) {
        let started = Instant::now();
        let server = Command::new(&programs.local_aws)
            .args(["serve", "--port", &self.port.to_string(), "--folder"])
            .arg(self.folder.path())
            .env_clear()
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the local AWS can be started");
        let health = format!("{}/_local/health", self.url());
        while get(&health).await != Some(200) {
            assert!(started.elapsed() < HUNG, "the local AWS does not start");
            sleep(Duration::from_micros(500)).await;
        }
        (server, started.elapsed())
    }

    async fn up(&self, arguments: &[&str]) -> Duration {
        let arguments = [&["up", "--local", "--yes"], arguments].concat();
        self.cli.run(&arguments).await.expect(0).elapsed
    }

    async fn endpoint(&self) -> Endpoint {
        let arguments = ["outputs", "--local", "--json", "--show-secrets"];
        let run = self.cli.run(&arguments).await.expect(0);
        let outputs: Value = serde_json::from_str(&run.stdout).expect("a JSON document");
        let output = |name: &str| outputs[name].as_str().expect("a text").to_owned();
        let name = output("function_name");
        let account = Account::connect(&self.url(), ACCOUNT).await;
        let asked = account.lambda.get_function().function_name(&name);
        let function = asked.send().await.expect("the function is there");
        let hash = function.configuration.and_then(|found| found.code_sha256);
        Endpoint {
            url: output("invoke_url"),
            key: output("api_key"),
            function: (name, hash.expect("code has a hash")),
        }
    }
}

impl Caller {
    fn new(endpoint: &Endpoint) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: endpoint.url.clone(),
            key: endpoint.key.clone(),
        }
    }

    /// The status, or nothing where the server has gone.
    async fn post(&self, body: impl Into<Bytes>) -> Option<u16> {
        let request = Request::post(&self.url)
            .header("content-type", "application/json")
            .header("x-api-key", &self.key)
            .body(Full::new(body.into()))
            .expect("the request's parts are valid");
        let response = self.client.request(request).await.ok()?;
        let status = response.status().as_u16();
        response.into_body().collect().await.ok()?;
        Some(status)
    }

    async fn ping(&self) -> Option<u16> {
        self.post("{\"operation\":\"ping\"}").await
    }

    async fn create(&self, id: &str) -> Option<u16> {
        let item = json!({ "id": id, "number": 5 });
        let body =
            json!({ "operation": "create", "tableName": TABLE, "payload": { "Item": item } });
        self.post(body.to_string()).await
    }

    /// Pings over several connections until the time is over: how many passed, how many were too many.
    async fn rush(&self, time: Duration) -> (u32, u32) {
        let (passed, refused) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let end = Instant::now() + time;
        let mut tasks = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (caller, passed, refused) = (self.clone(), passed.clone(), refused.clone());
            tasks.spawn(async move {
                while Instant::now() < end {
                    match caller.ping().await {
                        Some(200) => passed.fetch_add(1, Ordering::Relaxed),
                        Some(429) => refused.fetch_add(1, Ordering::Relaxed),
                        other => panic!("a ping was answered with {other:?}"),
                    };
                }
            });
        }
        tokio::time::timeout(time + HUNG, tasks.join_all())
            .await
            .expect("the pings end");
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        (count(&passed), count(&refused))
    }
}

/// `kill -9`, and its end: the lock is free.
async fn end(mut server: Child) {
    server.kill().await.expect("the server was running");
}

async fn get(url: &str) -> Option<u16> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let asked = client.get(url.parse().expect("a URL"));
    Some(asked.await.ok()?.status().as_u16())
}

#[tokio::main]
async fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os()
        .skip(1)
        .map(|path| std::fs::canonicalize(path).expect("it has been built"))
        .collect();
    let Ok([local_aws, provision, bootstrap]) = <[PathBuf; 3]>::try_from(paths) else {
        print("usage: bench_local LOCAL_AWS PROVISION BOOTSTRAP");
        return ExitCode::from(64);
    };
    let programs = Programs {
        local_aws,
        provision,
        bootstrap,
    };
    print("| measured | goal | result | |\n|---|---|---|---|");
    ups(&programs).await;
    let home = Home::new(&programs);
    let (server, _) = home.serve(&programs).await;
    home.up(&["--rate", "100000", "--burst", "100000"]).await;
    let endpoint = home.endpoint().await;
    end(server).await;
    starts(&programs, &home, &endpoint).await;
    let (server, _) = home.serve(&programs).await;
    warm(&endpoint).await;
    end(server).await;
    kills(&programs, &home, &endpoint).await;
    let (server, _) = home.serve(&programs).await;
    flood(&home, &endpoint).await;
    end(server).await;
    ExitCode::SUCCESS
}

async fn ups(programs: &Programs) {
    let (mut stopped, mut running) = (Vec::new(), Vec::new());
    for _ in 0..UPS {
        let home = Home::new(programs);
        stopped.push(home.up(&[]).await);
        home.cli.run(&["local", "stop"]).await.expect(0);
        let home = Home::new(programs);
        let (server, _) = home.serve(programs).await;
        running.push(home.up(&[]).await);
        end(server).await;
    }
    let name = format!("`up --local`, nothing running (median of {UPS})");
    below(&name, median(stopped), Duration::from_millis(500));
    let name = format!("`up --local`, the server running (median of {UPS})");
    below(&name, median(running), Duration::from_millis(500));
}

async fn starts(programs: &Programs, home: &Home, endpoint: &Endpoint) {
    let (mut ready, mut cold) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let (server, took) = home.serve(programs).await;
        ready.push(took);
        let started = Instant::now();
        assert_eq!(Caller::new(endpoint).ping().await, Some(200), "a cold ping");
        cold.push(started.elapsed());
        end(server).await;
    }
    let name = format!("start to the first answer, a stack deployed (median of {STARTS})");
    below(&name, median(ready), Duration::from_millis(50));
    let name = format!("cold `ping` through the gateway (median of {STARTS})");
    below(&name, median(cold), Duration::from_millis(60));
}

async fn warm(endpoint: &Endpoint) {
    let caller = Caller::new(endpoint);
    let mut times = Vec::new();
    for number in 0..CREATES {
        let started = Instant::now();
        let status = caller.create(&format!("warm-{number}")).await;
        assert_eq!(status, Some(200), "a create");
        times.push(started.elapsed());
    }
    let name = format!("warm `create` through the gateway (median of {CREATES})");
    below(&name, median(times), Duration::from_millis(5));
    // Environments start as they are needed, which is not what is measured.
    caller.rush(Duration::from_secs(1)).await;
    let (passed, refused) = caller.rush(RUSH).await;
    assert_eq!(refused, 0, "the throttle is lifted");
    let rate = f64::from(passed) / RUSH.as_secs_f64();
    let name = format!("warm `ping` through the gateway, {CONNECTIONS} connections");
    let missed = (rate < 2000.0).then(|| format!("{:.0} %", 100.0 - rate / 20.0));
    line(
        &name,
        "at least 2,000 a second",
        &format!("{rate:.0} a second"),
        missed,
    );
}

async fn flood(home: &Home, endpoint: &Endpoint) {
    home.up(&["--rate", "100", "--burst", "20"]).await;
    // The bucket fills.
    sleep(Duration::from_secs(1)).await;
    let (passed, refused) = Caller::new(endpoint).rush(FLOOD).await;
    let off = (f64::from(passed) / 520.0 - 1.0) * 100.0;
    let result = format!("{passed} passed ({off:+.1} %), {refused} answered 429");
    let missed = (off.abs() > 2.0).then(|| format!("{:.1} %", off.abs() - 2.0));
    line(
        "5 s of flood against 100/20",
        "520 ± 2 % pass, 429 for the rest",
        &result,
        missed,
    );
}

async fn kills(programs: &Programs, home: &Home, endpoint: &Endpoint) {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let next = Arc::new(AtomicU64::new(0));
    let mut changed = 0;
    for _ in 0..KILLS {
        let (server, _) = home.serve(programs).await;
        let mut writers = JoinSet::new();
        for _ in 0..WRITERS {
            let (acknowledged, next) = (acknowledged.clone(), next.clone());
            let caller = Caller::new(endpoint);
            writers.spawn(async move {
                loop {
                    let id = format!("kept-{}", next.fetch_add(1, Ordering::Relaxed));
                    match caller.create(&id).await {
                        Some(200) => acknowledged.lock().expect("no writer panics").push(id),
                        // On its way down.
                        _ => return,
                    }
                }
            });
        }
        sleep(Duration::from_millis(100) + Duration::from_micros(random(500_000))).await;
        end(server).await;
        writers.join_all().await;
        let (server, _) = home.serve(programs).await;
        changed += u32::from(home.endpoint().await != *endpoint);
        end(server).await;
    }
    let (server, _) = home.serve(programs).await;
    let ids = acknowledged.lock().expect("no writer panics").clone();
    let account = Account::connect(&home.url(), ACCOUNT).await;
    let mut lost = 0;
    for id in &ids {
        let key = AttributeValue::S(id.clone());
        let asked = account
            .dynamodb
            .get_item()
            .table_name(TABLE)
            .key("id", key)
            .consistent_read(true);
        let found = asked.send().await.expect("the table can be read");
        lost += u32::from(found.item.is_none());
    }
    end(server).await;
    let result = format!(
        "{lost} of {} lost; URL, key or function changed {changed} times",
        ids.len()
    );
    let missed = (lost + changed > 0).then(|| format!("{lost} writes, {changed} endpoints"));
    let name = format!("acknowledged writes over {KILLS} `kill -9`");
    line(&name, "none lost", &result, missed);
}

/// Below `limit`, in microseconds.
fn random(limit: u64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::from(now.expect("it is after 1970").subsec_micros()) % limit
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn below(name: &str, time: Duration, goal: Duration) {
    let missed = (time >= goal).then(|| milliseconds(time.saturating_sub(goal)));
    line(
        name,
        &format!("under {} ms", goal.as_millis()),
        &milliseconds(time),
        missed,
    );
}

/// `missed` says by how much.
fn line(name: &str, goal: &str, result: &str, missed: Option<String>) {
    let verdict = missed.map_or_else(|| "kept".to_owned(), |by| format!("not reached, by {by}"));
    print(&format!("| {name} | {goal} | {result} | {verdict} |"));
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn print(text: &str) {
    // Whoever closed the pipe does not want the rest.
    let _ = writeln!(std::io::stdout(), "{text}");
}
