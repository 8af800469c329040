//! Another stack than the lab's, as an application of its own: three functions, two tables, six methods on one API, two keys,
//! two plans. It goes up, changes, and comes down.

use std::collections::BTreeMap;

use provision::apigateway::{
    ApiKey, Deployment, Integration, Method, Path, PlanStage, RestApi, Stage, Throttle, UsagePlan,
};
use provision::arn::{KeyId, PathId};
use provision::aws::Unusual;
use provision::dynamodb::{Attribute, Key, Table};
use provision::handles::{
    ApiKeyHandle, DeploymentHandle, FunctionHandle, LogGroupHandle, MethodHandle, PathHandle,
    RestApiHandle, RoleHandle, StageHandle, TableHandle,
};
use provision::iam::{PolicyFile, Role};
use provision::lambda::{Function, Permission};
use provision::logs::LogGroup;
use provision::{App, Code, Env, Handle, Input, Set, Stack, Tags, digest};
use provision_aws::connection::Transport;
use provision_cli::exit::Exit;
use serde_json::Value;
use testkit::{Account, Census};

use crate::world::{World, actions, bootstrap, run_app};

const TRUST: PolicyFile = PolicyFile {
    path: "policies/trust.json",
    text: include_str!("../../../../policies/trust.json"),
};

const PERMISSIONS: PolicyFile = PolicyFile {
    path: "policies/permissions.json",
    text: include_str!("../../../../policies/permissions.json"),
};

/// The stack. With the parameter `changed`, an index, a method and more memory are new, and a method, a whole path, a key and
/// its plan are gone.
fn shop(env: &Env) -> anyhow::Result<Stack> {
    let mut stack = Stack::new("shop", env);
    let changed = stack.parameter("changed", false);
    let mut orders = Table::on_demand("shop-orders", "customer");
    orders.key.sort = Some(Attribute {
        name: "placed".into(),
        kind: "N".into(),
    });
    let by_day = Key {
        partition: Attribute::string("day"),
        sort: None,
    };
    orders.indexes.insert("by-day".into(), by_day);
    if changed {
        let by_state = Key {
            partition: Attribute::string("state"),
            sort: None,
        };
        orders.indexes.insert("by-state".into(), by_state);
    }
    let orders = stack.add("orders", orders);
    let stock = stack.add("stock", Table::on_demand("shop-stock", "sku"));
    let mut functions = BTreeMap::new();
    for (name, table) in [("orders", &orders), ("stock", &stock), ("report", &orders)] {
        functions.insert(name, function(&mut stack, name, table, changed)?);
    }

    let api = stack.add(
        "api",
        RestApi {
            binary_media_types: Vec::new(),
            compression_from: None,
            unusual: Unusual::default(),
            name: "shop".into(),
            description: String::new(),
            endpoint: "REGIONAL".into(),
            disable_execute_api: false,
            tags: Tags::default(),
        },
    );
    let path = |stack: &mut Stack, id: &str, parent: Input<PathId>, full: &str| {
        let part = full.rsplit('/').next().unwrap_or_default().to_owned();
        stack.add(
            id,
            Path {
                api: api.api_id(),
                parent,
                part,
                full: full.to_owned(),
            },
        )
    };
    let orders_path = path(&mut stack, "orders-path", api.root(), "/orders");
    let order_path = path(
        &mut stack,
        "order-path",
        orders_path.path_id(),
        "/orders/{id}",
    );
    let stock_path = path(&mut stack, "stock-path", api.root(), "/stock");
    let mut routes = vec![
        ("GET", "/orders", &orders_path, "orders", true),
        ("POST", "/orders", &orders_path, "orders", true),
        ("GET", "/orders/{id}", &order_path, "orders", false),
        ("GET", "/stock", &stock_path, "stock", false),
    ];
    let report_path;
    if changed {
        routes.push(("PUT", "/stock", &stock_path, "stock", true));
    } else {
        report_path = path(&mut stack, "report-path", api.root(), "/report");
        routes.push(("DELETE", "/orders/{id}", &order_path, "orders", true));
        routes.push(("POST", "/report", &report_path, "report", true));
    }
    let mut methods = Vec::new();
    for (verb, full, path, function, key_required) in routes {
        let function = &functions[function];
        let id = format!("{verb} {full}");
        methods.push(stack.add(
            &id,
            Method {
                unusual: Unusual::default(),
                api: api.api_id(),
                path: path.path_id(),
                full_path: full.into(),
                http_method: verb.into(),
                key_required,
                authorization: "NONE".into(),
                operation: String::new(),
                integration: Some(Integration::lambda_proxy(function.invoke_arn())),
            },
        ));
    }
    for (name, function) in &functions {
        let source = api.execute_arn().join("/live/*");
        stack.add(
            &format!("{name}-permission"),
            Permission::to_invoke(
                function.name(),
                "gateway",
                "apigateway.amazonaws.com",
                source,
            ),
        );
    }
    let deployment = stack.add(
        "deployment",
        Deployment {
            api: api.api_id(),
            shape: digest(methods.iter().map(MethodHandle::shape)),
        },
    );
    let stage = stack.add(
        "stage",
        Stage {
            unusual: Unusual::default(),
            api: api.api_id(),
            name: "live".into(),
            deployment: deployment.deployment_id(),
            description: "customers".into(),
            variables: BTreeMap::from([(
                "colour".into(),
                if changed { "green" } else { "blue" }.into(),
            )]),
            tracing: false,
            throttle: None,
            superseded: Vec::new(),
            tags: Tags::default(),
        },
    );
    let plan_stage = || PlanStage {
        api: api.api_id(),
        stage: stage.served_as(),
    };
    for (name, rate) in [("partners", 50.0), ("staff", 5.0)] {
        if changed && name == "staff" {
            continue;
        }
        let key = key(&mut stack, name);
        stack.add(
            &format!("{name}-plan"),
            UsagePlan {
                unusual: Unusual::default(),
                name: format!("shop-{name}"),
                description: String::new(),
                throttle: Throttle { rate, burst: 10 },
                quota: None,
                stages: Set::from_iter([plan_stage()]),
                keys: Set::from_iter([key]),
                tags: Tags::default(),
            },
        );
    }
    stack.output("url", stage.url());
    Ok(stack)
}

fn key(stack: &mut Stack, name: &str) -> Input<KeyId> {
    let key = ApiKey {
        name: format!("shop-{name}"),
        description: String::new(),
        enabled: true,
        tags: Tags::default(),
    };
    stack.add(&format!("{name}-key"), key).key_id()
}

fn function(
    stack: &mut Stack,
    name: &str,
    table: &Handle<Table>,
    changed: bool,
) -> anyhow::Result<Handle<Function>> {
    let full = format!("shop-{name}");
    let logs = stack.add(
        &format!("{name}-logs"),
        LogGroup {
            name: format!("/aws/lambda/{full}"),
            retention_days: Some(7),
            tags: Tags::default(),
        },
    );
    let permissions = PERMISSIONS.fill(&[
        ("table.arn", table.arn().to_value()),
        ("logs.arn", logs.arn().to_value()),
    ])?;
    let role = stack.add(
        &format!("{name}-role"),
        Role {
            name: full.clone(),
            description: String::new(),
            max_session_s: 3600,
            trust: TRUST.fill(&[])?,
            policies: BTreeMap::from([("items".into(), permissions)]),
            boundary: None,
            tags: Tags::default(),
        },
    );
    let architecture = stack.env().architecture();
    let code = stack.asset(
        "package",
        Code::binary_of("handler", "bootstrap"),
        architecture,
    );
    let function = stack.add(
        &format!("{name}-function"),
        Function {
            architecture: architecture.to_string(),
            memory_mb: if changed { 512 } else { 128 },
            timeout_s: 5,
            environment: BTreeMap::from([("LOG_LEVEL".into(), "WARN".to_owned().into())]),
            ..Function::of_program(&full, role.arn(), code)
        },
    );
    stack.add_dependency(&function, &logs);
    Ok(function)
}

/// The program of this stack, in an account of its own.
struct Shop {
    app: App,
    world: World,
}

impl Shop {
    const CHANGED: [&str; 2] = ["--set", "changed=true"];

    async fn done(&self, arguments: &[&str]) -> Value {
        let transport = Transport {
            config: self.world.through_proxy().await,
            public: Account::connector(),
            keeps_pace: false,
        };
        let (exit, printed) = run_app(&self.app, transport, arguments).await;
        assert_eq!(exit, Exit::Done, "{printed:#?}");
        serde_json::from_str(&printed.stdout).expect("it is JSON")
    }

    /// Returns the steps that are planned, as "action id".
    async fn plan(&self, form: &[&str]) -> Vec<String> {
        let bootstrap = bootstrap().display().to_string();
        let line = [&["plan", "--json", "--bootstrap", &bootstrap], form].concat();
        actions(&self.done(&line).await)
    }

    /// Returns the steps that were carried out, as "action id".
    async fn up(&self, form: &[&str]) -> Vec<String> {
        let bootstrap = bootstrap().display().to_string();
        let line = [&["up", "--json", "--yes", "--bootstrap", &bootstrap], form].concat();
        actions(&self.done(&line).await)
    }

    async fn down(&self) {
        self.done(&["down", "--json", "--yes"]).await;
    }
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn another_stack_goes_up_changes_and_comes_down() {
    let world = World::empty().await;
    let app = App::new("shop").stack(shop);
    let shop = Shop { app, world };

    shop.up(&[]).await;
    let clean = shop.world.census().await;
    shop.world.proxy.take_calls();
    assert_eq!(shop.up(&[]).await, Vec::<String>::new());
    assert_eq!(shop.world.writes(), Vec::<String>::new());

    let planned = shop.plan(&Shop::CHANGED).await;
    for expected in [
        "update orders",
        "update report-function",
        "create PUT /stock",
        "replace deployment",
        "update stage",
        "delete undeclared DELETE /orders/{id}",
        "delete undeclared POST /report",
        "delete undeclared /report",
    ] {
        assert!(
            planned.contains(&expected.to_owned()),
            "no `{expected}` in {planned:#?}"
        );
    }
    shop.up(&Shop::CHANGED).await;
    assert_eq!(shop.plan(&Shop::CHANGED).await, Vec::<String>::new());
    let after = shop.world.census().await.value().to_string();
    for gone in ["/report\"", "DELETE", "shop-staff"] {
        assert!(!after.contains(gone), "`{gone}` is still there");
    }

    shop.up(&[]).await;
    clean.assert_same(&shop.world.census().await, "changed and changed back");
    shop.down().await;
    let left: Census = shop.world.census().await;
    assert!(left.is_empty(), "{:#}", left.value());
}
