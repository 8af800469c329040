//! For any small stack and any account: `up` brings the account to the declaration, `down` leaves nothing of the stack, and
//! things of others stay as they are.

use proptest::array::uniform3;
use proptest::collection::vec;
use proptest::prelude::*;
use provision_engine::asset::Code;
use provision_engine::declaration::Declaration;
use provision_engine::env::Architecture;
use provision_engine::input::digest;
use provision_engine::owner::Tags;
use provision_engine::resource::Resource;
use provision_engine::stack::Stack;
use serde_json::{Value, json};

use crate::account::{Account, Fault, Thing};
use crate::lab::{Lab, actions, declare, kinds};
use crate::toys::{Alarm, Api, Function, Part, Pass, Release, Role, Stage, Table};

/// A small stack. Places without a resource are `None`; a changed prefix changes ids and keeps names.
#[derive(Clone, Debug)]
struct Small {
    prefix: &'static str,
    tables: [Option<(u32, bool)>; 3],
    roles: [Option<bool>; 3],
    apis: [Option<SmallApi>; 3],
    functions: [Option<bool>; 3],
    alarms: [Option<()>; 3],
}

#[derive(Clone, Debug)]
struct SmallApi {
    note: u32,
    is_private: bool,
    parts: [Option<u32>; 3],
    is_released: bool,
    has_pass: bool,
}

fn small_api() -> impl Strategy<Value = SmallApi> {
    let parts = uniform3(proptest::option::of(0..2u32));
    (0..2u32, any::<bool>(), parts, any::<bool>(), any::<bool>()).prop_map(
        |(note, is_private, parts, is_released, has_pass)| SmallApi {
            note,
            is_private,
            parts,
            is_released,
            has_pass,
        },
    )
}

fn small() -> impl Strategy<Value = Small> {
    let prefix = prop_oneof![3 => Just("a"), 1 => Just("b")];
    let tables = uniform3(proptest::option::of((1..3u32, any::<bool>())));
    let roles = uniform3(proptest::option::of(any::<bool>()));
    let apis = uniform3(proptest::option::of(small_api()));
    let functions = uniform3(proptest::option::of(any::<bool>()));
    let alarms = uniform3(proptest::option::of(Just(())));
    (prefix, tables, roles, apis, functions, alarms).prop_map(
        |(prefix, tables, roles, apis, functions, alarms)| Small {
            prefix,
            tables,
            roles,
            apis,
            functions,
            alarms,
        },
    )
}

impl Small {
    fn declared(&self) -> Declaration {
        declare(|stack| self.fill(stack))
    }

    fn fill(&self, stack: &mut Stack) {
        let prefix = self.prefix;
        let mut arns = Vec::new();
        let mut ids = Vec::new();
        for (n, table) in self.tables.iter().enumerate() {
            let Some((size, has_other_key)) = *table else {
                continue;
            };
            let key = if has_other_key { "other" } else { "id" }.to_owned();
            let table = Table::named(&format!("table{n}"));
            let table = stack.add(&format!("{prefix}/table{n}"), Table { key, size, ..table });
            arns.push(Table::arn(&table));
            ids.push(table.output("stream"));
        }
        let mut last = None;
        for (n, role) in self.roles.iter().enumerate() {
            let Some(has_trust) = *role else { continue };
            let mut role = Role::named(&format!("role{n}"));
            if let Some(last) = last.as_ref().filter(|_| has_trust) {
                role = role.trusting(last);
            }
            role.policies.clone_from(&arns);
            last = Some(stack.add(&format!("{prefix}/role{n}"), role));
        }
        for (n, api) in self.apis.iter().enumerate() {
            if let Some(api) = api {
                ids.push(api.fill(stack, &format!("{prefix}/api{n}"), n));
            }
        }
        for (n, function) in self.functions.iter().enumerate() {
            let Some(has_id) = *function else { continue };
            let id = format!("{prefix}/function{n}");
            let code = Code::binary("same");
            let code = stack.asset(&format!("{id}/code"), code, Architecture::Arm64);
            let mut function = Function::named(&format!("function{n}"), code);
            let known = if has_id { &ids } else { &arns };
            if let Some(known) = known.first() {
                function = function.with("KNOWN", known.clone());
            }
            stack.add(&id, function);
        }
        for (n, alarm) in self.alarms.iter().enumerate() {
            if let (Some(()), Some(watched)) = (alarm, ids.get(n)) {
                let alarm = Alarm::on(&format!("alarm{n}"), watched.clone());
                stack.add(&format!("{prefix}/alarm{n}"), alarm);
            }
        }
    }
}

impl SmallApi {
    fn fill(
        &self,
        stack: &mut Stack,
        id: &str,
        n: usize,
    ) -> provision_engine::input::Input<String> {
        let endpoint = if self.is_private {
            "private"
        } else {
            "regional"
        };
        let api = Api {
            note: self.note.to_string(),
            endpoint: endpoint.to_owned(),
            ..Api::named(&format!("web{n}"))
        };
        let api = stack.add(id, api);
        let mut shapes = Vec::new();
        for (m, part) in self.parts.iter().enumerate() {
            let Some(note) = part else { continue };
            let note = note.to_string();
            let part = Part::of(&api, &format!("/{m}"));
            let part = stack.add(&format!("{id}/{m}"), Part { note, ..part });
            shapes.push(Part::shape(&part));
        }
        if self.is_released {
            let release = Release::of(&api, digest(shapes));
            let release = stack.add(&format!("{id}/release"), release);
            stack.add(&format!("{id}/stage"), Stage::of(&api, &release));
        }
        if self.has_pass {
            let pass = Pass::to(&format!("pass{n}"), &api);
            stack.add(&format!("{id}/pass"), pass);
        }
        api.output("id")
    }
}

/// A change by somebody else: of the thing at this place, removed or with this value in a field.
type Meddling = (prop::sample::Index, Option<u32>);

fn meddle(account: &Account, changes: &[Meddling]) {
    for (at, value) in changes {
        let things = account.things();
        if things.is_empty() {
            return;
        }
        let thing = at.get(&things);
        let Some(value) = value else {
            account.remove(&thing.id);
            continue;
        };
        let fields = [
            "size",
            "key",
            "policies",
            "note",
            "endpoint",
            "watches",
            "environment",
        ];
        let field = fields
            .iter()
            .filter(|field| !thing.fields[**field].is_null());
        let field: Vec<_> = field.collect();
        if field.is_empty() {
            continue;
        }
        let field = field[*value as usize % field.len()];
        let value: Value = match *field {
            "size" => json!(value),
            "policies" => json!([value.to_string()]),
            "environment" => json!({ "OTHER": value.to_string() }),
            _ => json!(value.to_string()),
        };
        account.set(&thing.id, field, value);
    }
}

/// Things of others, some with names or stacks that are easily mistaken for ours.
fn strangers() -> Vec<Thing> {
    let table = Table::named("theirs");
    let api = Api::named("web0");
    let role = Role {
        tags: Tags::of("laboratory", "a/role0"),
        ..Role::named("role")
    };
    let fields = [
        (Table::KIND.type_name, "theirs", serde_json::to_value(table)),
        (Api::KIND.type_name, "their-api", serde_json::to_value(api)),
        (Role::KIND.type_name, "role", serde_json::to_value(role)),
    ];
    let things = fields.into_iter();
    things
        .map(|(kind, id, fields)| Thing::new(kind, id, fields.unwrap()))
        .collect()
}

fn fault() -> impl Strategy<Value = Option<(usize, Fault)>> {
    let fault = prop_oneof![
        Just(Fault::Refused),
        Just(Fault::Throttled),
        Just(Fault::UnclearBefore),
        Just(Fault::UnclearAfter),
    ];
    proptest::option::of((1..40usize, fault))
}

async fn converges(
    first: &Small,
    second: &Small,
    failing: Option<(usize, Fault)>,
    changes: &[Meddling],
) -> Result<(), TestCaseError> {
    let lab = Lab::default();
    let planned = lab.planned(&first.declared()).await;
    if let Some((n, fault)) = failing {
        lab.account.fail_call(n, fault);
    }
    planned.run().await;
    lab.account.heal();
    meddle(&lab.account, changes);
    for stranger in strangers() {
        lab.account.put(stranger);
    }

    let second = second.declared();
    let report = lab.try_up(&second).await;
    prop_assert!(report.is_success(), "{:?}", report.failures);
    let plan = lab.plan(&second).await;
    prop_assert!(plan.is_empty(), "after up: {:?}", actions(&plan));
    for kind in kinds().all() {
        let is_meant = |type_name: &str| type_name == kind.type_name;
        let declared = second.resources.iter();
        let declared = declared.filter(|declared| is_meant(declared.resource.type_name()));
        let theirs = strangers().into_iter().filter(|thing| is_meant(thing.kind));
        let found = lab.account.of_kind(kind.type_name).len();
        // Releases have no mark: their stage removes them, or their API does.
        if !is_meant(Release::KIND.type_name) {
            prop_assert_eq!(found, declared.count() + theirs.count(), "{}", kind.noun);
        }
    }

    let report = lab.planned_down(&second).await.run().await;
    prop_assert!(report.is_success(), "{:?}", report.failures);
    prop_assert_eq!(lab.account.things(), strangers());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn up_converges_and_down_leaves_nothing_but_what_is_of_others(
        first in small(),
        second in small(),
        failing in fault(),
        changes in vec(any::<(prop::sample::Index, Option<u32>)>(), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(converges(&first, &second, failing, &changes))?;
    }
}
