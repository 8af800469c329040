import { CfnOutput, Stack, StackProps } from "aws-cdk-lib";
import { LambdaIntegration, RestApi } from "aws-cdk-lib/aws-apigateway";
import { AttributeType, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Runtime } from "aws-cdk-lib/aws-lambda";
import { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";

export class NotesStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);

    const table = new TableV2(this, "Notes", {
      partitionKey: { name: "id", type: AttributeType.STRING },
    });

    const handler = (name: string) =>
      new NodejsFunction(this, name, {
        entry: `functions/${name}.ts`,
        runtime: Runtime.NODEJS_22_X,
        memorySize: 256,
        environment: { TABLE: table.tableName },
        logGroup: new LogGroup(this, `${name}Logs`, {
          retention: RetentionDays.TWO_WEEKS,
        }),
      });
    const reader = handler("reader");
    const writer = handler("writer");
    table.grant(reader, "dynamodb:GetItem", "dynamodb:Scan");
    table.grant(writer, "dynamodb:PutItem");

    const api = new RestApi(this, "Api", {
      deployOptions: { stageName: "live" },
      defaultMethodOptions: { apiKeyRequired: true },
    });
    const notes = api.root.addResource("notes");
    notes.addMethod("GET", new LambdaIntegration(reader));
    notes.addMethod("POST", new LambdaIntegration(writer));
    notes.addResource("{id}").addMethod("GET", new LambdaIntegration(reader));

    const key = api.addApiKey("Key");
    const plan = api.addUsagePlan("Plan", {
      throttle: { rateLimit: 50, burstLimit: 20 },
      apiStages: [{ stage: api.deploymentStage }],
    });
    plan.addApiKey(key);

    new CfnOutput(this, "Url", { value: api.urlForPath("/notes") });
    new CfnOutput(this, "KeyId", { value: key.keyId });
  }
}
