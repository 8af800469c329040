//! Another stack than the lab's, by the same engine: three functions, two tables, six methods on one API, two keys,
//! two plans. It goes up, changes, and comes down.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;

use provision::artifact::{Artifact, Binary};
use provision::aws::Aws;
use provision::commands::{Seen, see};
use provision::declaration::{Stack, learn_package};
use provision::events::Events;
use provision::execute::{Course, execute};
use provision::input::{Handle, Input, Set, digest};
use provision::owner::Tags;
use provision::plan::Plan;
use provision::planner;
use provision::policies::{PERMISSIONS, TRUST};
use provision::resource::method::Integration;
use provision::resource::table::{Attribute, Key};
use provision::resource::usage_plan::{PlanStage, Throttle};
use provision::resource::{
    ApiKey, Deployment, Function, KeyId, LogGroup, Look, Method, Path, PathId, Permission, RestApi,
    Role, Stage, Table, UsagePlan,
};
use testkit::{Census, Proxy};

use crate::world::{World, bootstrap};

/// The stack's two forms.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    First,
    /// An index, a method and more memory are new; a method, a whole path, a key and its plan are gone.
    Changed,
}

fn shop(form: Form) -> Stack {
    let changed = form == Form::Changed;
    let mut stack = Stack::new("shop");
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
        functions.insert(name, function(&mut stack, name, table, changed));
    }

    let api = stack.add(
        "api",
        RestApi {
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
        stack.add_after(
            &format!("{name}-permission"),
            [function.id()],
            Permission::to_invoke(
                function.name(),
                "gateway",
                "apigateway.amazonaws.com",
                source,
            ),
        );
    }
    let deployment = stack.add_after(
        "deployment",
        methods.iter().map(Handle::id),
        Deployment {
            api: api.api_id(),
            shape: digest(methods.iter().map(Handle::shape)),
        },
    );
    let stage = stack.add(
        "stage",
        Stage {
            api: api.api_id(),
            name: "live".into(),
            deployment: deployment.deployment_id(),
            description: "customers".into(),
            variables: BTreeMap::from([(
                "colour".into(),
                if changed { "green" } else { "blue" }.into(),
            )]),
            tracing: false,
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
    stack
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
) -> Handle<Function> {
    let full = format!("shop-{name}");
    let logs = stack.add(
        &format!("{name}-logs"),
        LogGroup {
            name: format!("/aws/lambda/{full}"),
            retention_days: Some(7),
            tags: Tags::default(),
        },
    );
    let permissions = PERMISSIONS
        .fill(&[
            ("TableArn", table.arn().to_value()),
            ("LogGroupArn", logs.arn().to_value()),
        ])
        .expect("the project's own policy is sound");
    let role = stack.add(
        &format!("{name}-role"),
        Role {
            name: full.clone(),
            description: String::new(),
            max_session_s: 3600,
            trust: TRUST.fill(&[]).expect("the project's own policy is sound"),
            policies: BTreeMap::from([("items".into(), permissions)]),
            tags: Tags::default(),
        },
    );
    stack.add_after(
        &format!("{name}-function"),
        [role.id(), logs.id()],
        Function {
            name: full,
            description: String::new(),
            runtime: "provided.al2023".into(),
            handler: "bootstrap".into(),
            architecture: "x86_64".into(),
            memory_mb: if changed { 512 } else { 128 },
            timeout_s: 5,
            role: role.arn(),
            environment: BTreeMap::from([("LOG_LEVEL".into(), "WARN".into())]),
            tracing: "PassThrough".into(),
            code: stack.package(),
            deployed_code: stack.package(),
            state: "Active".into(),
            tags: Tags::default(),
        },
    )
}

struct Engine {
    aws: Aws,
    artifact: Arc<Artifact>,
}

impl Engine {
    async fn see(&self, stack: &Stack) -> Seen {
        see(stack, &Look::new(self.aws.clone()), |_| {})
            .await
            .expect("the account can be read")
    }

    async fn plan(&self, stack: &Stack) -> (Plan, provision::input::Outputs) {
        let mut known = stack.known_names();
        learn_package(&mut known, &self.artifact.sha256);
        let seen = self.see(stack).await;
        planner::up(stack, seen.account(), known).expect("a plan can be made")
    }

    async fn up(&self, stack: &Stack) -> Plan {
        let (plan, known) = self.plan(stack).await;
        self.run(&plan, known).await;
        plan
    }

    async fn down(&self, stack: &Stack) {
        let seen = self.see(stack).await;
        let plan = planner::down(stack, seen.account()).expect("a plan can be made");
        self.run(&plan, stack.known_names()).await;
    }

    async fn run(&self, plan: &Plan, known: provision::input::Outputs) {
        let report = execute(
            plan,
            &self.aws,
            known,
            Course::default(),
            pending(),
            pending(),
        )
        .await;
        assert!(report.failures.is_empty(), "{:?}", report.failures);
    }
}

fn writes(proxy: &Proxy) -> Vec<String> {
    let calls = proxy.take_calls();
    calls
        .iter()
        .filter(|call| call.write)
        .map(|call| call.operation.clone())
        .collect()
}

fn actions(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .filter(|step| step.action.word() != "keep")
        .map(|step| format!("{} {}", step.action.word(), step.id))
        .collect()
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn another_stack_goes_up_changes_and_comes_down() {
    let world = World::empty().await;
    let aws = Aws::from_config(&world.through_proxy().await, Events::default()).unwrap();
    let binary = Binary::read(bootstrap(), "x86_64").expect("the handler runs on Lambda");
    let artifact = Arc::new(binary.package().unwrap());
    aws.set_artifact(artifact.clone());
    let engine = Engine { aws, artifact };

    let (first, changed) = (shop(Form::First), shop(Form::Changed));
    engine.up(&first).await;
    let clean = world.census().await;
    world.proxy.take_calls();
    assert_eq!(actions(&engine.up(&first).await), Vec::<String>::new());
    assert_eq!(writes(&world.proxy), Vec::<String>::new());

    let (plan, _) = engine.plan(&changed).await;
    let planned = actions(&plan);
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
    engine.up(&changed).await;
    assert_eq!(
        actions(&engine.plan(&changed).await.0),
        Vec::<String>::new()
    );
    let after = world.census().await.value().to_string();
    for gone in ["/report\"", "DELETE", "shop-staff"] {
        assert!(!after.contains(gone), "`{gone}` is still there");
    }

    engine.up(&first).await;
    clean.assert_same(&world.census().await, "changed and changed back");
    engine.down(&first).await;
    let left: Census = world.census().await;
    assert!(left.is_empty(), "{:#}", left.value());
}
