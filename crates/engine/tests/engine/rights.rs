//! What is known of a plan before it is carried out: rights, calls and time.

use std::time::Duration;

use provision_engine::declaration::Declaration;
use provision_engine::forecast::forecast;
use provision_engine::operation::Access;
use provision_engine::resource::Kinds;
use provision_engine::rights::{document, reasons};
use provision_engine::target::Target;
use serde_json::json;

use crate::lab::{Lab, declare};
use crate::toys::{Alarm, Api, Function, Part, Role, Table};

fn target() -> Target {
    Target {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        endpoint: None,
        partition: "aws".to_owned(),
    }
}

fn watched() -> Declaration {
    declare(|stack| {
        let orders = stack.add("orders", Table::named("orders"));
        let api = stack.add("api", Api::named("web"));
        stack.add("by-name", Alarm::on("by-name", orders.name()));
        stack.add("by-id", Alarm::on("by-id", api.output::<String>("id")));
    })
}

#[test]
fn readers_get_the_rights_of_reads_on_the_declared_names() {
    let declaration = declare(|stack| {
        stack.add("orders", Table::named("orders"));
        stack.add("sales", Table::named("sales"));
    });
    let kinds = Kinds::default();
    let policy = document(&declaration, &kinds, &target(), Access::Read);
    let table = |name: &str| format!("arn:aws:toys:eu-west-1:111122223333:table/{name}");
    assert_eq!(
        policy,
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "Tables",
                "Effect": "Allow",
                "Action": ["toys:ListTables"],
                "Resource": [table("orders"), table("sales")],
            }],
        })
    );
}

#[test]
fn fields_fill_the_patterns_as_far_as_they_are_known() {
    let policy = document(&watched(), &Kinds::default(), &target(), Access::Write);
    let statements = policy["Statement"].as_array().unwrap();
    let alarms = statements
        .iter()
        .find(|one| one["Sid"] == "Alarms")
        .unwrap();
    let alarm = |watched: &str| format!("arn:aws:toys:eu-west-1:111122223333:alarm/{watched}");
    assert_eq!(alarms["Resource"], json!([alarm("orders"), alarm("*")]));
    assert_eq!(
        alarms["Action"],
        json!([
            "toys:CreateAlarm",
            "toys:DeleteAlarm",
            "toys:ListAlarms",
            "toys:UpdateAlarm"
        ])
    );
}

#[test]
fn kinds_that_are_searched_get_their_rights_without_a_resource() {
    let kinds = Kinds::default().with::<Table>().with::<Alarm>();
    let policy = document(&declare(|_| {}), &kinds, &target(), Access::Read);
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), 1, "alarms name no search");
    assert_eq!(
        statements[0]["Resource"],
        "arn:aws:toys:eu-west-1:111122223333:table/*"
    );
}

#[test]
fn each_right_has_its_reason() {
    let declaration = declare(|stack| {
        stack.add("role", Role::named("role"));
    });
    let reasons = reasons(&declaration, &Kinds::default(), &target(), Access::Read);
    let reason = json!({
        "statement": "Roles",
        "action": "toys:ListRoles",
        "operations": ["ListRoles"],
    });
    assert_eq!(reasons, json!([reason]));
}

#[tokio::test(start_paused = true)]
async fn a_forecast_counts_calls_and_the_longest_chain() {
    let lab = Lab::default();
    let plan = lab.plan(&watched()).await;
    let forecast = forecast(&plan);
    assert_eq!(forecast.writes, 4);
    assert_eq!(forecast.time, Duration::from_millis(500));
    assert_eq!(forecast.waits, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_forecast_counts_what_a_kind_waits_for() {
    use provision_engine::asset::Code;
    use provision_engine::env::Architecture;

    let lab = Lab::default();
    let declaration = declare(|stack| {
        let code = stack.asset("code", Code::binary("web"), Architecture::Arm64);
        let web = stack.add("web", Function::named("web", code));
        stack.add("alarm", Alarm::on("alarm", web.name()));
    });
    let forecast = forecast(&lab.plan(&declaration).await);
    assert_eq!(forecast.time, Duration::from_millis(2500));
    assert_eq!(forecast.waits, Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_forecast_counts_both_calls_of_a_replacement_and_none_of_what_goes_along() {
    let lab = Lab::default();
    let declaration = |key: &str| {
        let key = key.to_owned();
        declare(|stack| {
            let table = Table::named("orders");
            stack.add("orders", Table { key, ..table });
            let api = stack.add("api", Api::named("web"));
            stack.add("part", Part::of(&api, "/x"));
        })
    };
    lab.up(&declaration("id")).await;
    let replacing = lab.plan(&declaration("customer")).await;
    assert_eq!(forecast(&replacing).writes, 2);
    let down = lab.planned_down(&declaration("id")).await.plan;
    assert_eq!(forecast(&down).writes, 2);
    let kept = lab.plan(&declaration("id")).await;
    assert_eq!(forecast(&kept).time, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_forecast_names_the_calls_that_are_sent() {
    let lab = Lab::default();
    let planned = lab.planned(&watched()).await;
    let expected = forecast(&planned.plan).writes;
    assert!(planned.run().await.is_success());
    assert_eq!(lab.account.writes().len(), expected);
}

#[test]
fn a_right_that_is_about_a_field_is_needed_where_that_is_declared() {
    let actions = |lifetime: Option<u32>| {
        let declaration = declare(|stack| {
            stack.add("cache", optional::Cache { lifetime });
        });
        let policy = document(&declaration, &Kinds::default(), &target(), Access::Write);
        policy["Statement"][0]["Action"].clone()
    };
    assert_eq!(actions(None), json!(["toys:ListTables"]));
    let with = json!(["toys:ListTables", "toys:SetLifetime"]);
    assert_eq!(actions(Some(1)), with);
}

mod optional {
    //! A kind with an operation that is about one field.

    use anyhow::Result;
    use provision_engine::aws::Aws;
    use provision_engine::diff::Changes;
    use provision_engine::look::Look;
    use provision_engine::observe::Seen;
    use provision_engine::operation::{Operation, Scope};
    use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource};
    use serde::{Deserialize, Serialize};

    use crate::toys::LIST_TABLES;

    const SET: Operation = Operation::write(
        LIST_TABLES.service,
        "SetLifetime",
        &[Scope::new("Tables", &["*"]).allow("toys:SetLifetime")],
    )
    .only_with(&["lifetime"]);

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct Cache {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lifetime: Option<u32>,
    }

    #[derive(Debug, Serialize, Deserialize)]
    pub struct CacheOutput {}

    impl Resource for Cache {
        type Output = CacheOutput;
        const KIND: Kind = Kind::new("Toys::Cache", "cache", HoldsData::No, &[&LIST_TABLES, &SET]);

        fn name(&self) -> String {
            "cache".to_owned()
        }

        fn calls(&self, _: Act<'_>) -> Vec<&'static Operation> {
            Vec::new()
        }

        async fn observe(&self, _: &Look) -> Result<Option<Observed<Self>>> {
            Ok(None)
        }

        async fn create(&self, _: &Aws) -> Result<CacheOutput> {
            Ok(CacheOutput {})
        }

        async fn update(&self, _: &Aws, _: Observed<Self>, _: &Changes) -> Result<CacheOutput> {
            Ok(CacheOutput {})
        }

        async fn delete(&self, _: &Aws, _: Observed<Self>) -> Result<()> {
            Ok(())
        }

        async fn marked(_: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
            Ok(Vec::new())
        }
    }
}

mod sloppy {
    //! A kind that sends a call it does not declare.

    use anyhow::Result;
    use provision_engine::aws::Aws;
    use provision_engine::diff::Changes;
    use provision_engine::look::Look;
    use provision_engine::observe::Seen;
    use provision_engine::operation::Operation;
    use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource};
    use serde::{Deserialize, Serialize};

    use crate::account::{Thing, create};
    use crate::toys::{CREATE_TABLE, LIST_TABLES};

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct Sloppy {}

    #[derive(Debug, Serialize, Deserialize)]
    pub struct SloppyOutput {}

    impl Resource for Sloppy {
        type Output = SloppyOutput;
        const KIND: Kind = Kind::new(
            "Toys::Sloppy",
            "sloppy thing",
            HoldsData::No,
            &[&LIST_TABLES],
        );

        fn name(&self) -> String {
            "sloppy".to_owned()
        }

        fn calls(&self, _: Act<'_>) -> Vec<&'static Operation> {
            Vec::new()
        }

        async fn observe(&self, _: &Look) -> Result<Option<Observed<Self>>> {
            Ok(None)
        }

        async fn create(&self, aws: &Aws) -> Result<SloppyOutput> {
            let thing = Thing::new("Toys::Sloppy", "sloppy", serde_json::to_value(self)?);
            create(aws, &CREATE_TABLE, thing).await?;
            Ok(SloppyOutput {})
        }

        async fn update(&self, _: &Aws, _: Observed<Self>, _: &Changes) -> Result<SloppyOutput> {
            Ok(SloppyOutput {})
        }

        async fn delete(&self, _: &Aws, _: Observed<Self>) -> Result<()> {
            Ok(())
        }

        async fn marked(_: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
            Ok(Vec::new())
        }
    }
}

#[cfg(debug_assertions)]
#[tokio::test(start_paused = true)]
#[should_panic(expected = "`CreateTable` of Toys is not among the operations of its kind")]
async fn a_call_that_a_kind_does_not_declare_panics_in_debug_builds() {
    let lab = Lab::default();
    let declaration = declare(|stack| {
        stack.add("sloppy", sloppy::Sloppy {});
    });
    lab.up(&declaration).await;
}
