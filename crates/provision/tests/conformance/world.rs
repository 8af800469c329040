//! One account of the emulator, the binary on it, and somebody who acts behind its back.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use provision::App;
use provision_aws::connection::Transport;
use provision_cli::Host;
use provision_cli::args::parse;
use provision_cli::environment::Environment;
use provision_cli::exit::Exit;
use provision_cli::interrupt::Interrupt;
use provision_cli::ui::console::{Console, Printed};
use serde_json::Value;
use testkit::mutation::{Mutation, Target};
use testkit::sdk::apigateway::types::{ApiKey, RestApi};
use testkit::{Account, Call, Rig, Run};

use crate::names::{API, FUNCTION, KEY};

/// The lab's binary against the endpoint of the end-to-end tests, in real time.
///
/// The tests of command lines have a `World` of their own: it runs the commands in this process, on a local AWS without a
/// socket, so that time is paused, a run can be killed between two calls, and thousands of cases take minutes. Here the
/// program is another process, its arguments pass a shell's environment, and the endpoint may be anybody's. What does not
/// depend on that is shared: [`Rig`], the catalogue of mutations, and the census.
pub(crate) struct World {
    pub(crate) rig: Rig,
}

impl Deref for World {
    type Target = Rig;

    fn deref(&self) -> &Rig {
        &self.rig
    }
}

impl World {
    /// An account that holds nothing.
    pub(crate) async fn empty() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(100_000_000_001);
        let id = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let mut rig = Rig::new(env!("CARGO_BIN_EXE_provision"), &id).await;
        let bootstrap = bootstrap().display().to_string();
        rig.cli = rig.cli.env("PROVISION_BOOTSTRAP", &bootstrap);
        Self { rig }
    }

    /// Somebody changes something behind the tool's back.
    pub(crate) async fn apply(&self, mutation: Mutation) {
        self.rig.apply(mutation, &Target::LAB).await;
    }

    /// Somebody else has a resource with this name of the stack.
    pub(crate) async fn take_name(&self, name: &str) {
        self.rig.take_name(&Target::LAB, name).await;
    }

    /// An account after one `up`.
    pub(crate) async fn deployed() -> Self {
        let world = Self::empty().await;
        world.up().await;
        world
    }

    pub(crate) async fn up(&self) -> Run {
        self.cli.run(&["up", "--yes"]).await.expect(0)
    }

    /// Like `up`, without asking the public endpoint.
    pub(crate) async fn up_ready(&self) -> Run {
        self.cli
            .run(&["up", "--yes", "--wait", "ready"])
            .await
            .expect(0)
    }

    pub(crate) async fn down(&self) -> Run {
        self.cli.run(&["down", "--yes"]).await.expect(0)
    }

    /// A configuration whose calls are recorded like the binary's.
    pub(crate) async fn through_proxy(&self) -> testkit::sdk::SdkConfig {
        Account::connect(&self.proxy.url(), &self.account.id)
            .await
            .config
    }

    /// Steps of the plan that would do something, as "action id"; the exit code has to agree with them.
    pub(crate) async fn plan(&self) -> Vec<String> {
        let run = self
            .cli
            .run(&["plan", "--detailed-exitcode", "--json"])
            .await;
        let plan = if run.code == Some(2) {
            run
        } else {
            run.expect(0)
        };
        let steps = actions(&plan.json());
        assert_eq!(
            plan.code == Some(2),
            !steps.is_empty(),
            "exit code and steps: {steps:?}"
        );
        steps
    }

    /// The binary's writes since the last time anybody asked for its calls.
    pub(crate) fn writes(&self) -> Vec<String> {
        names(self.proxy.take_calls().iter().filter(|call| call.write))
    }

    pub(crate) async fn rest_api(&self) -> RestApi {
        let apis = self
            .account
            .apigateway
            .get_rest_apis()
            .limit(500)
            .send()
            .await;
        let mut apis = apis.expect("GetRestApis").items.unwrap_or_default();
        apis.retain(|api| api.name() == Some(API));
        one(apis)
    }

    pub(crate) async fn rest_api_id(&self) -> String {
        self.rest_api().await.id.expect("an API has an id")
    }

    pub(crate) async fn deployments(&self) -> usize {
        let api = self.rest_api_id().await;
        let found = self
            .account
            .apigateway
            .get_deployments()
            .rest_api_id(api)
            .limit(500)
            .send()
            .await;
        found.expect("GetDeployments").items().len()
    }

    pub(crate) async fn api_key(&self) -> ApiKey {
        let keys = self
            .account
            .apigateway
            .get_api_keys()
            .limit(500)
            .send()
            .await;
        let mut keys = keys.expect("GetApiKeys").items.unwrap_or_default();
        keys.retain(|key| key.name() == Some(KEY));
        one(keys)
    }

    /// The function's policy statements.
    pub(crate) async fn statements(&self) -> Vec<Value> {
        let policy = self
            .account
            .lambda
            .get_policy()
            .function_name(FUNCTION)
            .send()
            .await;
        let policy = policy.expect("GetPolicy").policy.expect("a policy");
        let policy: Value = serde_json::from_str(&policy).expect("a policy is JSON");
        policy["Statement"].as_array().cloned().unwrap_or_default()
    }
}

/// Runs a command line of `app` in this process.
pub(crate) async fn run_app(
    app: &App,
    transport: Transport,
    arguments: &[&str],
) -> (Exit, Printed) {
    let environment = Environment::default();
    let words = [app.name()].into_iter().chain(arguments.iter().copied());
    let cli = parse::read(app, words, &environment).expect("the arguments are right");
    let (console, capture) = Console::captured(&cli.global);
    // Nobody sends a signal.
    let (_sender, signals) = tokio::sync::watch::channel(None);
    let host = Host {
        console,
        interrupt: Interrupt::by(signals),
        transport: Some(transport),
        runs: None,
        environment,
    };
    let exit = app.run_on(&cli, host).await;
    (exit, capture.printed())
}

/// Returns the steps of a plan, or of a run, that do something, as "action id".
pub(crate) fn actions(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().expect("a plan has steps");
    let steps = steps.iter().filter(|step| step["action"] != "keep");
    steps
        .map(|step| format!("{} {}", text(step, "action"), text(step, "id")))
        .collect()
}

pub(crate) fn names<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Vec<String> {
    calls
        .into_iter()
        .map(|call| call.operation.clone())
        .collect()
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

#[track_caller]
fn one<T>(mut found: Vec<T>) -> T {
    assert_eq!(found.len(), 1, "there is exactly one");
    found.remove(0)
}

/// The function's binary: `PROVISION_TEST_BOOTSTRAP`, else the workspace's own, built once.
pub(crate) fn bootstrap() -> &'static Path {
    static BOOTSTRAP: OnceLock<PathBuf> = OnceLock::new();
    BOOTSTRAP.get_or_init(|| {
        if let Some(given) = std::env::var_os("PROVISION_TEST_BOOTSTRAP") {
            return given.into();
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args([
                "build",
                "--release",
                "--package",
                "handler",
                "--target-dir",
                "target",
            ])
            .current_dir(&workspace)
            .status()
            .expect("cargo can be run");
        assert!(status.success(), "the handler does not compile");
        let built = workspace.join("target/release/bootstrap");
        built.canonicalize().expect("cargo made the binary")
    })
}
