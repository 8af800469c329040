//! Which rights the tool's calls need (AWS: "Service Authorization Reference").
//!
//! API Gateway's actions are HTTP verbs on paths; creating with tags needs the right to tag as well; `GetFunction` tells a
//! function's tags only to who may list them.

use super::On::{
    ApiKey, ApiKeys, Function, LogGroup, LogGroups, PassedRole, RestApi, RestApis, Role, Table,
    Tags, UsagePlan, UsagePlans,
};
use super::{Access, Need, Right};

const fn need(action: &'static str, on: super::On) -> Need {
    Need { action, on }
}

const fn reads(operation: &'static str, needs: &'static [Need]) -> Right {
    Right {
        operation,
        access: Access::Read,
        needs,
    }
}

const fn writes(operation: &'static str, needs: &'static [Need]) -> Right {
    Right {
        operation,
        access: Access::Write,
        needs,
    }
}

/// By service, reads first.
pub(super) const RIGHTS: &[Right] = &[
    // AWS tells everybody who they are.
    reads("GetCallerIdentity", &[]),
    // `doctor` asks where it may, and says so where it may not.
    reads("SimulatePrincipalPolicy", &[]),
    reads("GetRole", &[need("iam:GetRole", Role)]),
    reads("GetRolePolicy", &[need("iam:GetRolePolicy", Role)]),
    writes("ListRolePolicies", &[need("iam:ListRolePolicies", Role)]),
    writes(
        "ListAttachedRolePolicies",
        &[need("iam:ListAttachedRolePolicies", Role)],
    ),
    writes(
        "CreateRole",
        &[need("iam:CreateRole", Role), need("iam:TagRole", Role)],
    ),
    writes("TagRole", &[need("iam:TagRole", Role)]),
    writes("UpdateRole", &[need("iam:UpdateRole", Role)]),
    writes(
        "UpdateAssumeRolePolicy",
        &[need("iam:UpdateAssumeRolePolicy", Role)],
    ),
    writes("PutRolePolicy", &[need("iam:PutRolePolicy", Role)]),
    writes("DeleteRolePolicy", &[need("iam:DeleteRolePolicy", Role)]),
    writes("DeleteRole", &[need("iam:DeleteRole", Role)]),
    reads("DescribeTable", &[need("dynamodb:DescribeTable", Table)]),
    reads(
        "ListTagsOfResource",
        &[need("dynamodb:ListTagsOfResource", Table)],
    ),
    // `down` counts what would be lost.
    writes("Scan", &[need("dynamodb:Scan", Table)]),
    writes(
        "CreateTable",
        &[
            need("dynamodb:CreateTable", Table),
            need("dynamodb:TagResource", Table),
        ],
    ),
    writes("TagResource", &[need("dynamodb:TagResource", Table)]),
    writes("UpdateTable", &[need("dynamodb:UpdateTable", Table)]),
    writes("DeleteTable", &[need("dynamodb:DeleteTable", Table)]),
    reads(
        "GetFunction",
        &[
            need("lambda:GetFunction", Function),
            need("lambda:ListTags", Function),
        ],
    ),
    reads("GetPolicy", &[need("lambda:GetPolicy", Function)]),
    writes(
        "CreateFunction",
        &[
            need("lambda:CreateFunction", Function),
            need("lambda:TagResource", Function),
            need("iam:PassRole", PassedRole),
        ],
    ),
    writes("TagResource", &[need("lambda:TagResource", Function)]),
    writes(
        "UpdateFunctionCode",
        &[need("lambda:UpdateFunctionCode", Function)],
    ),
    writes(
        "UpdateFunctionConfiguration",
        &[
            need("lambda:UpdateFunctionConfiguration", Function),
            need("iam:PassRole", PassedRole),
        ],
    ),
    writes("DeleteFunction", &[need("lambda:DeleteFunction", Function)]),
    writes("AddPermission", &[need("lambda:AddPermission", Function)]),
    writes(
        "RemovePermission",
        &[need("lambda:RemovePermission", Function)],
    ),
    // `invoke --direct`.
    writes("Invoke", &[need("lambda:InvokeFunction", Function)]),
    reads(
        "DescribeLogGroups",
        &[need("logs:DescribeLogGroups", LogGroups)],
    ),
    reads(
        "ListTagsForResource",
        &[need("logs:ListTagsForResource", LogGroup)],
    ),
    writes("FilterLogEvents", &[need("logs:FilterLogEvents", LogGroup)]),
    writes(
        "CreateLogGroup",
        &[
            need("logs:CreateLogGroup", LogGroup),
            need("logs:TagResource", LogGroup),
        ],
    ),
    writes("TagResource", &[need("logs:TagResource", LogGroup)]),
    writes(
        "PutRetentionPolicy",
        &[need("logs:PutRetentionPolicy", LogGroup)],
    ),
    writes(
        "DeleteRetentionPolicy",
        &[need("logs:DeleteRetentionPolicy", LogGroup)],
    ),
    writes("DeleteLogGroup", &[need("logs:DeleteLogGroup", LogGroup)]),
    reads("GetRestApis", &[need("apigateway:GET", RestApis)]),
    reads("GetResources", &[need("apigateway:GET", RestApi)]),
    reads("GetDeployments", &[need("apigateway:GET", RestApi)]),
    reads("GetStages", &[need("apigateway:GET", RestApi)]),
    writes(
        "CreateRestApi",
        &[
            need("apigateway:POST", RestApis),
            need("apigateway:POST", Tags),
            need("apigateway:PUT", Tags),
        ],
    ),
    writes("TagResource", &[need("apigateway:PUT", Tags)]),
    writes("UpdateRestApi", &[need("apigateway:PATCH", RestApi)]),
    writes("DeleteRestApi", &[need("apigateway:DELETE", RestApi)]),
    writes("CreateResource", &[need("apigateway:POST", RestApi)]),
    writes("DeleteResource", &[need("apigateway:DELETE", RestApi)]),
    writes("PutMethod", &[need("apigateway:PUT", RestApi)]),
    writes("UpdateMethod", &[need("apigateway:PATCH", RestApi)]),
    writes("DeleteMethod", &[need("apigateway:DELETE", RestApi)]),
    writes("PutIntegration", &[need("apigateway:PUT", RestApi)]),
    writes("CreateDeployment", &[need("apigateway:POST", RestApi)]),
    writes("DeleteDeployment", &[need("apigateway:DELETE", RestApi)]),
    writes(
        "CreateStage",
        &[
            need("apigateway:POST", RestApi),
            need("apigateway:POST", Tags),
            need("apigateway:PUT", Tags),
        ],
    ),
    writes("UpdateStage", &[need("apigateway:PATCH", RestApi)]),
    writes("DeleteStage", &[need("apigateway:DELETE", RestApi)]),
    reads("GetApiKeys", &[need("apigateway:GET", ApiKeys)]),
    // `outputs --show-secrets` and `invoke`.
    writes("GetApiKey", &[need("apigateway:GET", ApiKey)]),
    writes(
        "CreateApiKey",
        &[
            need("apigateway:POST", ApiKeys),
            need("apigateway:POST", Tags),
            need("apigateway:PUT", Tags),
        ],
    ),
    writes("UpdateApiKey", &[need("apigateway:PATCH", ApiKey)]),
    writes("DeleteApiKey", &[need("apigateway:DELETE", ApiKey)]),
    reads("GetUsagePlans", &[need("apigateway:GET", UsagePlans)]),
    reads("GetUsagePlan", &[need("apigateway:GET", UsagePlan)]),
    reads("GetUsagePlanKeys", &[need("apigateway:GET", UsagePlan)]),
    reads("GetUsagePlanKey", &[need("apigateway:GET", UsagePlan)]),
    writes(
        "CreateUsagePlan",
        &[
            need("apigateway:POST", UsagePlans),
            need("apigateway:POST", Tags),
            need("apigateway:PUT", Tags),
        ],
    ),
    writes("UpdateUsagePlan", &[need("apigateway:PATCH", UsagePlan)]),
    writes("DeleteUsagePlan", &[need("apigateway:DELETE", UsagePlan)]),
    writes("CreateUsagePlanKey", &[need("apigateway:POST", UsagePlan)]),
    writes(
        "DeleteUsagePlanKey",
        &[need("apigateway:DELETE", UsagePlan)],
    ),
];
