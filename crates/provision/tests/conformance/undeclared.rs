//! What is no longer declared is found and deleted, kind by kind, although the tagging API lags behind.
//!
//! These tests run on a local AWS in this process, because they need its lag and a clock that they set themselves.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use local_aws::{Clock, Enforcement, Faults, LocalAws, Runner};
use provision::apigateway::{
    ApiKey, Deployment, Integration, Method, Path, PlanStage, RestApi, Stage, Throttle, UsagePlan,
};
use provision::arn::Arn;
use provision::aws::Unusual;
use provision::aws::ssm::Parameter;
use provision::dynamodb::Table;
use provision::handles::{
    DeploymentHandle, FunctionHandle, MethodHandle, PathHandle, RestApiHandle, RoleHandle,
    StageHandle,
};
use provision::iam::{PolicyFile, Role};
use provision::lambda::{Function, Permission};
use provision::logs::LogGroup;
use provision::{App, Code, Env, Handle, Input, Set, Stack, Tags, digest};
use provision_aws::connection::{Transport, config_at};
use provision_cli::exit::Exit;
use provision_cli::ui::console::Printed;
use serde_json::Value;
use testkit::mutation::other_package;
use testkit::sdk::dynamodb::types::AttributeValue;
use testkit::{Account, Census, InProcess};

use crate::names::LAMBDA_TRUST;
use crate::world::{actions, names, run_app};

const ACCOUNT: &str = "123456789012";

/// Longer than AWS's tagging API has been seen to lag.
const LAG: Duration = Duration::from_mins(10);

/// What the stack can be declared without, and the steps that this takes.
const PARTS: [(&str, &[&str]); 12] = [
    ("table", &["delete undeclared parts-table"]),
    ("logs", &["delete undeclared parts-logs"]),
    ("parameter", &["delete undeclared /parts-parameter"]),
    ("role", &["delete undeclared parts-role"]),
    ("function", &["delete undeclared parts-function"]),
    ("permission", &["delete undeclared second-"]),
    (
        "method",
        &[
            "replace deployment",
            "update beta",
            "update live",
            "delete undeclared POST /kept",
        ],
    ),
    (
        "path",
        &[
            "replace deployment",
            "update beta",
            "update live",
            "delete undeclared GET /parts",
            "delete undeclared /parts",
        ],
    ),
    ("stage", &["delete undeclared beta"]),
    ("api", &["delete undeclared "]),
    ("key", &["delete undeclared "]),
    ("plan", &["delete undeclared "]),
];

/// Kinds that are found by the tagging API alone.
const TAGGED: [&str; 4] = [
    "parts-table",
    "parts-logs",
    "parts-function",
    "/parts-parameter",
];

/// A stack of which the parameter `without` leaves out a part, or all.
fn parts(env: &Env) -> anyhow::Result<Stack> {
    let mut stack = Stack::new("parts", env);
    let without = stack.parameter("without", String::new());
    let has = |part: &str| without != part && without != "all";
    let trust = PolicyFile {
        path: "trust",
        text: LAMBDA_TRUST,
    };
    let role = |name: &str| {
        anyhow::Ok(Role {
            name: name.to_owned(),
            description: String::new(),
            max_session_s: 3600,
            trust: trust.fill(&[])?,
            policies: BTreeMap::new(),
            boundary: None,
            tags: Tags::default(),
        })
    };

    let kept_role = stack.add("kept-role", role("parts-kept")?);
    let function = function(&mut stack, "kept", kept_role.arn());
    let api = stack.add("kept-api", rest_api("parts-kept"));
    let path = stack.add("kept-path", path(&api, "kept"));
    let mut methods = vec![method(&mut stack, &api, &path, "GET /kept", &function)];
    let permission = |sid: &str, verb: &str| {
        let source = api.execute_arn().join(&format!("/live/{verb}/kept"));
        Permission::to_invoke(function.name(), sid, "apigateway.amazonaws.com", source)
    };
    stack.add("kept-permission", permission("first", "GET"));

    if has("table") {
        stack.add("table", Table::on_demand("parts-table", "id"));
    }
    if has("logs") {
        stack.add(
            "logs",
            LogGroup {
                name: "parts-logs".to_owned(),
                retention_days: Some(7),
                tags: Tags::default(),
            },
        );
    }
    if has("parameter") {
        let value = "plain".to_owned();
        stack.add("parameter", Parameter::string("/parts-parameter", value));
    }
    if has("role") {
        stack.add("role", role("parts-role")?);
    }
    if has("function") {
        self::function(&mut stack, "function", kept_role.arn());
    }
    if has("permission") {
        stack.add("permission", permission("second", "POST"));
    }
    if has("method") {
        methods.push(method(&mut stack, &api, &path, "POST /kept", &function));
    }
    if has("path") {
        let path = stack.add("path", self::path(&api, "parts"));
        methods.push(method(&mut stack, &api, &path, "GET /parts", &function));
    }
    let deployment = stack.add(
        "deployment",
        Deployment {
            api: api.api_id(),
            shape: digest(methods.iter().map(MethodHandle::shape)),
        },
    );
    let stage = |name: &str| Stage {
        unusual: Unusual::default(),
        api: api.api_id(),
        name: name.to_owned(),
        deployment: deployment.deployment_id(),
        description: String::new(),
        variables: BTreeMap::new(),
        tracing: false,
        throttle: None,
        superseded: Vec::new(),
        tags: Tags::default(),
    };
    let live = stack.add("live", stage("live"));
    if has("stage") {
        stack.add("beta", stage("beta"));
    }
    if has("api") {
        stack.add("api", rest_api("parts"));
    }
    if has("key") {
        stack.add(
            "key",
            ApiKey {
                name: "parts".to_owned(),
                description: String::new(),
                enabled: true,
                tags: Tags::default(),
            },
        );
    }
    if has("plan") {
        stack.add(
            "plan",
            UsagePlan {
                unusual: Unusual::default(),
                name: "parts".to_owned(),
                description: String::new(),
                throttle: Throttle {
                    rate: 5.0,
                    burst: 5,
                },
                quota: None,
                stages: Set::from_iter([PlanStage {
                    api: api.api_id(),
                    stage: live.served_as(),
                }]),
                keys: Set::from_iter([]),
                tags: Tags::default(),
            },
        );
    }
    Ok(stack)
}

fn function(stack: &mut Stack, id: &str, role: Input<Arn>) -> Handle<Function> {
    let code = Code::Zip(package());
    let architecture = stack.env().architecture();
    let code = stack.asset("package", code, architecture);
    stack.add(
        &format!("{id}-function"),
        Function {
            architecture: architecture.to_string(),
            timeout_s: 5,
            ..Function::of_program(&format!("parts-{id}"), role, code)
        },
    )
}

fn rest_api(name: &str) -> RestApi {
    RestApi {
        binary_media_types: Vec::new(),
        compression_from: None,
        unusual: Unusual::default(),
        name: name.to_owned(),
        description: String::new(),
        endpoint: "REGIONAL".to_owned(),
        disable_execute_api: false,
        tags: Tags::default(),
    }
}

fn path(api: &Handle<RestApi>, part: &str) -> Path {
    Path {
        api: api.api_id(),
        parent: api.root(),
        part: part.to_owned(),
        full: format!("/{part}"),
    }
}

fn method(
    stack: &mut Stack,
    api: &Handle<RestApi>,
    path: &Handle<Path>,
    route: &str,
    function: &Handle<Function>,
) -> Handle<Method> {
    let (verb, full_path) = route.split_once(' ').expect("a verb and a path");
    stack.add(
        route,
        Method {
            unusual: Unusual::default(),
            api: api.api_id(),
            path: path.path_id(),
            full_path: full_path.to_owned(),
            http_method: verb.to_owned(),
            key_required: false,
            authorization: "NONE".to_owned(),
            operation: String::new(),
            integration: Some(Integration::lambda_proxy(function.invoke_arn())),
        },
    )
}

/// The path of a zip for functions that nobody invokes.
fn package() -> PathBuf {
    let path = format!(
        "{}/parts-{}.zip",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    );
    let path = PathBuf::from(path);
    if !path.exists() {
        let made = path.with_extension(format!("{:?}", std::thread::current().id()));
        std::fs::write(&made, other_package()).expect("the target folder can be written");
        std::fs::rename(&made, &path).expect("the target folder can be written");
    }
    path
}

/// One account, and the program of this stack on it.
struct Parts {
    app: App,
    transport: InProcess,
    /// Everybody else.
    account: Account,
}

impl Parts {
    async fn new(faults: Faults) -> Self {
        let aws = LocalAws::open(local_aws::Options {
            folder: None,
            clock: Clock::runtime(),
            runner: Runner::Inline(Arc::new(|_, _| Ok(b"{}".as_slice().into()))),
            faults,
            enforcement: Enforcement::All,
            request_log: None,
        })
        .expect("a state in memory");
        aws.set_endpoint(InProcess::URL);
        let others = InProcess::new(aws.clone());
        Self {
            app: App::new("parts").stack(parts),
            transport: InProcess::new(aws),
            account: Account::in_process(&others, ACCOUNT).await,
        }
    }

    async fn run(&self, arguments: &[&str]) -> (Exit, Printed) {
        let region = Account::REGION.to_owned();
        let transport = Transport {
            config: config_at(InProcess::URL, region, ACCOUNT, self.transport.client()),
            public: self.transport.connector(),
            keeps_pace: false,
        };
        run_app(&self.app, transport, arguments).await
    }

    #[track_caller]
    fn check((exit, printed): (Exit, Printed)) -> Value {
        assert_eq!(
            exit,
            Exit::Done,
            "--- stdout\n{}\n--- stderr\n{}",
            printed.stdout,
            printed.stderr
        );
        serde_json::from_str(&printed.stdout).expect("it is JSON")
    }

    /// Returns the steps that are planned without `part`, as "action id".
    async fn plan(&self, part: &str) -> Vec<String> {
        let without = format!("without={part}");
        actions(&Self::check(
            self.run(&["plan", "--json", "--set", &without]).await,
        ))
    }

    /// Returns the steps that were carried out without `part`, as "action id".
    async fn up(&self, part: &str) -> Vec<String> {
        let without = format!("without={part}");
        let line = ["up", "--json", "--yes", "--set", &without];
        actions(&Self::check(self.run(&line).await))
    }

    async fn down(&self) {
        Self::check(self.run(&["down", "--json", "--yes"]).await);
    }

    async fn census(&self) -> Census {
        Census::take(&self.account).await
    }

    /// Returns the writes since the last time anybody asked.
    fn writes(&self) -> Vec<String> {
        names(self.transport.take_calls().iter().filter(|call| call.write))
    }

    /// Deletes the table, the log group and the function outside of the tool.
    async fn delete_tagged(&self) {
        let table = self.account.dynamodb.delete_table();
        let table = table.table_name("parts-table").send().await;
        table.expect("DeleteTable");
        let group = self.account.logs.delete_log_group();
        let group = group.log_group_name("parts-logs").send().await;
        group.expect("DeleteLogGroup");
        let function = self.account.lambda.delete_function();
        let function = function.function_name("parts-function").send().await;
        function.expect("DeleteFunction");
        let parameter = self.account.ssm.delete_parameter();
        let parameter = parameter.name("/parts-parameter").send().await;
        parameter.expect("DeleteParameter");
    }

    /// Returns how many resources the tagging API lists for the stack.
    async fn listed(&self) -> Vec<String> {
        let listed = self.account.tagging.get_resources().send().await;
        let listed = listed.expect("GetResources").resource_tag_mapping_list;
        let arns = listed.unwrap_or_default().into_iter();
        arns.filter_map(|resource| resource.resource_arn).collect()
    }

    async fn lists(&self, name: &str) -> bool {
        self.listed().await.iter().any(|arn| arn.ends_with(name))
    }
}

/// The account of a stack that never had `part`.
async fn never_had(part: &str) -> Census {
    let parts = Parts::new(Faults::default()).await;
    parts.up(part).await;
    parts.census().await
}

#[tokio::test(start_paused = true)]
async fn every_kind_is_deleted_once_it_is_not_declared() {
    let parts = Parts::new(Faults::default()).await;
    parts.up("").await;
    let whole = parts.census().await;
    for (part, expected) in PARTS {
        let planned = parts.plan(part).await;
        assert_eq!(planned.len(), expected.len(), "{part}: {planned:#?}");
        for step in expected {
            assert!(
                planned.iter().any(|planned| planned.starts_with(step)),
                "{part}: no `{step}` in {planned:#?}"
            );
        }
        assert_eq!(parts.up(part).await, planned, "{part}");
        let clean = never_had(part).await;
        clean.assert_same(&parts.census().await, &format!("without {part}"));
        assert_eq!(parts.plan(part).await, Vec::<String>::new(), "{part}");
        parts.up("").await;
        whole.assert_same(&parts.census().await, &format!("{part} is back"));
    }
    parts.up("all").await;
    let clean = never_had("all").await;
    clean.assert_same(&parts.census().await, "without all");
    parts.down().await;
    let left = parts.census().await;
    assert!(left.is_empty(), "{:#}", left.value());
}

/// `down` knows only what is declared by default, and finds the rest as `up` does.
#[tokio::test(start_paused = true)]
async fn down_deletes_what_is_not_declared() {
    let parts = Parts::new(Faults::default()).await;
    parts.up("").await;
    let shrunk = Parts {
        app: App::new("parts").stack(|env| {
            let without = [("without".to_owned(), "all".to_owned())];
            self::parts(&env.clone().with_parameters(without.into()))
        }),
        ..parts
    };
    shrunk.down().await;
    let left = shrunk.census().await;
    assert!(left.is_empty(), "{:#}", left.value());
}

#[tokio::test(start_paused = true)]
async fn a_table_with_items_is_deleted_with_consent_only() {
    let parts = Parts::new(Faults::default()).await;
    parts.up("").await;
    let put = parts.account.dynamodb.put_item().table_name("parts-table");
    let item = put.item("id", AttributeValue::S("1".to_owned()));
    item.send().await.expect("PutItem");
    let before = parts.census().await;
    parts.writes();

    let line = ["up", "--set", "without=table"];
    let (exit, printed) = parts.run(&line).await;
    assert_eq!(exit, Exit::Failed, "{}", printed.stderr);
    for named in ["parts-table", "1 item", "--yes"] {
        assert!(
            printed.stderr.contains(named),
            "no `{named}` in {}",
            printed.stderr
        );
    }
    assert_eq!(parts.writes(), Vec::<String>::new());
    before.assert_same(&parts.census().await, "without consent");

    parts.up("table").await;
    assert_eq!(parts.writes(), ["DeleteTable"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_listed_yet_is_not_made_twice() {
    let parts = Parts::new(Faults {
        tag_index_ms: u64::try_from(LAG.as_millis()).expect("minutes"),
        ..Faults::default()
    })
    .await;
    parts.up("").await;
    for name in TAGGED {
        assert!(!parts.lists(name).await, "`{name}` is listed at once");
    }
    let whole = parts.census().await;
    parts.writes();
    assert_eq!(parts.up("").await, Vec::<String>::new());
    assert_eq!(parts.writes(), Vec::<String>::new());

    // What cannot be found yet stays, and is taken over again as it is.
    for part in ["table", "logs", "function"] {
        assert_eq!(parts.up(part).await, Vec::<String>::new(), "{part}");
    }
    assert_eq!(parts.up("").await, Vec::<String>::new());
    assert_eq!(parts.writes(), Vec::<String>::new());
    whole.assert_same(&parts.census().await, "not listed yet");

    parts.up("all").await;
    tokio::time::advance(LAG).await;
    parts.up("all").await;
    let clean = never_had("all").await;
    clean.assert_same(&parts.census().await, "listed at last");
}

#[tokio::test(start_paused = true)]
async fn what_is_listed_and_gone_fails_nothing() {
    let parts = Parts::new(Faults {
        tag_index_deleted_ms: u64::try_from(LAG.as_millis()).expect("minutes"),
        ..Faults::default()
    })
    .await;
    parts.up("").await;
    parts.delete_tagged().await;
    for name in TAGGED {
        assert!(parts.lists(name).await, "`{name}` is not listed any more");
    }
    // Somebody else deleted it.
    let planned = parts.plan("all").await;
    for name in TAGGED {
        let step = format!("delete undeclared {name}");
        assert!(!planned.contains(&step), "`{step}` in {planned:#?}");
    }
    parts.up("all").await;
    let clean = never_had("all").await;
    clean.assert_same(&parts.census().await, "gone already");

    // The tool deleted it.
    parts.up("").await;
    parts.up("all").await;
    assert_eq!(parts.plan("all").await, Vec::<String>::new());
    clean.assert_same(&parts.census().await, "deleted just now");

    // A second resource of the same name is another one.
    parts.up("").await;
    assert_eq!(parts.plan("").await, Vec::<String>::new());
    parts.down().await;
    parts.down().await;
    let left = parts.census().await;
    assert!(left.is_empty(), "{:#}", left.value());
}
