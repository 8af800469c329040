/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  app(input) {
    return {
      name: "notes",
      home: "aws",
      removal: input?.stage === "production" ? "retain" : "remove",
    };
  },
  async run() {
    const table = new sst.aws.Dynamo("Notes", {
      fields: { id: "string" },
      primaryIndex: { hashKey: "id" },
    });

    const handler = (name: string, actions: string[]) =>
      new sst.aws.Function(name, {
        handler: `functions/${name}.handler`,
        memory: "256 MB",
        environment: { TABLE: table.name },
        permissions: [{ actions, resources: [table.arn] }],
        logging: { retention: "2 weeks" },
      });
    const reader = handler("reader", ["dynamodb:GetItem", "dynamodb:Scan"]);
    const writer = handler("writer", ["dynamodb:PutItem"]);

    const api = new sst.aws.ApiGatewayV1("Api");
    api.route("GET /notes", reader.arn, { apiKey: true });
    api.route("GET /notes/{id}", reader.arn, { apiKey: true });
    api.route("POST /notes", writer.arn, { apiKey: true });
    api.deploy();

    const plan = api.addUsagePlan("Plan", {
      throttle: { rate: 50, burst: 20 },
    });
    const key = plan.addApiKey("Key");

    return { url: $interpolate`${api.url}notes`, key: key.value };
  },
});
