import * as aws from "@pulumi/aws";
import * as apigateway from "@pulumi/aws-apigateway";
import * as pulumi from "@pulumi/pulumi";

const table = new aws.dynamodb.Table("notes", {
  billingMode: "PAY_PER_REQUEST",
  attributes: [{ name: "id", type: "S" }],
  hashKey: "id",
});

const code = new pulumi.asset.FileArchive("./functions");

function handler(name: string, actions: string[]) {
  const logs = new aws.cloudwatch.LogGroup(name, { retentionInDays: 14 });
  const role = new aws.iam.Role(name, {
    assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({
      Service: "lambda.amazonaws.com",
    }),
  });
  const policy = new aws.iam.RolePolicy(name, {
    role: role.id,
    policy: aws.iam.getPolicyDocumentOutput({
      statements: [
        { actions, resources: [table.arn] },
        {
          actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
          resources: [pulumi.interpolate`${logs.arn}:*`],
        },
      ],
    }).json,
  });
  return new aws.lambda.Function(
    name,
    {
      runtime: "nodejs22.x",
      handler: `${name}.handler`,
      code,
      role: role.arn,
      memorySize: 256,
      timeout: 10,
      environment: { variables: { TABLE: table.name } },
      loggingConfig: { logFormat: "Text", logGroup: logs.name },
    },
    { dependsOn: policy },
  );
}

const reader = handler("reader", ["dynamodb:GetItem", "dynamodb:Scan"]);
const writer = handler("writer", ["dynamodb:PutItem"]);

const api = new apigateway.RestAPI("notes", {
  stageName: "live",
  apiKeySource: "HEADER",
  routes: [
    {
      path: "/notes",
      method: "GET",
      eventHandler: reader,
      apiKeyRequired: true,
    },
    {
      path: "/notes/{id}",
      method: "GET",
      eventHandler: reader,
      apiKeyRequired: true,
    },
    {
      path: "/notes",
      method: "POST",
      eventHandler: writer,
      apiKeyRequired: true,
    },
  ],
});

const key = new aws.apigateway.ApiKey("notes");
const plan = new aws.apigateway.UsagePlan("notes", {
  apiStages: [{ apiId: api.api.id, stage: api.stage.stageName }],
  throttleSettings: { rateLimit: 50, burstLimit: 20 },
});
new aws.apigateway.UsagePlanKey("notes", {
  keyId: key.id,
  keyType: "API_KEY",
  usagePlanId: plan.id,
});

export const url = pulumi.interpolate`${api.url}notes`;
export const apiKey = pulumi.secret(key.value);
