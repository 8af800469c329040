// The AWS SDK for JavaScript v3 against the local AWS: `node clients.mjs ENDPOINT PACKAGE`. Prints `ok NAME` or `FAILED NAME` a test.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import * as gateway from "@aws-sdk/client-api-gateway";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as dynamodb from "@aws-sdk/client-dynamodb";
import * as iam from "@aws-sdk/client-iam";
import * as lambda from "@aws-sdk/client-lambda";
import * as ssm from "@aws-sdk/client-ssm";
import * as sts from "@aws-sdk/client-sts";
import * as document from "@aws-sdk/lib-dynamodb";

const [endpoint, packagePath] = process.argv.slice(2);
const ACCOUNT = "700000000083";
const REGION = "eu-west-1";
const settings = { endpoint, region: REGION, credentials: { accessKeyId: ACCOUNT, secretAccessKey: "secret" } };
const waiting = (client) => ({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 });

const ofApi = new gateway.APIGatewayClient(settings);
const ofLogs = new logs.CloudWatchLogsClient(settings);
const ofTables = new dynamodb.DynamoDBClient(settings);
const ofItems = document.DynamoDBDocumentClient.from(ofTables);
const ofRoles = new iam.IAMClient(settings);
const ofFunctions = new lambda.LambdaClient(settings);
const ofParameters = new ssm.SSMClient(settings);
const ofTokens = new sts.STSClient(settings);

const world = {};

const tests = {
  async identity() {
    const me = await ofTokens.send(new sts.GetCallerIdentityCommand({}));
    assert.deepEqual([me.Account, me.Arn], [ACCOUNT, `arn:aws:iam::${ACCOUNT}:root`]);
  },

  async role() {
    const trust = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
    });
    const made = await ofRoles.send(new iam.CreateRoleCommand({ RoleName: "js", AssumeRolePolicyDocument: trust }));
    world.role = made.Role.Arn;
    const rights = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "logs:*", Resource: "*" }] });
    await ofRoles.send(new iam.PutRolePolicyCommand({ RoleName: "js", PolicyName: "logs", PolicyDocument: rights }));
    await iam.waitUntilRoleExists(waiting(ofRoles), { RoleName: "js" });
    await assert.rejects(ofRoles.send(new iam.GetRoleCommand({ RoleName: "nobody" })), iam.NoSuchEntityException);
  },

  async table() {
    await ofTables.send(
      new dynamodb.CreateTableCommand({
        TableName: "js-items",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        BillingMode: "PAY_PER_REQUEST",
      }),
    );
    await dynamodb.waitUntilTableExists(waiting(ofTables), { TableName: "js-items" });
    const item = { id: "a", count: 1.5, tags: new Set(["x", "y"]), scores: new Set([1, 2]), deep: { list: [1, { b: null }] } };
    await ofItems.send(new document.PutCommand({ TableName: "js-items", Item: item }));
    const there = await ofItems.send(new document.GetCommand({ TableName: "js-items", Key: { id: "a" } }));
    assert.deepEqual(there.Item, item);
    const updated = await ofItems.send(
      new document.UpdateCommand({
        TableName: "js-items",
        Key: { id: "a" },
        UpdateExpression: "SET deep.#l[0] = :two ADD scores :more",
        ExpressionAttributeNames: { "#l": "list" },
        ExpressionAttributeValues: { ":two": 2, ":more": new Set([2, 3]) },
        ReturnValues: "UPDATED_NEW",
      }),
    );
    assert.deepEqual(updated.Attributes, { deep: { list: [2] }, scores: new Set([1, 2, 3]) });
    await assert.rejects(
      ofItems.send(
        new document.PutCommand({ TableName: "js-items", Item: { id: "a" }, ConditionExpression: "attribute_not_exists(id)" }),
      ),
      dynamodb.ConditionalCheckFailedException,
    );
  },

  async function() {
    await ofFunctions.send(
      new lambda.CreateFunctionCommand({
        FunctionName: "js",
        Runtime: "provided.al2023",
        Handler: "bootstrap",
        Role: world.role,
        Code: { ZipFile: readFileSync(packagePath) },
      }),
    );
    await lambda.waitUntilFunctionActiveV2(waiting(ofFunctions), { FunctionName: "js" });
    const invoked = await ofFunctions.send(new lambda.InvokeCommand({ FunctionName: "js", Payload: "{}", LogType: "Tail" }));
    assert.equal(invoked.FunctionError, undefined);
    assert.equal(JSON.parse(invoked.Payload.transformToString()).body, "shell");
    assert.match(Buffer.from(invoked.LogResult, "base64").toString(), /REPORT RequestId/);
    await assert.rejects(
      ofFunctions.send(new lambda.InvokeCommand({ FunctionName: "nowhere" })),
      lambda.ResourceNotFoundException,
    );
  },

  async streamed() {
    const invoked = await ofFunctions.send(new lambda.InvokeWithResponseStreamCommand({ FunctionName: "js", Payload: "{}" }));
    let body = "";
    let complete;
    for await (const event of invoked.EventStream) {
      body += event.PayloadChunk ? Buffer.from(event.PayloadChunk.Payload).toString() : "";
      complete = event.InvokeComplete ?? complete;
    }
    assert.equal(JSON.parse(body).body, "shell");
    assert.ok(complete && complete.ErrorCode === undefined);
  },

  async url() {
    const made = await ofFunctions.send(new lambda.CreateFunctionUrlConfigCommand({ FunctionName: "js", AuthType: "NONE" }));
    // Not every resolver knows names below `localhost`; the path leads to the same URL.
    const url = `${endpoint}/_lambda-url/${new URL(made.FunctionUrl).hostname.split(".")[0]}/`;
    assert.equal((await fetch(url)).status, 403);
    const permission = { FunctionName: "js", Principal: "*" };
    await ofFunctions.send(
      new lambda.AddPermissionCommand({
        ...permission,
        StatementId: "url",
        Action: "lambda:InvokeFunctionUrl",
        FunctionUrlAuthType: "NONE",
      }),
    );
    await ofFunctions.send(
      new lambda.AddPermissionCommand({
        ...permission,
        StatementId: "through-url",
        Action: "lambda:InvokeFunction",
        InvokedViaFunctionUrl: true,
      }),
    );
    const answer = await fetch(url);
    assert.deepEqual([answer.status, await answer.text()], [200, "shell"]);
  },

  async api() {
    const api = await ofApi.send(new gateway.CreateRestApiCommand({ name: "js" }));
    const at = { restApiId: api.id, resourceId: api.rootResourceId, httpMethod: "GET" };
    await ofApi.send(new gateway.PutMethodCommand({ ...at, authorizationType: "NONE" }));
    const uri = `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/arn:aws:lambda:${REGION}:${ACCOUNT}:function:js/invocations`;
    await ofApi.send(new gateway.PutIntegrationCommand({ ...at, type: "AWS_PROXY", integrationHttpMethod: "POST", uri }));
    await ofFunctions.send(
      new lambda.AddPermissionCommand({
        FunctionName: "js",
        StatementId: "api",
        Action: "lambda:InvokeFunction",
        Principal: "apigateway.amazonaws.com",
        SourceArn: `arn:aws:execute-api:${REGION}:${ACCOUNT}:${api.id}/*/GET/`,
      }),
    );
    await ofApi.send(new gateway.CreateDeploymentCommand({ restApiId: api.id, stageName: "test" }));
    const answer = await fetch(`${endpoint}/restapis/${api.id}/test/_user_request_/`);
    assert.deepEqual([answer.status, await answer.text()], [200, "shell"]);
    await assert.rejects(ofApi.send(new gateway.GetRestApiCommand({ restApiId: "nowhere" })), gateway.NotFoundException);
    await ofApi.send(new gateway.DeleteRestApiCommand({ restApiId: api.id }));
  },

  async logged() {
    const groups = await ofLogs.send(new logs.DescribeLogGroupsCommand({ logGroupNamePrefix: "/aws/lambda/js" }));
    assert.deepEqual(groups.logGroups.map((group) => group.logGroupName), ["/aws/lambda/js"]);
    const found = [];
    for await (const page of logs.paginateFilterLogEvents({ client: ofLogs }, { logGroupName: "/aws/lambda/js" })) {
      found.push(...page.events);
    }
    assert.ok(found.some((event) => event.message.startsWith("START RequestId: ")));
  },

  async parameter() {
    await ofParameters.send(new ssm.PutParameterCommand({ Name: "/js/a", Value: "1", Type: "SecureString" }));
    const there = await ofParameters.send(new ssm.GetParameterCommand({ Name: "/js/a", WithDecryption: true }));
    assert.equal(there.Parameter.Value, "1");
    await assert.rejects(ofParameters.send(new ssm.GetParameterCommand({ Name: "/js/b" })), ssm.ParameterNotFound);
    await ofParameters.send(new ssm.DeleteParameterCommand({ Name: "/js/a" }));
  },

  async torn_down() {
    await ofFunctions.send(new lambda.DeleteFunctionCommand({ FunctionName: "js" }));
    await ofTables.send(new dynamodb.DeleteTableCommand({ TableName: "js-items" }));
    await dynamodb.waitUntilTableNotExists(waiting(ofTables), { TableName: "js-items" });
    await ofRoles.send(new iam.DeleteRolePolicyCommand({ RoleName: "js", PolicyName: "logs" }));
    await ofRoles.send(new iam.DeleteRoleCommand({ RoleName: "js" }));
  },
};

for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`FAILED ${name}`);
    console.error(error);
  }
}
