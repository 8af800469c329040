//! One account of the emulator, the binary on it, and somebody who acts behind its back.

use std::io::Write;
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
use testkit::sdk::apigateway::types::{ApiKey, Op, PatchOperation, RestApi, UsagePlan};
use testkit::sdk::lambda::primitives::Blob;
use testkit::{Account, Call, Census, Cli, Emulator, Options, Proxy, Run};

use crate::names::{API, FUNCTION, KEY, LOG_GROUP, PLAN, ROLE, TABLE};

pub(crate) struct World {
    /// The binary; its calls alone go through `proxy`.
    pub(crate) cli: Cli,
    pub(crate) proxy: Proxy,
    /// Everybody else.
    pub(crate) account: Account,
    _behind: Proxy,
}

impl World {
    /// An account that holds nothing.
    pub(crate) async fn empty() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(100_000_000_001);
        let id = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let options = Options {
            account: Some(id.clone()),
            strict: true,
            exact: Emulator::is_ours(),
            ..Options::default()
        };
        let emulator = Emulator::shared();
        let proxy = Proxy::start(emulator.url(), options.clone());
        let behind = Proxy::start(emulator.url(), options);
        let cli = Cli::new(env!("CARGO_BIN_EXE_provision"), &proxy.url(), &id)
            .env("PROVISION_BOOTSTRAP", &bootstrap().display().to_string());
        Self {
            cli,
            account: Account::connect(&behind.url(), &id).await,
            proxy,
            _behind: behind,
        }
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

    pub(crate) async fn census(&self) -> Census {
        Census::take(&self.account).await
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

    /// The id of the resource at `path`.
    pub(crate) async fn resource_id(&self, path: &str) -> String {
        let api = self.rest_api_id().await;
        let resources = self
            .account
            .apigateway
            .get_resources()
            .rest_api_id(api)
            .limit(500)
            .send()
            .await;
        let mut resources = resources.expect("GetResources").items.unwrap_or_default();
        resources.retain(|resource| resource.path() == Some(path));
        one(resources).id.expect("a resource has an id")
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

    pub(crate) async fn usage_plan(&self) -> UsagePlan {
        let plans = self
            .account
            .apigateway
            .get_usage_plans()
            .limit(500)
            .send()
            .await;
        let mut plans = plans.expect("GetUsagePlans").items.unwrap_or_default();
        plans.retain(|plan| plan.name() == Some(PLAN));
        one(plans)
    }

    pub(crate) async fn delete_role(&self) {
        let iam = &self.account.iam;
        let policies = iam.list_role_policies().role_name(ROLE).send().await;
        for policy in policies.expect("ListRolePolicies").policy_names {
            let delete = iam.delete_role_policy().role_name(ROLE).policy_name(policy);
            delete.send().await.expect("DeleteRolePolicy");
        }
        iam.delete_role()
            .role_name(ROLE)
            .send()
            .await
            .expect("DeleteRole");
    }

    pub(crate) async fn delete_table(&self) {
        let delete = self.account.dynamodb.delete_table().table_name(TABLE);
        delete.send().await.expect("DeleteTable");
    }

    pub(crate) async fn delete_function(&self) {
        let delete = self
            .account
            .lambda
            .delete_function()
            .function_name(FUNCTION);
        delete.send().await.expect("DeleteFunction");
    }

    pub(crate) async fn delete_log_group(&self) {
        let delete = self
            .account
            .logs
            .delete_log_group()
            .log_group_name(LOG_GROUP);
        delete.send().await.expect("DeleteLogGroup");
    }

    pub(crate) async fn delete_api(&self) {
        let delete = self.account.apigateway.delete_rest_api();
        delete
            .rest_api_id(self.rest_api_id().await)
            .send()
            .await
            .expect("DeleteRestApi");
    }

    pub(crate) async fn delete_key(&self) {
        let id = self.api_key().await.id.expect("a key has an id");
        let delete = self.account.apigateway.delete_api_key().api_key(id);
        delete.send().await.expect("DeleteApiKey");
    }

    /// The plan's stages go first, or AWS refuses.
    pub(crate) async fn delete_plan(&self) {
        self.unlink_stages().await;
        let id = self.usage_plan().await.id.expect("a plan has an id");
        let delete = self
            .account
            .apigateway
            .delete_usage_plan()
            .usage_plan_id(id);
        delete.send().await.expect("DeleteUsagePlan");
    }

    pub(crate) async fn unlink_stages(&self) {
        let plan = self.usage_plan().await;
        for link in plan.api_stages() {
            let value = format!(
                "{}:{}",
                link.api_id().expect("an API"),
                link.stage().expect("a stage")
            );
            let update = self.account.apigateway.update_usage_plan();
            update
                .usage_plan_id(plan.id().expect("a plan has an id"))
                .patch_operations(patch_remove("/apiStages", &value))
                .send()
                .await
                .expect("UpdateUsagePlan");
        }
    }

    pub(crate) async fn delete_stage(&self) {
        let delete = self.account.apigateway.delete_stage();
        let delete = delete.rest_api_id(self.rest_api_id().await);
        delete
            .stage_name(crate::names::STAGE)
            .send()
            .await
            .expect("DeleteStage");
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

    pub(crate) async fn remove_permission(&self, sid: &str) {
        let remove = self.account.lambda.remove_permission();
        let remove = remove.function_name(FUNCTION).statement_id(sid);
        remove.send().await.expect("RemovePermission");
    }
}

/// Somebody changes something behind the tool's back: the plan says so, `up` repairs it, and the world is as before.
pub(crate) async fn repaired(change: impl AsyncFnOnce(&World)) {
    let world = World::deployed().await;
    let clean = world.census().await;
    change(&world).await;
    assert_ne!(
        clean.masked(),
        world.census().await.masked(),
        "the change shows in the census"
    );
    let steps = world.plan().await;
    assert!(!steps.is_empty(), "the plan sees nothing");
    world.up().await;
    clean.assert_same(&world.census().await, &format!("repaired by {steps:?}"));
    assert_eq!(
        world.plan().await,
        Vec::<String>::new(),
        "the plan after the repair"
    );
}

/// One test a change.
macro_rules! drifts {
    ($($name:ident: $change:expr;)*) => {
        $(
            #[tokio::test]
            #[ignore = "needs the emulator: just conformance"]
            async fn $name() {
                crate::world::repaired($change).await;
            }
        )*
    };
}
pub(crate) use drifts;

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

pub(crate) fn patch_replace(path: &str, value: &str) -> PatchOperation {
    patch(Op::Replace, path, value)
}

pub(crate) fn patch_remove(path: &str, value: &str) -> PatchOperation {
    patch(Op::Remove, path, value)
}

fn patch(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation::builder()
        .op(op)
        .path(path)
        .value(value)
        .build()
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

/// A package that is not ours: a `bootstrap` that does nothing.
pub(crate) fn other_package() -> Blob {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options)
        .expect("a zip in memory");
    zip.write_all(b"#!/bin/sh\n").expect("a zip in memory");
    Blob::new(zip.finish().expect("a zip in memory").into_inner())
}
