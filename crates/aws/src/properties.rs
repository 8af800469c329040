//! The properties that AWS reports, and the treatment of each: nothing is ignored by accident.
//!
//! The tables name the members of the SDK's types, and a test compares them: a member that AWS adds makes it fail until somebody
//! decides.

/// A property that AWS reports of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// The member's name in the SDK's type.
    pub name: &'static str,
    /// Its treatment.
    pub treatment: Treatment,
}

/// The treatment of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It is a field of the kind, which a declaration sets, or leaves at AWS's default.
    Declared(&'static str),
    /// It is no field; a value other than AWS's default is drift, told by this name, and `up` sets the default.
    Usual(&'static str),
    /// Others may set it: plans and `drift` name it, and `up` leaves it.
    Added,
    /// It tells the resource, or what AWS does with it, and nobody sets it.
    Fact,
    /// It is not looked at, for this reason.
    Ignored(&'static str),
}

/// The properties of one kind, by the SDK's type that reports them.
#[derive(Clone, Copy, Debug)]
pub struct Reported {
    /// CloudFormation's name of the kind.
    pub kind: &'static str,
    /// The SDK's type.
    pub of: &'static str,
    /// Its members.
    pub properties: &'static [Property],
}

macro_rules! reported {
    ($($kind:literal $of:literal { $($name:ident: $how:ident $(($text:literal))?,)* })*) => {
        /// All kinds that are read in the SDK's types.
        pub const REPORTED: &[Reported] = &[$(Reported {
            kind: $kind,
            of: $of,
            properties: &[$(Property {
                name: stringify!($name),
                treatment: Treatment::$how $(($text))?,
            },)*],
        },)*];
    };
}

reported! {
    "AWS::ApiGateway::RestApi" "RestApi" {
        id: Fact,
        name: Declared("name"),
        description: Declared("description"),
        created_date: Fact,
        version: Ignored("a text for people, which no request depends on"),
        warnings: Fact,
        binary_media_types: Declared("binary_media_types"),
        minimum_compression_size: Declared("compression_from"),
        api_key_source: Usual("apiKeySource"),
        endpoint_configuration: Declared("endpoint"),
        policy: Usual("policy"),
        tags: Declared("tags"),
        disable_execute_api_endpoint: Declared("disable_execute_api"),
        root_resource_id: Fact,
        security_policy: Ignored("the versions of TLS; AWS's default depends on the endpoint and the API's age"),
        endpoint_access_mode: Ignored("goes with the security policy"),
        api_status: Fact,
        api_status_message: Fact,
    }
    "AWS::ApiGateway::RestApi" "EndpointConfiguration" {
        types: Declared("endpoint"),
        ip_address_type: Usual("ipAddressType"),
        vpc_endpoint_ids: Usual("vpcEndpointIds"),
    }
    "AWS::ApiGateway::Resource" "Resource" {
        id: Fact,
        parent_id: Declared("parent"),
        path_part: Declared("part"),
        path: Declared("full"),
        resource_methods: Added,
    }
    "AWS::ApiGateway::Method" "Method" {
        http_method: Declared("http_method"),
        authorization_type: Declared("authorization"),
        authorizer_id: Ignored("counts with a type of authorization that differs"),
        api_key_required: Declared("key_required"),
        request_validator_id: Usual("requestValidatorId"),
        operation_name: Declared("operation"),
        request_parameters: Usual("requestParameters"),
        request_models: Usual("requestModels"),
        method_responses: Ignored("the answer of a proxy integration passes them by"),
        method_integration: Declared("integration"),
        authorization_scopes: Ignored("count with a type of authorization that differs"),
    }
    "AWS::ApiGateway::Method" "Integration" {
        r#type: Declared("integration"),
        http_method: Declared("integration"),
        uri: Declared("integration"),
        connection_type: Usual("connectionType"),
        connection_id: Ignored("counts with a type of connection that differs"),
        credentials: Usual("credentials"),
        request_parameters: Usual("requestParameters"),
        request_templates: Usual("requestTemplates"),
        passthrough_behavior: Usual("passthroughBehavior"),
        content_handling: Usual("contentHandling"),
        timeout_in_millis: Declared("integration"),
        cache_namespace: Ignored("names a cache, which is off"),
        cache_key_parameters: Usual("cacheKeyParameters"),
        integration_responses: Ignored("the answer of a proxy integration passes them by"),
        tls_config: Usual("insecureSkipVerification"),
        response_transfer_mode: Usual("responseTransferMode"),
        integration_target: Ignored("counts with a type of connection that differs"),
    }
    "AWS::ApiGateway::Deployment" "Deployment" {
        id: Fact,
        description: Declared("shape"),
        created_date: Fact,
        api_summary: Ignored("a part of what the endpoint's answer tells"),
    }
    "AWS::ApiGateway::Stage" "Stage" {
        deployment_id: Declared("deployment"),
        client_certificate_id: Usual("clientCertificateId"),
        stage_name: Declared("name"),
        description: Declared("description"),
        cache_cluster_enabled: Usual("cacheClusterEnabled"),
        cache_cluster_size: Ignored("counts with a cache that is on"),
        cache_cluster_status: Fact,
        method_settings: Declared("throttle"),
        variables: Declared("variables"),
        documentation_version: Ignored("names a documentation, which no request depends on"),
        access_log_settings: Usual("accessLogSettings"),
        canary_settings: Usual("canarySettings"),
        tracing_enabled: Declared("tracing"),
        web_acl_arn: Added,
        tags: Declared("tags"),
        created_date: Fact,
        last_updated_date: Fact,
    }
    "AWS::ApiGateway::Stage" "MethodSetting" {
        metrics_enabled: Usual("*/*"),
        logging_level: Usual("*/*"),
        data_trace_enabled: Usual("*/*"),
        throttling_burst_limit: Declared("throttle"),
        throttling_rate_limit: Declared("throttle"),
        caching_enabled: Usual("*/*"),
        cache_ttl_in_seconds: Ignored("counts with a cache that is on"),
        cache_data_encrypted: Ignored("counts with a cache that is on"),
        require_authorization_for_cache_control: Ignored("counts with a cache that is on"),
        unauthorized_cache_control_header_strategy: Ignored("counts with a cache that is on"),
    }
    "AWS::ApiGateway::UsagePlan" "UsagePlan" {
        id: Fact,
        name: Declared("name"),
        description: Declared("description"),
        api_stages: Declared("stages"),
        throttle: Declared("throttle"),
        quota: Declared("quota"),
        product_code: Usual("productCode"),
        tags: Declared("tags"),
    }
    "AWS::ApiGateway::UsagePlan" "ApiStage" {
        api_id: Declared("stages"),
        stage: Declared("stages"),
        throttle: Usual("apiStages"),
    }
    "AWS::ApiGateway::ApiKey" "ApiKey" {
        id: Fact,
        value: Fact,
        name: Declared("name"),
        customer_id: Ignored("AWS Marketplace's id of a customer, which lets nobody in"),
        description: Declared("description"),
        enabled: Declared("enabled"),
        created_date: Fact,
        last_updated_date: Fact,
        stage_keys: Ignored("what linked keys before there were usage plans"),
        tags: Declared("tags"),
    }
    "AWS::IAM::Role" "Role" {
        path: Ignored("a role keeps its path for life, and its ARN is read"),
        role_name: Declared("name"),
        role_id: Fact,
        arn: Fact,
        create_date: Fact,
        assume_role_policy_document: Declared("trust"),
        description: Declared("description"),
        max_session_duration: Declared("max_session_s"),
        permissions_boundary: Added,
        tags: Declared("tags"),
        role_last_used: Fact,
        source_role_template: Fact,
    }
    "AWS::DynamoDB::Table" "TableDescription" {
        attribute_definitions: Declared("key"),
        table_name: Declared("name"),
        key_schema: Declared("key"),
        table_status: Fact,
        creation_date_time: Fact,
        provisioned_throughput: Declared("billing"),
        table_size_bytes: Fact,
        item_count: Fact,
        table_arn: Fact,
        table_id: Fact,
        billing_mode_summary: Declared("billing"),
        local_secondary_indexes: Added,
        global_secondary_indexes: Declared("indexes"),
        stream_specification: Usual("stream"),
        latest_stream_label: Fact,
        latest_stream_arn: Fact,
        global_table_version: Fact,
        replicas: Added,
        global_table_witnesses: Ignored("go with replicas, which are told"),
        global_table_settings_replication_mode: Ignored("goes with replicas, which are told"),
        restore_summary: Fact,
        sse_description: Added,
        archival_summary: Fact,
        table_class_summary: Usual("tableClass"),
        deletion_protection_enabled: Declared("deletion_protection"),
        disassociation_protection_enabled: Ignored("guards replicas, which are told"),
        on_demand_throughput: Usual("onDemandThroughput"),
        warm_throughput: Ignored("what AWS has readied, which grows with use"),
        multi_region_consistency: Ignored("goes with replicas, which are told"),
        vector_indexes: Ignored("a search over items, which no request of a function depends on"),
    }
    "AWS::DynamoDB::Table" "GlobalSecondaryIndexDescription" {
        index_name: Declared("indexes"),
        key_schema: Declared("indexes"),
        projection: Ignored("an index keeps its projection for life; those of a stack have all attributes"),
        index_status: Fact,
        backfilling: Fact,
        provisioned_throughput: Declared("billing"),
        index_size_bytes: Fact,
        item_count: Fact,
        index_arn: Fact,
        on_demand_throughput: Ignored("a limit below the table's, which is compared"),
        warm_throughput: Ignored("what AWS has readied, which grows with use"),
    }
    "AWS::Lambda::Function" "FunctionConfiguration" {
        function_name: Declared("name"),
        function_arn: Fact,
        runtime: Declared("runtime"),
        role: Declared("role"),
        handler: Declared("handler"),
        code_size: Fact,
        description: Declared("description"),
        timeout: Declared("timeout_s"),
        memory_size: Declared("memory_mb"),
        last_modified: Fact,
        code_sha256: Declared("code"),
        version: Fact,
        vpc_config: Declared("vpc"),
        dead_letter_config: Declared("dead_letter"),
        environment: Declared("environment"),
        kms_key_arn: Ignored("encrypts the variables where AWS keeps them; they read the same"),
        tracing_config: Declared("tracing"),
        master_arn: Fact,
        revision_id: Fact,
        layers: Declared("layers"),
        state: Declared("state"),
        state_reason: Fact,
        state_reason_code: Fact,
        last_update_status: Fact,
        last_update_status_reason: Fact,
        last_update_status_reason_code: Fact,
        file_system_configs: Declared("file_systems"),
        signing_profile_version_arn: Fact,
        signing_job_arn: Fact,
        package_type: Fact,
        image_config_response: Ignored("of functions from images, which this kind is not"),
        architectures: Declared("architecture"),
        ephemeral_storage: Declared("storage_mb"),
        snap_start: Declared("snap_start"),
        runtime_version_config: Ignored("the patch of the runtime, which AWS moves on"),
        logging_config: Declared("logging"),
        tenancy_config: Ignored("a function keeps it for life"),
        capacity_provider_config: Ignored("a function keeps it for life"),
        config_sha256: Fact,
        durable_config: Ignored("a function keeps it for life"),
    }
    "AWS::Logs::LogGroup" "LogGroup" {
        log_group_name: Declared("name"),
        creation_time: Fact,
        retention_in_days: Declared("retention_days"),
        metric_filter_count: Added,
        arn: Fact,
        stored_bytes: Fact,
        kms_key_id: Added,
        data_protection_status: Added,
        inherited_properties: Ignored("what the account's own policies do to all groups"),
        log_group_class: Added,
        log_group_arn: Fact,
        deletion_protection_enabled: Added,
        bearer_token_authentication_enabled: Added,
        retention_policy_name: Fact,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Debug;

    use aws_sdk_apigateway::types as gateway;
    use aws_sdk_cloudwatchlogs::types as logs;
    use aws_sdk_dynamodb::types as dynamodb;
    use aws_sdk_iam::types as iam;
    use aws_sdk_lambda::types as lambda;
    use aws_smithy_types::DateTime;
    use provision_engine::resource::{Resource, field_names};

    use super::*;
    use crate::apigateway::{ApiKey, Deployment, Method, Path, RestApi, Stage, UsagePlan};
    use crate::dynamodb::Table;
    use crate::iam::Role;
    use crate::lambda::Function;
    use crate::logs::LogGroup;

    /// The members of a struct: those that stand in its outermost braces.
    fn members(of: &dyn Debug) -> BTreeSet<String> {
        let text = format!("{of:#?}");
        let lines = text.lines().filter_map(|line| line.strip_prefix("    "));
        let lines = lines.filter(|line| !line.starts_with([' ', ')', '}', ']']));
        let names = lines.filter_map(|line| line.split_once(':'));
        names.map(|(name, _)| name.to_owned()).collect()
    }

    fn types() -> Vec<(&'static str, &'static str, BTreeSet<String>)> {
        let role = iam::Role::builder()
            .path("/")
            .role_name("r")
            .role_id("i")
            .arn("a")
            .create_date(DateTime::from_secs(0))
            .build()
            .expect("a whole role");
        macro_rules! built {
            ($kind:literal, $module:ident, $of:ident) => {
                (
                    $kind,
                    stringify!($of),
                    members(&$module::$of::builder().build()),
                )
            };
        }
        vec![
            built!("AWS::ApiGateway::RestApi", gateway, RestApi),
            built!("AWS::ApiGateway::RestApi", gateway, EndpointConfiguration),
            built!("AWS::ApiGateway::Resource", gateway, Resource),
            built!("AWS::ApiGateway::Method", gateway, Method),
            built!("AWS::ApiGateway::Method", gateway, Integration),
            built!("AWS::ApiGateway::Deployment", gateway, Deployment),
            built!("AWS::ApiGateway::Stage", gateway, Stage),
            built!("AWS::ApiGateway::Stage", gateway, MethodSetting),
            built!("AWS::ApiGateway::UsagePlan", gateway, UsagePlan),
            built!("AWS::ApiGateway::UsagePlan", gateway, ApiStage),
            built!("AWS::ApiGateway::ApiKey", gateway, ApiKey),
            ("AWS::IAM::Role", "Role", members(&role)),
            built!("AWS::DynamoDB::Table", dynamodb, TableDescription),
            built!(
                "AWS::DynamoDB::Table",
                dynamodb,
                GlobalSecondaryIndexDescription
            ),
            built!("AWS::Lambda::Function", lambda, FunctionConfiguration),
            built!("AWS::Logs::LogGroup", logs, LogGroup),
        ]
    }

    #[test]
    fn every_property_that_aws_reports_is_in_its_table() {
        let types = types();
        assert_eq!(types.len(), REPORTED.len());
        for (kind, of, mut found) in types {
            assert!(found.len() > 2, "{of}: {found:?}");
            let table = REPORTED
                .iter()
                .find(|table| (table.kind, table.of) == (kind, of));
            let table = table.unwrap_or_else(|| panic!("no table of {of}"));
            for property in table.properties {
                let name = property.name.trim_start_matches("r#");
                assert!(found.remove(name), "{of} has no member `{name}`");
            }
            assert_eq!(found, BTreeSet::new(), "{of}: decide what becomes of these");
        }
    }

    #[test]
    fn a_declared_property_is_a_field_of_its_kind() {
        fn kind<R: Resource>() -> (&'static str, &'static [&'static str]) {
            (R::KIND.type_name, field_names::<R>())
        }
        let kinds = BTreeMap::from([
            kind::<RestApi>(),
            kind::<Path>(),
            kind::<Method>(),
            kind::<Deployment>(),
            kind::<Stage>(),
            kind::<UsagePlan>(),
            kind::<ApiKey>(),
            kind::<Role>(),
            kind::<Table>(),
            kind::<Function>(),
            kind::<LogGroup>(),
        ]);
        for table in REPORTED {
            for property in table.properties {
                if let Treatment::Declared(field) = property.treatment {
                    assert!(
                        kinds[table.kind].contains(&field),
                        "{}: {field}",
                        table.kind
                    );
                }
            }
        }
    }
}
