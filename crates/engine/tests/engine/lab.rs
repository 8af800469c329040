//! The commands of a program, over the account in memory.

use std::future::{Future, pending};

use anyhow::Result;
use futures_util::{Stream, stream};
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::env::Env;
use provision_engine::events::Events;
use provision_engine::execute::{Built, ExecuteOptions, Report, Status, execute};
use provision_engine::input::Outputs;
use provision_engine::look::Look;
use provision_engine::observe::Snapshot;
use provision_engine::package::Package;
use provision_engine::plan::Plan;
use provision_engine::planner;
use provision_engine::resource::Kinds;
use provision_engine::stack::Stack;

use crate::account::{Account, REGION};
use crate::toys::{Alarm, Api, Function, Part, Pass, Release, Role, Stage, Table};

pub fn env() -> Env {
    Env::new(None, REGION)
}

/// Declares the stack `lab`.
#[track_caller]
pub fn declare(fill: impl FnOnce(&mut Stack)) -> Declaration {
    let mut stack = Stack::new("lab", &env());
    fill(&mut stack);
    stack.finish().expect("the declaration has no mistakes")
}

pub fn kinds() -> Kinds {
    Kinds::default()
        .with::<Alarm>()
        .with::<Api>()
        .with::<Function>()
        .with::<Part>()
        .with::<Pass>()
        .with::<Release>()
        .with::<Role>()
        .with::<Stage>()
        .with::<Table>()
}

/// The package of the asset `id`.
pub fn package(id: &str) -> Built {
    Built {
        asset: id.to_owned(),
        package: Package::new(format!("zip of {id}").into_bytes()).into(),
    }
}

#[derive(Default)]
pub struct Lab {
    pub account: Account,
}

/// A plan, and the connection that it was made over.
pub struct Planned {
    pub plan: Plan,
    pub outputs: Outputs,
    pub aws: Aws,
}

impl Lab {
    pub fn aws(&self) -> Aws {
        Aws::new(self.account.clone(), Events::default())
    }

    pub async fn snapshot(&self, declaration: &Declaration, aws: &Aws) -> Snapshot {
        let look = Look::new(aws.clone());
        Snapshot::read(declaration, &declaration.kinds(kinds()), &look, |_| {})
            .await
            .expect("the account can be read")
    }

    /// Plans with all packages built.
    pub async fn planned(&self, declaration: &Declaration) -> Planned {
        let aws = self.aws();
        let mut outputs = declaration.known_names();
        for asset in &declaration.assets {
            package(&asset.id).register(&mut outputs, &aws);
        }
        self.planned_with(declaration, aws, outputs).await
    }

    /// Plans before any package is built.
    pub async fn planned_before_build(&self, declaration: &Declaration) -> Planned {
        let outputs = declaration.known_names();
        self.planned_with(declaration, self.aws(), outputs).await
    }

    async fn planned_with(&self, declaration: &Declaration, aws: Aws, outputs: Outputs) -> Planned {
        let snapshot = self.snapshot(declaration, &aws).await;
        let (plan, outputs) =
            planner::up(declaration, &snapshot, outputs).expect("it can be planned");
        Planned { plan, outputs, aws }
    }

    pub async fn plan(&self, declaration: &Declaration) -> Plan {
        self.planned(declaration).await.plan
    }

    pub async fn planned_down(&self, declaration: &Declaration) -> Planned {
        let aws = self.aws();
        let snapshot = self.snapshot(declaration, &aws).await;
        Planned {
            plan: planner::down(declaration, &snapshot).expect("it can be planned"),
            outputs: Outputs::default(),
            aws,
        }
    }

    pub async fn try_up(&self, declaration: &Declaration) -> Report {
        self.planned(declaration).await.run().await
    }

    pub async fn up(&self, declaration: &Declaration) -> Report {
        let report = self.try_up(declaration).await;
        assert!(report.is_success(), "{:?}", report.failures);
        report
    }

    pub async fn down(&self, declaration: &Declaration) -> Report {
        let report = self.planned_down(declaration).await.run().await;
        assert!(report.is_success(), "{:?}", report.failures);
        report
    }
}

impl Planned {
    pub async fn run(&self) -> Report {
        self.run_with(ExecuteOptions::default(), stream::empty(), pending())
            .await
    }

    pub async fn run_with(
        &self,
        options: ExecuteOptions<'_>,
        packages: impl Stream<Item = Result<Built>>,
        interrupt: impl Future<Output = ()>,
    ) -> Report {
        let outputs = self.outputs.clone();
        execute(&self.plan, &self.aws, outputs, options, packages, interrupt).await
    }
}

/// The steps with their actions, in the order of the plan: `create orders`.
pub fn actions(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter();
    steps
        .map(|step| format!("{} {}", step.action.word(), step.id))
        .collect()
}

/// The fields that a step changes.
pub fn changed(plan: &Plan, id: &str) -> Vec<String> {
    let step = plan.find(id).expect("the step is in the plan");
    let changes = step.changes().into_owned().0.into_iter();
    changes.map(|change| change.field).collect()
}

pub fn after<'a>(plan: &'a Plan, id: &str) -> &'a [String] {
    &plan.find(id).expect("the step is in the plan").after
}

pub fn status(report: &Report, id: &str) -> Status {
    report.steps[id].0
}

/// The errors of a report, each with its causes.
pub fn failures(report: &Report) -> Vec<String> {
    let failures = report.failures.iter();
    failures.map(|failure| format!("{failure:#}")).collect()
}
