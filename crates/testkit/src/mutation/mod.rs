//! Changes of a deployed stack by somebody else, behind the tool's back.

mod api;
mod function;
mod hand;
mod names;
mod plan;
mod role;
mod settings;
mod storage;
mod target;

use std::error::Error;

use serde_json::Value;

use self::hand::Hand;
pub use self::hand::clear_the_way;
pub use self::names::{other_package, take_name};
pub use self::target::{Named, Target};
use crate::account::Account;

/// The tag that says which stack a resource belongs to.
pub const STACK_TAG: &str = "provision:stack";

/// The tag that says which of its stack's resources one is.
pub const ID_TAG: &str = "provision:id";

/// A part of the name of everything that others make.
pub const THEIRS: &str = "theirs";

/// The managed policy that others attach to a role.
pub const MANAGED: &str = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess";

/// Why a mutation could not be applied: most often, what it is about is not there.
pub type Undone = Box<dyn Error + Send + Sync>;

/// The report that a mutation of a whole stack has to lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// As a change made outside of the tool.
    Drift(Difference),
    /// As a difference from the declaration: it looks like the work of an older one.
    Change(Difference),
    /// As something that others have added to a resource of the stack, which stays.
    Added(Addition),
    /// Not at all: it is about things of others.
    Nothing,
}

/// Something of others in a resource of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Type of the resource.
    pub kind: &'static str,
    /// A part of the words that it is named by.
    pub what: &'static str,
    /// True if it lets somebody do more than the stack does.
    pub widens: bool,
}

impl Addition {
    /// Returns true if a document of `drift --json` or `plan --json` has it.
    pub fn is_in(self, document: &Value) -> bool {
        let mut added = document["added"].as_array().into_iter().flatten();
        added.any(|entry| {
            let what = entry["what"].as_str().unwrap_or_default();
            entry["type"] == self.kind && what.contains(self.what) && entry["widens"] == self.widens
        })
    }
}

/// One difference of a resource from its declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Type of the resource, such as `AWS::IAM::Role`.
    pub kind: &'static str,
    /// Name of the field that differs, or of whose part does; `None` for a resource that is not there.
    pub field: Option<&'static str>,
}

impl Difference {
    /// Returns true if a document of `drift --json` or `plan --json` has it.
    pub fn is_in(self, document: &Value) -> bool {
        let mut steps = document["steps"].as_array().into_iter().flatten();
        steps.any(|step| {
            let mut changes = step["changes"].as_array().into_iter().flatten();
            step["type"] == self.kind
                && match self.field {
                    Some(field) => changes.any(|change| is_within(change, field)),
                    None => step["action"] == "create",
                }
        })
    }
}

/// Returns true if what changes is the field or a part of it.
fn is_within(change: &Value, field: &str) -> bool {
    let rest = change["field"].as_str().unwrap_or_default();
    let rest = rest.strip_prefix(field);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

const API: &str = "AWS::ApiGateway::RestApi";
const FUNCTION: &str = "AWS::Lambda::Function";
const KEY: &str = "AWS::ApiGateway::ApiKey";
const LOG_GROUP: &str = "AWS::Logs::LogGroup";
const METHOD: &str = "AWS::ApiGateway::Method";
const PATH: &str = "AWS::ApiGateway::Resource";
const PERMISSION: &str = "AWS::Lambda::Permission";
const PLAN: &str = "AWS::ApiGateway::UsagePlan";
const ROLE: &str = "AWS::IAM::Role";
const STAGE: &str = "AWS::ApiGateway::Stage";
const TABLE: &str = "AWS::DynamoDB::Table";

/// The resource is not there.
const fn gone(kind: &'static str) -> Effect {
    Effect::Drift(Difference { kind, field: None })
}

/// A field differs.
const fn differs(kind: &'static str, field: &'static str) -> Effect {
    let field = Some(field);
    Effect::Drift(Difference { kind, field })
}

/// A field is as an older declaration may have had it.
const fn outdated(kind: &'static str, field: &'static str) -> Effect {
    let field = Some(field);
    Effect::Change(Difference { kind, field })
}

/// Others have added something.
const fn added(kind: &'static str, what: &'static str) -> Effect {
    Effect::Added(Addition {
        kind,
        what,
        widens: false,
    })
}

/// Others have added something that lets somebody do more than the stack does.
const fn widened(kind: &'static str, what: &'static str) -> Effect {
    Effect::Added(Addition {
        kind,
        what,
        widens: true,
    })
}

/// One line a mutation: by which part of [`Hand`] it is made, and what it is reported as.
macro_rules! catalogue {
    ($($part:ident { $($(#[$doc:meta])* $name:ident: $effect:expr;)* })*) => {
        /// A change that somebody makes with the SDK's clients, not with the tool.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutation {
            $($($(#[$doc])* $name,)*)*
        }

        impl Mutation {
            /// All mutations.
            pub const ALL: &[Self] = &[$($(Self::$name,)*)*];

            /// Returns how it is reported where the whole stack was there.
            pub const fn effect(self) -> Effect {
                match self {
                    $($(Self::$name => $effect,)*)*
                }
            }

            /// Applies it to the resources of `target`.
            ///
            /// # Errors
            ///
            /// The answer to the call that failed; the calls before it have taken effect.
            pub async fn apply(self, account: &Account, target: &Target) -> Result<(), Undone> {
                let hand = Box::pin(Hand::find(account, target)).await?;
                match self {
                    $($(Self::$name)|* => Box::pin(hand.$part(self)).await,)*
                }
            }
        }
    };
}

catalogue! {
    role {
        /// The role is deleted, with its policies.
        DeleteRole: gone(ROLE);
        /// The inline policy is deleted.
        DeletePolicy: differs(ROLE, "policies");
        /// Another service than Lambda is trusted.
        ChangeTrust: differs(ROLE, "trust");
        /// Another service is trusted beside Lambda; the function goes on working.
        WidenTrust: differs(ROLE, "trust");
        /// The inline policy allows something else.
        ChangePolicy: differs(ROLE, "policies");
        /// The inline policy allows everything of `DynamoDB`.
        WidenPolicy: differs(ROLE, "policies");
        /// Sessions may last longer.
        ChangeSession: differs(ROLE, "max_session_s");
        /// The role has another description.
        DescribeRole: differs(ROLE, "description");
        /// A managed policy is attached to the role.
        ForeignAttached: widened(ROLE, MANAGED);
        /// Another inline policy is put into the role.
        ForeignInline: widened(ROLE, THEIRS);
        /// A boundary limits the role.
        BoundRole: added(ROLE, MANAGED);
    }
    storage {
        /// The table is deleted.
        DeleteTable: gone(TABLE);
        /// The table is protected from deletion.
        ChangeProtection: differs(TABLE, "deletion_protection");
        /// The table is billed by capacity.
        ChangeBilling: differs(TABLE, "billing");
        /// Each change of an item is written to a stream.
        StreamTable: differs(TABLE, "unusual.stream");
        /// The table is of another class.
        ChangeTableClass: differs(TABLE, "unusual.tableClass");
        /// The table takes one request a second.
        LimitTable: differs(TABLE, "unusual.onDemandThroughput");
        /// The table has an index.
        AddIndex: differs(TABLE, "indexes");
        /// Items of the table expire.
        ExpireTable: differs(TABLE, "ttl");
        /// The table can be restored.
        RecoverTable: added(TABLE, "point-in-time recovery");
        /// Another table is made.
        ForeignTable: Effect::Nothing;
        /// The log group is deleted.
        DeleteLogGroup: gone(LOG_GROUP);
        /// Logs are kept for three days.
        ChangeRetention: differs(LOG_GROUP, "retention_days");
        /// Logs are kept for ever.
        DeleteRetention: differs(LOG_GROUP, "retention_days");
        /// The log group is protected from deletion.
        ProtectLogGroup: added(LOG_GROUP, "protection from deletion");
        /// A log group is made whose name begins with the stack's.
        ForeignLogGroup: Effect::Nothing;
    }
    function {
        /// The function is deleted.
        DeleteFunction: gone(FUNCTION);
        /// The function has another size.
        ChangeMemory: differs(FUNCTION, "memory_mb");
        /// The function may run for one second.
        ChangeTimeout: differs(FUNCTION, "timeout_s");
        /// The function has another handler.
        ChangeHandler: differs(FUNCTION, "handler");
        /// The function runs on another runtime.
        ChangeRuntime: differs(FUNCTION, "runtime");
        /// The function has another description.
        DescribeFunction: differs(FUNCTION, "description");
        /// The function has other variables.
        ChangeEnvironment: differs(FUNCTION, "environment");
        /// Requests are traced.
        TraceFunction: differs(FUNCTION, "tracing");
        /// The function may not run at all.
        StopFunction: differs(FUNCTION, "reserved_concurrency");
        /// The function has more space for files.
        ChangeStorage: differs(FUNCTION, "storage_mb");
        /// The function's log events are JSON.
        ChangeLogFormat: differs(FUNCTION, "logging");
        /// The function's log events go to another group.
        ChangeLogGroup: differs(FUNCTION, "logging");
        /// The function runs as another role.
        ChangeFunctionRole: differs(FUNCTION, "role");
        /// Other code is uploaded.
        ChangeCode: differs(FUNCTION, "code");
        /// Other code is uploaded, for another processor.
        ChangeArchitecture: differs(FUNCTION, "architecture");
        /// The permission of API Gateway is removed.
        DeleteStatement: gone(PERMISSION);
        /// The statement with the permission's id allows something else.
        ChangeStatement: differs(PERMISSION, "statements");
        /// Another service is allowed to call the function.
        ForeignStatement: added(FUNCTION, "apigateway-theirs-2");
        /// Everybody is allowed to call the function.
        OpenStatement: widened(FUNCTION, "open-to-all");
        /// A version of the function gets a name.
        AliasFunction: added(FUNCTION, THEIRS);
    }
    api {
        /// The API is deleted.
        DeleteApi: gone(API);
        /// The path is deleted, with its methods.
        DeletePath: gone(PATH);
        /// The method is deleted.
        DeleteMethod: gone(METHOD);
        /// The method has no integration.
        DeleteIntegration: differs(METHOD, "integration");
        /// The stage is deleted.
        DeleteStage: gone(STAGE);
        /// The API has another description.
        ChangeApi: differs(API, "description");
        /// The API has another type of endpoint.
        ChangeEndpoint: differs(API, "endpoint");
        /// The API's own host name answers nobody.
        DisableEndpoint: differs(API, "disable_execute_api");
        /// The method needs no key.
        ChangeMethod: differs(METHOD, "key_required");
        /// The method needs no key, and that is deployed.
        DeployOpenMethod: differs(METHOD, "key_required");
        /// Callers have to sign.
        ChangeAuthorization: differs(METHOD, "authorization");
        /// The integration gives up after one second.
        ChangeIntegration: differs(METHOD, "integration.timeout_ms");
        /// The integration calls another function.
        ChangeIntegrationFunction: differs(METHOD, "integration.uri");
        /// The integration calls nothing.
        ChangeIntegrationType: differs(METHOD, "integration.type");
        /// The stage has a variable.
        ChangeStage: differs(STAGE, "variables");
        /// The stage has another description.
        DescribeStage: differs(STAGE, "description");
        /// Requests to the stage are traced.
        TraceStage: differs(STAGE, "tracing");
        /// Requests to the stage are refused.
        ThrottleStage: differs(STAGE, "throttle");
        /// The API is deployed by somebody else.
        Deploy: differs(STAGE, "deployment");
        /// The deployment says that it is of another shape than the methods'.
        ChangeShape: outdated(STAGE, "deployment");
        /// An API of the same name is made.
        ForeignApi: Effect::Nothing;
        /// Open methods are put into the stack's API.
        ForeignMethod: widened(API, "method `GET /");
    }
    settings {
        /// Keys are taken from an authorizer, which the method has not.
        ChangeKeySource: differs(API, "unusual.apiKeySource");
        /// The API refuses everybody.
        RestrictApi: differs(API, "unusual.policy");
        /// The API has addresses of another kind.
        ChangeAddresses: differs(API, "unusual.ipAddressType");
        /// Bodies of all types reach the function as base64.
        AddBinaryType: differs(API, "binary_media_types");
        /// Answers are compressed.
        CompressAnswers: differs(API, "compression_from");
        /// The integration rewrites requests.
        TemplateIntegration: differs(METHOD, "integration.unusual.requestTemplates");
        /// The integration acts by a role of its own.
        CredentialIntegration: differs(METHOD, "integration.unusual.credentials");
        /// The integration refuses bodies without a template.
        ChangePassthrough: differs(METHOD, "integration.unusual.passthroughBehavior");
        /// Bodies are turned into texts.
        ConvertContent: differs(METHOD, "integration.unusual.contentHandling");
        /// The method wants a parameter.
        RequireParameter: differs(METHOD, "unusual.requestParameters");
        /// The method has a model of its body.
        ModelRequest: differs(METHOD, "unusual.requestModels");
        /// Requests to the method are refused.
        ThrottleMethod: differs(STAGE, "unusual");
        /// Answers of all methods are counted.
        MeasureStage: differs(STAGE, "unusual.*/*");
        /// Requests to the stage are logged.
        LogStage: differs(STAGE, "unusual.accessLogSettings");
        /// The stage has a certificate.
        CertifyStage: differs(STAGE, "unusual.clientCertificateId");
    }
    plan {
        /// The key is deleted.
        DeleteKey: gone(KEY);
        /// The key is disabled.
        ChangeKey: differs(KEY, "enabled");
        /// The key has another name.
        RenameKey: differs(KEY, "name");
        /// The key has another description.
        DescribeKey: differs(KEY, "description");
        /// A key of the same name is made.
        ForeignKey: Effect::Nothing;
        /// The plan is deleted.
        DeletePlan: gone(PLAN);
        /// The key is taken out of its plan.
        UnlinkKey: differs(PLAN, "keys");
        /// The stage is taken out of its plan.
        UnlinkStage: differs(PLAN, "stages");
        /// The plan allows one request a second.
        ChangePlan: differs(PLAN, "throttle.rate");
        /// The plan allows one request at once.
        ChangeBurst: differs(PLAN, "throttle.burst");
        /// The plan allows any rate.
        RemoveThrottle: differs(PLAN, "throttle.rate");
        /// The plan has a quota.
        AddQuota: differs(PLAN, "quota");
        /// The plan allows one request a second to the method.
        ThrottleMethodInPlan: differs(PLAN, "unusual");
        /// The plan belongs to a product.
        SellPlan: differs(PLAN, "unusual.productCode");
        /// The plan has another name.
        RenamePlan: differs(PLAN, "name");
        /// The plan has another description.
        DescribePlan: differs(PLAN, "description");
        /// A plan of the same name is made.
        ForeignPlan: Effect::Nothing;
        /// The stage of an API of others is put into the plan.
        ForeignStageInPlan: added(PLAN, "stage `theirs`");
        /// A key of others is put into the plan.
        ForeignKeyInPlan: widened(PLAN, "API key `");
    }
    tags {
        /// Everything of the stack gets a tag more.
        ForeignTags: Effect::Nothing;
    }
}
