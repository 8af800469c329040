//! The paths of Lambda operations.

use super::Table;

pub(super) const OPERATIONS: Table = &[
    ("GET", "2015-03-31/functions", "ListFunctions"),
    ("POST", "2015-03-31/functions", "CreateFunction"),
    ("GET", "2015-03-31/functions/*", "GetFunction"),
    ("DELETE", "2015-03-31/functions/*", "DeleteFunction"),
    (
        "GET",
        "2015-03-31/functions/*/configuration",
        "GetFunctionConfiguration",
    ),
    (
        "PUT",
        "2015-03-31/functions/*/configuration",
        "UpdateFunctionConfiguration",
    ),
    ("PUT", "2015-03-31/functions/*/code", "UpdateFunctionCode"),
    ("POST", "2015-03-31/functions/*/invocations", "Invoke"),
    ("GET", "2015-03-31/functions/*/policy", "GetPolicy"),
    ("POST", "2015-03-31/functions/*/policy", "AddPermission"),
    (
        "DELETE",
        "2015-03-31/functions/*/policy/*",
        "RemovePermission",
    ),
    ("POST", "2015-03-31/functions/*/versions", "PublishVersion"),
    (
        "GET",
        "2015-03-31/functions/*/versions",
        "ListVersionsByFunction",
    ),
    ("POST", "2015-03-31/functions/*/aliases", "CreateAlias"),
    ("GET", "2015-03-31/functions/*/aliases", "ListAliases"),
    ("GET", "2015-03-31/functions/*/aliases/*", "GetAlias"),
    ("PUT", "2015-03-31/functions/*/aliases/*", "UpdateAlias"),
    ("DELETE", "2015-03-31/functions/*/aliases/*", "DeleteAlias"),
    (
        "PUT",
        "2017-10-31/functions/*/concurrency",
        "PutFunctionConcurrency",
    ),
    (
        "GET",
        "2019-09-30/functions/*/concurrency",
        "GetFunctionConcurrency",
    ),
    (
        "DELETE",
        "2017-10-31/functions/*/concurrency",
        "DeleteFunctionConcurrency",
    ),
    ("GET", "2016-08-19/account-settings", "GetAccountSettings"),
    (
        "GET",
        "2020-06-30/functions/*/code-signing-config",
        "GetFunctionCodeSigningConfig",
    ),
    ("GET", "2021-10-31/functions/*/url", "GetFunctionUrlConfig"),
    (
        "GET",
        "2021-10-31/functions/*/urls",
        "ListFunctionUrlConfigs",
    ),
    (
        "GET",
        "2021-07-20/functions/*/runtime-management-config",
        "GetRuntimeManagementConfig",
    ),
    (
        "GET",
        "2015-03-31/event-source-mappings",
        "ListEventSourceMappings",
    ),
    ("GET", "2017-03-31/tags/**", "ListTags"),
    ("POST", "2017-03-31/tags/**", "TagResource"),
    ("DELETE", "2017-03-31/tags/**", "UntagResource"),
];
