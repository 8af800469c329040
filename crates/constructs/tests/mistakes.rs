//! Mistakes in declarations: all are told at once, each with the line that made it.

#![expect(clippy::needless_raw_string_hashes, reason = "`expect!` writes them")]

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use provision_aws::iam;
use provision_constructs::{
    ApiKey, EventSource, Function, FunctionHandle, Grant, Quota, RestApi, Table, TableHandle,
    Throttle, UsagePlan,
};
use provision_engine::asset::Code;
use provision_engine::env::Env;
use provision_engine::input::Input;
use provision_engine::stack::{Construct, Stack};
use provision_link::{GetItem, Item, Links, Query, ReadWrite, Route, Scan};
use serde::{Deserialize, Serialize};

const LIST: Route = Route::get("/customers/{customer}/orders");
const PLACE: Route = Route::post("/customers/{customer}/orders");
const OTHER: Route = Route::get("/customers/{name}/orders");

#[derive(Serialize, Deserialize, Item)]
struct Order {
    #[partition_key]
    customer: String,
    #[sort_key]
    placed: u64,
    #[index("by-state", sort = "placed")]
    state: String,
}

#[derive(Links)]
#[links(bin = "reader")]
struct Reader {
    orders: provision_link::Table<Order, (GetItem, Query)>,
}

fn stack() -> Stack {
    Stack::new("shop", &Env::new(None, "eu-west-1"))
}

/// Compares what is told, without the folders of files and without columns.
#[track_caller]
fn assert_told(stack: Stack, expected: &Expect) {
    let mistakes = stack.finish().expect_err("it has mistakes").0;
    expected.assert_eq(&lines(mistakes.iter().map(ToString::to_string)));
}

fn lines(told: impl Iterator<Item = String>) -> String {
    let place = regex_lite::Regex::new(r"[\w/.-]*/(\w+\.rs):\d+:\d+").expect("it is an expression");
    told.fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", place.replace_all(&line, "$1"));
        text
    })
}

fn reader(stack: &mut Stack) -> FunctionHandle {
    stack.add("reader", Function::new(Code::binary("reader")))
}

#[test]
fn ids_routes_and_parameters() {
    let mut stack = stack();
    let orders = stack.add("orders", Table::of::<Order>());
    let links = Reader {
        orders: orders.link(),
    };
    let reader = stack.add("reader", Function::linked(links));
    stack.add("orders", ApiKey::new());
    let api = RestApi::new().route(LIST, &reader).route(PLACE, &reader);
    stack.add("api", api.route(LIST, &reader).route(OTHER, &reader));
    stack.add("none", RestApi::new());
    assert_told(
        stack,
        &expect![[r#"
            mistakes.rs: `orders` is declared twice: it is the table of mistakes.rs
            mistakes.rs: REST API `api` has the route `GET /customers/{customer}/orders` twice: for `reader` and for `reader`
            mistakes.rs: REST API `api`: `/customers/{name}` and `/customers/{customer}` name one parameter in two ways
            mistakes.rs: REST API `none` has no route: there is nothing to deploy
        "#]],
    );
}

#[test]
fn references() {
    let elsewhere = self::stack().add("orders", Table::of::<Order>());
    let mut stack = stack();
    stack.rename_ids([("reader/rol", "role")]);
    stack.acknowledge("raeder", "secret");
    let orders = stack.add("orders", Table::of::<Order>());
    let function = Function::new(Code::binary("reader"))
        .environment("TABLE", orders.table.output::<String>("nmae"))
        .allow(elsewhere.grant::<GetItem>());
    let reader = stack.add("reader", function);
    let api = stack.add("api", RestApi::new().route(LIST, &reader));
    stack.output("url", api.url(PLACE));
    let existing =
        Table::<Order>::existing("arn:aws:dynamodb:eu-west-1:111122223333:table/customers");
    stack.edit(&existing.table, |table| table.name.clear());
    assert_told(
        stack,
        &expect![[r#"
            mistakes.rs: the table `customers` exists already, and is not this stack's to change
            mistakes.rs: `rename_ids`: there is no `reader/rol`; there is `reader/code`, `reader/logs`, `reader/role`
            mistakes.rs: `acknowledge`: there is no `raeder`; there is `reader`
            mistakes.rs: role `reader/role`: `orders.arn` is another stack's: let that stack output it, and refer here to what exists already
            mistakes.rs: function `reader`: `orders` has no output `nmae`; there is `arn`, `name`
            mistakes.rs: output `url`: REST API `api` has no route `POST /customers/{customer}/orders`; there is `GET /customers/{customer}/orders`
        "#]],
    );
}

#[test]
fn all_that_aws_refuses_of_one_resource() {
    let mut stack = stack();
    let function = Function::new(Code::binary("reader"))
        .name("a reader")
        .environment("AWS_REGION", "eu-west-1")
        .environment("2", "two");
    let reader = stack.add("reader", function);
    stack.edit(&reader.function, |function| {
        function.memory_mb = 64;
        function.timeout_s = 0;
    });
    assert_told(
        stack,
        &expect![[r#"
        mistakes.rs: log group `reader/logs`: a log group's name cannot contain ` `: `/aws/lambda/a reader`
        mistakes.rs: role `reader/role`: a role's name cannot contain ` `: `a reader-eu-west-1`
        mistakes.rs: function `reader`: a function's name cannot contain ` `: `a reader`
        mistakes.rs: function `reader`: a function's timeout is 1 to 900 s
        mistakes.rs: function `reader`: a function's memory is 128 to 10240 MB
        mistakes.rs: function `reader`: `2` cannot be an environment variable: it begins with a letter, and has two or more letters, digits and `_`
        mistakes.rs: function `reader`: the environment variable `AWS_REGION` is Lambda's own
    "#]],
    );
}

#[test]
fn what_no_type_describes_is_granted_as_well() {
    let mut stack = stack();
    let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/customers";
    let customers: TableHandle = Table::existing(arn);
    let function = Function::new(Code::binary("reader")).allow(customers.grant::<Query>());
    stack.add("reader", function);
    let declaration = stack.finish().unwrap();
    let (_, role) = declaration.all::<iam::Role>().next().unwrap();
    let text = role.policies["grants"].to_text();
    assert!(text.contains(&format!(r#""{arn}""#)), "{text}");
    assert!(!text.contains("/index/"), "{text}");
}

#[test]
fn rights_that_are_none() {
    let mut stack = stack();
    let orders = stack.add("orders", Table::of::<Order>());
    let function = Function::new(Code::binary("reader"))
        .allow(
            orders
                .grant::<(Query, Scan)>()
                .leading_key("${aws:PrincipalTag/tenant}"),
        )
        .allow(Grant::on(["GetObject"], ["reports"]));
    stack.add("reader", function);
    assert_told(
        stack,
        &expect![[r#"
            mistakes.rs: function `reader`: `dynamodb:Scan` reads the items of all partition keys: with `leading_key`, grant `Query`
            mistakes.rs: function `reader`: `GetObject` is no action: it is `service:Operation`, as in `s3:GetObject`
            mistakes.rs: function `reader`: `reports` is no ARN: a grant is on `arn:…` or `*`
        "#]],
    );
}

#[test]
fn a_role_of_others_gets_no_grants() {
    let mut stack = stack();
    let orders = Table::<Order>::existing_named("customers");
    let arn = "arn:aws:iam::111122223333:role/theirs";
    let links = || Reader {
        orders: orders.link(),
    };
    stack.add("one", Function::linked(links()).existing_role(arn));
    let trusted = Function::linked(links()).existing_role_that_allows(arn);
    stack.add("two", trusted);
    assert_told(
        stack,
        &expect![[r#"
            mistakes.rs: function `one` runs under a role that exists already, so its grants would go nowhere: leave out `existing_role`, or see that the role has these rights and say `existing_role_that_allows`: [{"Action":"dynamodb:Query","Effect":"Allow","Resource":"arn:${aws.partition}:dynamodb:${aws.region}:${aws.account}:table/customers/index/by-state"},{"Action":["dynamodb:GetItem","dynamodb:Query"],"Effect":"Allow","Resource":"arn:${aws.partition}:dynamodb:${aws.region}:${aws.account}:table/customers","Sid":"Orders"}]
        "#]],
    );
}

#[test]
fn variables() {
    let mut stack = stack();
    let orders = stack.add("orders", Table::of::<Order>());
    let links = Reader {
        orders: orders.link(),
    };
    let twice = Function::linked(links).environment("LINK_ORDERS", "other");
    stack.add("twice", twice);
    let long = Function::new(Code::binary("long")).environment("TEXT", "x".repeat(5000));
    stack.add("long", long);
    let own = Function::new(Code::binary("own")).environment("AWS_REGION", "eu-west-1");
    stack.add("own", own);
    assert_told(
        stack,
        &expect![[r#"
            mistakes.rs: function `twice`: the environment variable `LINK_ORDERS` is set twice
            mistakes.rs: function `long`: the environment has 5011 bytes; Lambda takes 4096 (longest: `TEXT`): put what is long into a parameter or a file
            mistakes.rs: function `own`: the environment variable `AWS_REGION` is Lambda's own
        "#]],
    );
}

#[test]
fn sizes() {
    let mut stack = stack();
    let mut big = Function::new(Code::binary("big")).memory(64).timeout(901);
    for number in 0..200 {
        let table = stack.add(&format!("table-{number}"), Table::of::<Order>());
        big = if number % 2 == 0 {
            big.allow(table.grant::<ReadWrite>())
        } else {
            big.allow(table.grant::<GetItem>())
        };
    }
    stack.add("big", big.log_retention(10));
    assert_told(
        stack,
        &expect![[r#"
            mistakes.rs: log group `big/logs`: log groups cannot keep events for 10 days; CloudWatch takes one of [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
            mistakes.rs: role `big/role`: the policies of `shop-big-eu-west-1` have 25601 characters in 4 statements; IAM takes 10240: split the function, or grant by a pattern of names
            mistakes.rs: function `big`: a function's timeout is 1 to 900 s
            mistakes.rs: function `big`: a function's memory is 128 to 10240 MB
        "#]],
    );
}

#[test]
fn keys_and_plans() {
    let mut stack = stack();
    let reader = reader(&mut stack);
    let keyed = RestApi::new().require_key().route(LIST, &reader);
    let keyed = stack.add("keyed", keyed);
    let open = stack.add("open", RestApi::new().route(LIST, &reader));
    let throttle = Throttle::per_second(10.0);
    stack.add("plan", UsagePlan::over(&open, throttle));
    stack.check(keyed.answers(LIST));
    stack.check(open.answers(PLACE).at("/customers/1/orders"));
    stack.check(open.answers(LIST).at("/customer/1/orders"));
    let none = UsagePlan::over(&keyed, throttle).quota(Quota::per_day(0));
    stack.add("none", none);
    assert_told(
        stack,
        &expect![[r#"
            mistakes.rs: usage plan `plan`: no route of the REST API `open` asks for a key, so the plan would throttle nobody: `RestApi::require_key`
            mistakes.rs: the check of `GET /customers/{customer}/orders` needs a key, because the route does: `.key(&key)`
            mistakes.rs: the check of `GET /customers/{customer}/orders` needs a path without parameters: `.at("/…")`
            mistakes.rs: REST API `open` has no route `POST /customers/{customer}/orders`; there is `GET /customers/{customer}/orders`
            mistakes.rs: the check of `GET /customers/{customer}/orders` asks for `/customer/1/orders`, which is not the route's path
            mistakes.rs: REST API `keyed`: it asks for a key, and no usage plan with a key covers it, so every request would be refused: `UsagePlan::over(&api, …).key(&key)`
            mistakes.rs: usage plan `none`: a quota is 1 request or more, not 0
        "#]],
    );
}

#[test]
fn names_on_aws() {
    let mut stack = stack();
    stack.add("a/b", Table::with_key("id"));
    stack.add("a-b", Table::with_key("id"));
    stack.add("long", Table::with_key("id").name(&"x".repeat(256)));
    assert_told(
        stack,
        &expect![[r#"
            mistakes.rs: table `a/b` and table `a-b` have one name on AWS: `shop-a-b`
            mistakes.rs: table `long`: a table's name has 3 to 255 characters: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`
        "#]],
    );
}

/// Two functions that need each other by an edit: constructs and grants alone make no circle.
#[test]
fn circles() {
    let mut stack = stack();
    let one = stack.add("one", Function::new(Code::binary("one")));
    let two = stack.add("two", Function::new(Code::binary("two")));
    stack.add_dependency(&one.function, &two.function);
    stack.add_dependency(&two.function, &one.function);
    assert_told(
        stack,
        &expect![[r#"
            mistakes.rs: each of these needs the next, and the last the first: `one`, `two`
        "#]],
    );
}

#[test]
fn parameters() {
    let set = [("rate", "fast"), ("secret-am", "x")];
    let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let env = Env::new(None, "eu-west-1").with_parameters(set.into());
    let mut stack = Stack::new("shop", &env);
    let _: f64 = stack.parameter("rate", 100.0);
    let _: String = stack.required("secret-arn");
    assert_told(
        stack,
        &expect![[r#"
            mistakes.rs: the parameter `rate` takes a value like `100`, not `fast`
            mistakes.rs: the stack needs a value for `secret-arn`: `--set secret-arn=VALUE`
            mistakes.rs: the stack has no parameter `secret-am`; there is `rate`, `secret-arn`
        "#]],
    );
}

/// A function may hold the URL of its own API, and be granted to invoke another that is granted to invoke it.
#[test]
fn what_is_a_circle_elsewhere_is_none_here() {
    struct Tick;

    impl EventSource for Tick {
        fn name(&self) -> String {
            "tick".to_owned()
        }

        fn grant(&self) -> Grant {
            Grant::on(["sqs:ReceiveMessage"], ["*"])
        }

        fn declare(&self, id: &str, function: &FunctionHandle, stack: &mut Stack) {
            stack.output(id, function.arn());
        }
    }

    let mut stack = stack();
    let one = Function::new(Code::binary("one")).on(Tick);
    let one = stack.add("one", one);
    let two = Function::new(Code::binary("two")).allow(one.grant_invoke());
    let two = stack.add("two", two);
    let api = stack.add("api", RestApi::new().route(LIST, &two));
    let url = api.base_url();
    stack.edit(&two.function, |function| {
        function.environment.insert("URL".to_owned(), url);
    });
    let declaration = stack.finish().expect("it is sound");
    let at = |id: &str| {
        let mut resources = declaration.resources.iter();
        resources.position(|declared| declared.id == id)
    };
    assert!(
        at("two") > at("api/stage"),
        "the function waits for the URL"
    );
    assert_eq!(declaration.outputs[0].0, "one/on/tick");
}

#[test]
fn remarks() {
    let declare = |is_meant: bool| {
        let mut stack = stack();
        let slow = Function::new(Code::binary("slow"))
            .timeout(60)
            .runtime("python3.99", "app.handler")
            .environment("DB_PASSWORD", "hunter2");
        let slow = stack.add("slow", slow);
        stack.add("api", RestApi::new().route(PLACE, &slow));
        let keyed = RestApi::new().require_key().route(LIST, &slow);
        let keyed = stack.add("keyed", keyed);
        let key = stack.add("key", ApiKey::new());
        let plan = UsagePlan::over(&keyed, Throttle::per_second(1.0).burst(0));
        stack.add("plan", plan.key(&key));
        if is_meant {
            stack.acknowledge("slow", "secret-in-variable");
        }
        let warnings = stack.finish().expect("it is sound").warnings;
        lines(warnings.iter().map(ToString::to_string))
    };
    expect![[r#"
        mistakes.rs: function `slow`: everybody who may read the function or a plan reads `DB_PASSWORD`: keep it in a `ssm::Parameter`, and its name in the variable (secret-in-variable)
        mistakes.rs: function `slow`: this version knows no runtime `python3.99`; it is near `python3.9` (unknown-runtime)
        mistakes.rs: method `api/POST/customers/{customer}/orders`: API Gateway gives up after 29 s; the function `slow` may take 60 s (api-timeout)
        mistakes.rs: method `keyed/GET/customers/{customer}/orders`: API Gateway gives up after 29 s; the function `slow` may take 60 s (api-timeout)
        mistakes.rs: usage plan `plan`: a rate of 1 with a burst of 0 lets nobody through (throttle-of-none)
    "#]]
    .assert_eq(&declare(false));
    expect![[r#"
        mistakes.rs: function `slow`: this version knows no runtime `python3.99`; it is near `python3.9` (unknown-runtime)
        mistakes.rs: method `api/POST/customers/{customer}/orders`: API Gateway gives up after 29 s; the function `slow` may take 60 s (api-timeout)
        mistakes.rs: method `keyed/GET/customers/{customer}/orders`: API Gateway gives up after 29 s; the function `slow` may take 60 s (api-timeout)
        mistakes.rs: usage plan `plan`: a rate of 1 with a burst of 0 lets nobody through (throttle-of-none)
    "#]]
    .assert_eq(&declare(true));
    let empty = stack().finish().expect("it is sound").warnings;
    expect![[r#"
        mistakes.rs: the stack declares nothing: `up` deletes what it had (empty-stack)
    "#]]
    .assert_eq(&lines(empty.iter().map(ToString::to_string)));
}

/// A construct of an application's own is a type with one function; a plain function over the stack does as well.
#[test]
fn a_construct_of_ones_own() {
    struct Crud {
        binary: &'static str,
    }

    impl Construct for Crud {
        type Handle = Input<String>;

        fn declare(self, id: &str, stack: &mut Stack) -> Input<String> {
            let table = stack.add(&format!("{id}/table"), Table::with_key("id"));
            let function = Function::new(Code::binary(self.binary))
                .environment("TABLE", table.name())
                .allow(table.grant::<ReadWrite>());
            let function = stack.add(&format!("{id}/function"), function);
            let api = RestApi::new().route(PLACE, &function);
            stack.add(&format!("{id}/api"), api).url(PLACE)
        }
    }

    let mut stack = stack();
    let url = stack.add("notes", Crud { binary: "notes" });
    stack.output("url", url);
    let declaration = stack.finish().expect("it is sound");
    let ids: Vec<&str> = declaration
        .resources
        .iter()
        .map(|declared| declared.id.as_str())
        .collect();
    expect![[r#"
        notes/table
        notes/function/logs
        notes/function/role
        notes/function
        notes/api
        notes/api/path/customers
        notes/api/path/customers/{customer}
        notes/api/path/customers/{customer}/orders
        notes/api/POST/customers/{customer}/orders
        notes/api/permission/notes/function
        notes/api/deployment
        notes/api/stage
    "#]]
    .assert_eq(&(ids.join("\n") + "\n"));
}
