//! The stack changed by hand: the plan and `drift` say so, `up` repairs it, and the world is as before.
//!
//! Not here: tags of an API, a stage, a key or a plan beside the ones that say whose it is, which stay.

use serde_json::{Value, json};
use testkit::mutation::{Effect, Mutation, THEIRS};
use testkit::sdk::dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, Tag,
};
use testkit::{Emulator, post};

use crate::names::{STAGE, TABLE};
use crate::outputs::outputs;
use crate::world::{World, text};

/// Changes that the emulator written by others keeps in a form that no SDK reads, does not take back, or wants more for.
const BEYOND_OTHERS: &[Mutation] = &[
    Mutation::AddBinaryType,
    Mutation::CompressAnswers,
    Mutation::ModelRequest,
    Mutation::RequireParameter,
    Mutation::ThrottleMethod,
    Mutation::ThrottleMethodInPlan,
];

/// Somebody changes something behind the tool's back: the plan says so, `drift` names it, `up` repairs it, and the world is
/// as before.
async fn repaired(mutation: Mutation) {
    if BEYOND_OTHERS.contains(&mutation) && !Emulator::is_ours() {
        return;
    }
    let world = World::deployed().await;
    let clean = world.census().await;
    world.apply(mutation).await;
    assert_ne!(
        clean.masked(),
        world.census().await.masked(),
        "the change shows in the census"
    );
    let steps = world.plan().await;
    assert!(!steps.is_empty(), "the plan sees nothing");
    let drift = world.cli.run(&["drift", "--json"]).await;
    let (told, wanted) = match mutation.effect() {
        Effect::Drift(wanted) => (drift.expect(2), wanted),
        Effect::Change(wanted) => {
            drift.expect(0);
            (world.cli.run(&["plan", "--json"]).await.expect(0), wanted)
        }
        Effect::Added(_) | Effect::Nothing => panic!("nothing of the stack's own"),
    };
    let told = told.json();
    assert!(wanted.is_in(&told), "{wanted:?} is not in {told:#}");
    world.up().await;
    clean.assert_same(&world.census().await, &format!("repaired by {steps:?}"));
    assert_eq!(
        world.plan().await,
        Vec::<String>::new(),
        "the plan after the repair"
    );
}

/// One test a mutation of the catalogue.
macro_rules! drifts {
    ($($name:ident: $mutation:ident;)*) => {
        $(
            #[tokio::test]
            #[ignore = "needs the emulator: just conformance"]
            async fn $name() {
                repaired(Mutation::$mutation).await;
            }
        )*

        const TESTED: &[Mutation] = &[$(Mutation::$mutation),*];
    };
}

drifts! {
    no_role: DeleteRole;
    no_permissions: DeletePolicy;
    another_trust_policy: ChangeTrust;
    the_trust_policy: WidenTrust;
    other_permissions: ChangePolicy;
    the_permissions: WidenPolicy;
    the_session_duration: ChangeSession;
    the_role_s_description: DescribeRole;

    no_table: DeleteTable;
    the_protection: ChangeProtection;
    the_billing_mode: ChangeBilling;
    a_stream: StreamTable;
    the_table_s_class: ChangeTableClass;
    the_table_s_limits: LimitTable;
    a_time_to_live: ExpireTable;
    an_index: AddIndex;
    no_log_group: DeleteLogGroup;
    the_retention: ChangeRetention;
    no_retention: DeleteRetention;

    no_function: DeleteFunction;
    the_memory: ChangeMemory;
    the_timeout: ChangeTimeout;
    the_handler: ChangeHandler;
    the_runtime: ChangeRuntime;
    the_function_s_description: DescribeFunction;
    the_environment: ChangeEnvironment;
    the_tracing: TraceFunction;
    no_concurrency: StopFunction;
    the_storage: ChangeStorage;
    the_log_format: ChangeLogFormat;
    the_log_group: ChangeLogGroup;
    the_role: ChangeFunctionRole;
    the_code: ChangeCode;
    the_architecture: ChangeArchitecture;
    no_permission: DeleteStatement;
    another_permission: ChangeStatement;

    no_api: DeleteApi;
    no_resource: DeletePath;
    no_method: DeleteMethod;
    no_integration: DeleteIntegration;
    no_stage: DeleteStage;
    the_description: ChangeApi;
    the_endpoint_type: ChangeEndpoint;
    the_default_endpoint: DisableEndpoint;
    the_key_s_source: ChangeKeySource;
    the_api_s_policy: RestrictApi;
    the_addresses: ChangeAddresses;
    the_binary_media_types: AddBinaryType;
    the_compression: CompressAnswers;
    the_integration_s_templates: TemplateIntegration;
    the_integration_s_credentials: CredentialIntegration;
    the_passthrough: ChangePassthrough;
    the_content: ConvertContent;
    a_required_parameter: RequireParameter;
    a_model: ModelRequest;
    no_key_required: ChangeMethod;
    no_key_required_and_deployed: DeployOpenMethod;
    the_authorization: ChangeAuthorization;
    the_integration_s_timeout: ChangeIntegration;
    the_integration_s_function: ChangeIntegrationFunction;
    the_integration_s_type: ChangeIntegrationType;
    the_stage_s_variables: ChangeStage;
    the_stage_s_description: DescribeStage;
    the_stage_s_tracing: TraceStage;
    the_stage_s_throttle: ThrottleStage;
    a_method_s_throttle: ThrottleMethod;
    the_stage_s_metrics: MeasureStage;
    the_access_log: LogStage;
    the_client_certificate: CertifyStage;
    another_deployment: Deploy;
    another_shape: ChangeShape;

    no_key: DeleteKey;
    a_disabled_key: ChangeKey;
    the_key_s_name: RenameKey;
    the_key_s_description: DescribeKey;
    no_plan: DeletePlan;
    a_key_out_of_its_plan: UnlinkKey;
    the_plan_s_stage: UnlinkStage;
    the_rate: ChangePlan;
    the_burst: ChangeBurst;
    no_throttle: RemoveThrottle;
    a_quota: AddQuota;
    a_method_s_throttle_in_the_plan: ThrottleMethodInPlan;
    the_product: SellPlan;
    the_plan_s_name: RenamePlan;
    the_plan_s_description: DescribePlan;
}

#[test]
fn each_mutation_of_the_stack_is_tested() {
    for &mutation in Mutation::ALL {
        let is_ours = matches!(mutation.effect(), Effect::Drift(_) | Effect::Change(_));
        let tests = TESTED.iter().filter(|tested| **tested == mutation).count();
        assert_eq!(tests, usize::from(is_ours), "{mutation:?}");
    }
}

/// A stage moved to a snapshot that is open to everybody: putting the method right is not enough.
#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_change_that_was_deployed_is_deployed_back() {
    let world = World::deployed().await;
    world.apply(Mutation::DeployOpenMethod).await;
    let api = world.rest_api_id().await;
    let live = async || {
        let stage = world
            .account
            .apigateway
            .get_stage()
            .rest_api_id(&api)
            .stage_name(STAGE)
            .send()
            .await;
        stage
            .expect("GetStage")
            .deployment_id
            .expect("a stage has a deployment")
    };
    let open = live().await;
    world.up().await;
    assert_ne!(live().await, open);
}

fn source(statement: &Value) -> &str {
    let condition = &statement["Condition"];
    ["ArnLike", "ArnEquals", "StringEquals"]
        .iter()
        .map(|operator| &condition[operator])
        .find_map(|operator| {
            operator["AWS:SourceArn"]
                .as_str()
                .or(operator["aws:SourceArn"].as_str())
        })
        .unwrap_or_else(|| panic!("a statement without source: {statement:#}"))
}

/// Deleting an API by hand leaves something behind: a permission that names an API which is gone.
#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_permission_for_an_api_that_is_gone() {
    let world = World::deployed().await;
    let clean = world.census().await;
    let old = world.rest_api_id().await;
    world.apply(Mutation::DeleteApi).await;
    assert!(!world.plan().await.is_empty());
    world.up().await;
    assert_ne!(world.rest_api_id().await, old);
    let statements = world.statements().await;
    assert!(
        statements
            .iter()
            .all(|statement| !source(statement).contains(&old)),
        "{statements:#?}"
    );
    clean.assert_same(&world.census().await, "a new API");
}

/// A statement of another principal is not the stack's, whatever it is called.
#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_permission_of_others_stays() {
    let world = World::deployed().await;
    let before = world.statements().await;
    world.apply(Mutation::ForeignStatement).await;
    let statements = world.statements().await;
    assert_eq!(statements.len(), before.len() + 1);
    world.up().await;
    assert_eq!(world.statements().await, statements);
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn without_its_permission_the_endpoint_fails_until_the_next_up() {
    let world = World::deployed().await;
    let outputs = outputs(&world).await;
    let ask = async || {
        let ping = json!({ "operation": "ping" });
        post(
            text(&outputs, "invoke_url"),
            Some(text(&outputs, "api_key")),
            &ping,
        )
        .await
        .status
    };
    // A busy emulator answers 502 now and then, and AWS itself shows a change of permissions after seconds.
    let reaches = async |wanted: u16| {
        for _ in 0..20 {
            if ask().await == wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
        assert_eq!(ask().await, wanted);
    };
    reaches(200).await;
    world.apply(Mutation::DeleteStatement).await;
    reaches(500).await;
    world.up().await;
    reaches(200).await;
}

/// The key that clients hold goes on working: nothing replaces it while its plan is put right.
#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_key_survives_the_repair_of_its_plan() {
    let world = World::deployed().await;
    let key = world.api_key().await;
    world.apply(Mutation::DeletePlan).await;
    world.up().await;
    assert_eq!(world.api_key().await.id(), key.id());
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn tags_of_others_stay() {
    let world = World::deployed().await;
    world.apply(Mutation::ForeignTags).await;
    let tagged = world.census().await;
    world.up().await;
    let census = world.census().await;
    assert_eq!(census.value(), tagged.value());
    for kind in [
        "api_keys",
        "functions",
        "log_groups",
        "rest_apis",
        "roles",
        "tables",
        "usage_plans",
    ] {
        let tags = &census.value()[kind][0]["tags"];
        assert_eq!(tags["owner"], THEIRS, "{kind}: {tags}");
    }
}

/// The stack's table with another key and one item: a key schema cannot be changed, so the data is at stake.
async fn another_key(world: &World) {
    let arn = format!(
        "arn:aws:dynamodb:eu-west-1:{}:table/{TABLE}",
        world.account.id
    );
    let dynamodb = &world.account.dynamodb;
    let tags = dynamodb
        .list_tags_of_resource()
        .resource_arn(arn)
        .send()
        .await;
    let tags: Vec<Tag> = tags.expect("ListTagsOfResource").tags.unwrap_or_default();
    world.apply(Mutation::DeleteTable).await;
    let key = KeySchemaElement::builder()
        .attribute_name("name")
        .key_type(KeyType::Hash);
    let attribute = AttributeDefinition::builder()
        .attribute_name("name")
        .attribute_type(ScalarAttributeType::S);
    dynamodb
        .create_table()
        .table_name(TABLE)
        .key_schema(key.build().expect("whole"))
        .attribute_definitions(attribute.build().expect("whole"))
        .billing_mode(BillingMode::PayPerRequest)
        .set_tags(Some(tags))
        .send()
        .await
        .expect("CreateTable");
    let put = dynamodb.put_item().table_name(TABLE);
    put.item("name", AttributeValue::S("Bob".to_owned()))
        .send()
        .await
        .expect("PutItem");
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_table_with_data_is_not_replaced_without_a_yes() {
    let world = World::deployed().await;
    let clean = world.census().await;
    another_key(&world).await;
    assert_eq!(
        world
            .plan()
            .await
            .iter()
            .filter(|step| step.starts_with("replace "))
            .count(),
        1
    );
    let drifted = world.census().await;
    world.proxy.take_calls();

    let refused = world.cli.run(&["up"]).await.expect(1);
    assert!(
        refused.stderr.contains("--yes") && refused.stderr.contains(TABLE),
        "{}",
        refused.stderr
    );
    assert_eq!(world.writes(), Vec::<String>::new());
    drifted.assert_same(&world.census().await, "a refused replacement");

    world.up().await;
    clean.assert_same(&world.census().await, "replaced");
}
