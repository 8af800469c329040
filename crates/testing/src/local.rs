//! A whole stack on a local AWS in this process.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use aws_types::SdkConfig;
use bytes::Bytes;
use local_aws::{Clock, Enforcement, Faults, LocalAws, Options, Outcome, Runner};
use provision_aws::connection::{Transport, config_at};
use provision_cli::args::parse;
use provision_cli::environment::Environment;
use provision_cli::interrupt::Interrupt;
use provision_cli::ui::console::Console;
use provision_cli::{App, Host};
use provision_engine::asset::Code;
use provision_engine::env::{Architecture, Env};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

const ACCOUNT: &str = "123456789012";
const REGION: &str = "eu-west-1";
/// Requests to it never leave the process.
const URL: &str = "http://local-aws.test";

type Answer = Arc<dyn Fn(Value) -> Value + Send + Sync>;

/// An application on a local AWS in this process: real requests of the SDK, real rights of functions, and no socket.
///
/// Functions are not built: each request is answered by what the test gives with [`function`](Local::function), and with status
/// 200 while it gives nothing at all; once it does, a function that it does not name answers 501 and says so.
/// The AWS's time is tokio's, so it is paused where the test's is.
pub struct Local {
    app: App,
    aws: LocalAws,
    functions: Arc<Mutex<HashMap<String, Answer>>>,
    folder: TempDir,
}

/// A command that has run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The exit code.
    pub code: u8,
    /// The result.
    pub stdout: String,
    /// All else that it printed.
    pub stderr: String,
}

/// An answer of an API.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Local {
    /// An empty account for `app`.
    ///
    /// # Panics
    ///
    /// If no state can be held in memory or in the folder of temporary files.
    pub fn new(app: App) -> Self {
        let functions: Arc<Mutex<HashMap<String, Answer>>> = Arc::default();
        let known = functions.clone();
        let run = move |name: &str, event: Bytes| Ok(answer(&known, name, &event));
        let aws = LocalAws::open(Options {
            folder: None,
            clock: Clock::runtime(),
            runner: Runner::Inline(Arc::new(run)),
            faults: Faults::default(),
            enforcement: Enforcement::All,
            request_log: None,
        });
        let aws = aws.expect("a state in memory");
        aws.set_endpoint(URL);
        Self {
            app,
            aws,
            functions,
            folder: TempDir::new().expect("a folder for temporary files"),
        }
    }

    /// Answers the events of the function with this name on AWS: of API Gateway, an answer has `statusCode` and `body`.
    pub fn function(&self, name: &str, answer: impl Fn(Value) -> Value + Send + Sync + 'static) {
        let mut functions = self
            .functions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        functions.insert(name.to_owned(), Arc::new(answer));
    }

    /// Replaces what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.aws.set_faults(faults);
    }

    /// Returns the configuration of clients of this account: of everybody beside the application.
    pub fn sdk_config(&self) -> SdkConfig {
        config_at(URL, REGION.to_owned(), ACCOUNT, self.aws.http_client())
    }

    /// Runs a command line of the application: `["plan", "--env", "prod"]`. Its binaries are stand-ins, and it asks nothing.
    ///
    /// # Panics
    ///
    /// If the arguments are wrong.
    pub async fn run(&self, arguments: &[&str]) -> Run {
        let mut line = vec![self.app.name().to_owned()];
        line.extend(arguments.iter().map(|&word| word.to_owned()));
        let command = arguments.first().copied().unwrap_or_default();
        if ["up", "plan"].contains(&command) {
            line.extend(self.stand_ins());
        }
        let folder = self.folder.path().join("no-local-aws");
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let environment: Environment = [
            variable("PROVISION_LOCAL_DIR", &folder.to_string_lossy()),
            variable("PROVISION_LOCAL_PORT", "0"),
        ]
        .into_iter()
        .collect();
        let cli = match parse::read(&self.app, line, &environment) {
            Ok(cli) => cli,
            Err(error) => panic!("{error}"),
        };
        let (console, capture) = Console::captured(&cli.global);
        let (_signals, signal) = watch::channel(None);
        let host = Host {
            console,
            interrupt: Interrupt::by(signal),
            transport: Some(Transport {
                config: self.sdk_config(),
                public: self.aws.http_connector(),
                keeps_pace: false,
            }),
            runs: None,
            environment,
        };
        let exit = self.app.run_on(&cli, host).await;
        let printed = capture.printed();
        Run {
            code: exit.code(),
            stdout: printed.stdout,
            stderr: printed.stderr,
        }
    }

    /// Deploys the stack, and panics with all that was printed if that fails.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub async fn up(&self) -> Run {
        self.run(&["up", "--yes"]).await.expect(0)
    }

    /// Removes the stack.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub async fn down(&self) -> Run {
        self.run(&["down", "--yes"]).await.expect(0)
    }

    /// Returns the output `name`, secret or not.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn output(&self, name: &str) -> String {
        let run = self.run(&["outputs", "--json", "--show-secrets"]).await;
        let outputs: Value = serde_json::from_str(&run.expect(0).stdout).unwrap_or_default();
        match &outputs[name] {
            Value::String(text) => text.clone(),
            _ => panic!("there is no output `{name}`: {outputs:#}"),
        }
    }

    /// Sends a request to a URL of the stack, with an API key if there is one.
    ///
    /// # Panics
    ///
    /// If the URL is none, or the connection closes without an answer.
    pub async fn request(
        &self,
        method: &str,
        url: &str,
        key: Option<&str>,
        body: &str,
    ) -> Response {
        let uri: http::Uri = url.parse().expect("a URL");
        let mut request = http::Request::builder().method(method).uri(url);
        request = request.header(http::header::HOST, uri.host().unwrap_or_default());
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        let request = request.body(Bytes::from(body.to_owned()));
        let answer = match self.aws.handle(request.expect("a request")).await {
            Outcome::Answered(answer) => answer,
            Outcome::Dropped => panic!("the connection closed without an answer"),
        };
        Response {
            status: answer.status().as_u16(),
            body: String::from_utf8_lossy(answer.body()).into_owned(),
        }
    }

    /// Options that give a stand-in for each binary of the stack, whichever environment it is declared for.
    fn stand_ins(&self) -> Vec<String> {
        let declaration = self.app.declare(&Env::new(None, REGION));
        let assets = declaration.map(|declaration| declaration.assets);
        let binaries = assets.unwrap_or_default().into_iter().filter_map(|asset| {
            let Code::Binary { name, .. } = asset.code else {
                return None;
            };
            let path = self.stand_in(&name, asset.architecture);
            Some([
                "--bootstrap".to_owned(),
                format!("{name}={}", path.display()),
            ])
        });
        binaries.flatten().collect()
    }

    /// Writes the header of a program, and nothing to run.
    fn stand_in(&self, name: &str, architecture: Architecture) -> PathBuf {
        let path = self.folder.path().join(name);
        let mut elf = vec![0; 80];
        elf[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        // An executable.
        elf[16] = 2;
        elf[18] = match architecture {
            Architecture::X86_64 => 62,
            Architecture::Arm64 => 183,
        };
        elf[20] = 1;
        elf[52] = 64;
        fs::write(&path, elf).expect("the folder is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
        path
    }
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

fn answer(functions: &Mutex<HashMap<String, Answer>>, name: &str, event: &[u8]) -> Bytes {
    let functions = functions.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(answer) = functions.get(name).cloned() else {
        if functions.is_empty() {
            return Bytes::from_static(br#"{"statusCode":200,"body":"{}"}"#);
        }
        let known: Vec<&str> = functions.keys().map(String::as_str).collect();
        let text = format!("no stand-in for `{name}`; there is {}", known.join(", "));
        let body = json!({ "message": text }).to_string();
        return json!({ "statusCode": 501, "body": body })
            .to_string()
            .into();
    };
    drop(functions);
    let event = serde_json::from_slice(event).unwrap_or_default();
    answer(event).to_string().into()
}

impl Run {
    /// Returns the run, if it ended with this exit code.
    ///
    /// # Panics
    ///
    /// With all that was printed, if it did not.
    #[track_caller]
    pub fn expect(self, code: u8) -> Self {
        assert_eq!(
            self.code, code,
            "--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

impl Response {
    /// Returns the body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}
