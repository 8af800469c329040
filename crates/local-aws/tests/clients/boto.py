"""boto3 and the AWS CLI against the local AWS: a whole stack is made, used and taken down."""

import base64
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

from server import BOOTSTRAP, archive, package

ACCOUNT = "700000000081"
REGION = "eu-west-1"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:demo"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "dynamodb:*", "Resource": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/items"},
        {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
    ],
}


class World:
    """What the tests, which run in their order, hand on to each other."""

    def __init__(self, url, folder):
        import boto3

        self.url = url
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }
        self.session = boto3.session.Session(
            aws_access_key_id=ACCOUNT, aws_secret_access_key="secret", region_name=REGION
        )

    def client(self, service):
        return self.session.client(service, endpoint_url=self.url)

    def resource(self, service):
        return self.session.resource(service, endpoint_url=self.url)

    def cli(self, *arguments):
        """Its output as JSON."""
        done = self.run_cli(*arguments)
        assert done.returncode == 0, f"aws {' '.join(arguments)}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def run_cli(self, *arguments):
        command = [sys.executable, os.path.join(sys.prefix, "bin", "aws"), *arguments, "--output", "json"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)

    def request(self, path, key=None, body=None, stage="Prod"):
        """Status and body of a request to the deployed API."""
        headers = {"content-type": "application/json", **({"x-api-key": key} if key else {})}
        url = f"{self.url}/restapis/{self.api}/{stage}/_user_request_{path}"
        data = json.dumps(body if body is not None else {}).encode()
        request = urllib.request.Request(url, data=data, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def equal(left, right):
    assert left == right, f"{left!r} is not {right!r}"


def refused(code, call, **arguments):
    """That AWS refuses the call with this code."""
    from botocore.exceptions import ClientError

    try:
        answer = call(**arguments)
    except ClientError as error:
        equal(error.response["Error"]["Code"], code)
    else:
        raise AssertionError(f"not refused: {answer}")


def identity(world):
    me = world.client("sts").get_caller_identity()
    equal((me["Account"], me["Arn"]), (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"))


def role(world):
    iam = world.client("iam")
    made = iam.create_role(
        RoleName="demo-role",
        AssumeRolePolicyDocument=json.dumps(TRUST),
        Tags=[{"Key": "stack", "Value": "demo"}],
    )["Role"]
    equal(made["AssumeRolePolicyDocument"], TRUST)
    iam.get_waiter("role_exists").wait(RoleName="demo-role", WaiterConfig={"Delay": 1})
    iam.put_role_policy(RoleName="demo-role", PolicyName="rights", PolicyDocument=json.dumps(RIGHTS))
    equal(iam.get_role_policy(RoleName="demo-role", PolicyName="rights")["PolicyDocument"], RIGHTS)
    refused("EntityAlreadyExists", iam.create_role, RoleName="demo-role", AssumeRolePolicyDocument=json.dumps(TRUST))
    refused("NoSuchEntity", iam.get_role, RoleName="nobody")
    world.role = made["Arn"]


def role_resource(world):
    iam = world.resource("iam")
    found = iam.Role("demo-role")
    found.load()
    equal(found.arn, world.role)
    equal([policy.name for policy in found.policies.all()], ["rights"])
    policy = iam.create_policy(PolicyName="read", PolicyDocument=json.dumps(RIGHTS))
    policy.attach_role(RoleName="demo-role")
    equal([attached.arn for attached in found.attached_policies.all()], [policy.arn])
    policy.detach_role(RoleName="demo-role")
    policy.delete()
    refused("NoSuchEntity", policy.load)


def table(world):
    tables = world.resource("dynamodb")
    made = tables.create_table(
        TableName="items",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    made.wait_until_exists()
    made.reload()
    equal(made.table_status, "ACTIVE")
    equal(made.table_arn, f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/items")
    with made.batch_writer() as batch:
        for at in range(30):
            batch.put_item(Item={"id": f"n{at:02}", "count": at})
    equal(made.get_item(Key={"id": "n07"})["Item"], {"id": "n07", "count": 7})
    updated = made.update_item(
        Key={"id": "n07"},
        UpdateExpression="ADD #n :one",
        ExpressionAttributeNames={"#n": "count"},
        ExpressionAttributeValues={":one": 1},
        ReturnValues="ALL_NEW",
    )
    equal(updated["Attributes"]["count"], 8)
    pages = list(world.client("dynamodb").get_paginator("scan").paginate(TableName="items", PaginationConfig={"PageSize": 7}))
    equal((len(pages) > 4, sum(len(page["Items"]) for page in pages)), (True, 30))
    refused(
        "ConditionalCheckFailedException",
        made.put_item,
        Item={"id": "n07"},
        ConditionExpression="attribute_not_exists(id)",
    )
    refused("ResourceNotFoundException", world.client("dynamodb").describe_table, TableName="nowhere")


def streams(world):
    client = world.client("dynamodb")
    client.update_table(
        TableName="items", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    )
    client.put_item(TableName="items", Item={"id": {"S": "streamed"}})
    client.delete_item(TableName="items", Key={"id": {"S": "streamed"}})
    streams = world.client("dynamodbstreams")
    arn = streams.list_streams(TableName="items")["Streams"][0]["StreamArn"]
    equal(arn, client.describe_table(TableName="items")["Table"]["LatestStreamArn"])
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    equal([record["eventName"] for record in records], ["INSERT", "REMOVE"])


def function(world):
    client = world.client("lambda")
    made = client.create_function(
        FunctionName="demo",
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=world.role,
        Code={"ZipFile": package()},
        Environment={"Variables": {"TABLE_NAME": "items"}},
        Timeout=10,
    )
    equal((made["FunctionArn"], made["State"]), (ARN, "Pending"))
    client.get_waiter("function_active_v2").wait(FunctionName="demo", WaiterConfig={"Delay": 1})
    client.update_function_configuration(FunctionName="demo", MemorySize=256)
    client.get_waiter("function_updated_v2").wait(FunctionName="demo", WaiterConfig={"Delay": 1})
    equal(client.get_function_configuration(FunctionName="demo")["MemorySize"], 256)
    names = [
        found["FunctionName"]
        for page in client.get_paginator("list_functions").paginate()
        for found in page["Functions"]
    ]
    equal(names, ["demo"])
    refused("ResourceNotFoundException", client.get_function, FunctionName="nowhere")
    refused(
        "PreconditionFailedException",
        client.update_function_configuration,
        FunctionName="demo",
        Timeout=11,
        RevisionId="another",
    )


def api(world):
    gateway = world.client("apigateway")
    made = gateway.create_rest_api(name="demo", endpointConfiguration={"types": ["REGIONAL"]})
    world.api = made["id"]
    resource = gateway.create_resource(restApiId=world.api, parentId=made["rootResourceId"], pathPart="items")["id"]
    at = {"restApiId": world.api, "resourceId": resource, "httpMethod": "POST"}
    gateway.put_method(**at, authorizationType="NONE", apiKeyRequired=True)
    gateway.put_integration(
        **at,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{ARN}/invocations",
    )
    deployment = gateway.create_deployment(restApiId=world.api)["id"]
    gateway.create_stage(restApiId=world.api, stageName="Prod", deploymentId=deployment)
    world.client("lambda").add_permission(
        FunctionName="demo",
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{world.api}/*/POST/items",
    )
    key = gateway.create_api_key(name="demo", enabled=True)
    plan = gateway.create_usage_plan(
        name="demo",
        apiStages=[{"apiId": world.api, "stage": "Prod"}],
        throttle={"rateLimit": 100.0, "burstLimit": 50},
        quota={"limit": 1000, "period": "DAY"},
    )
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    world.key, world.key_id, world.plan = key["value"], key["id"], plan["id"]
    refused("ConflictException", gateway.create_stage, restApiId=world.api, stageName="Prod", deploymentId=deployment)
    refused("NotFoundException", gateway.get_rest_api, restApiId="nowhere")
    refused("BadRequestException", gateway.create_rest_api, name=" ")
    ids = [found["id"] for page in gateway.get_paginator("get_rest_apis").paginate() for found in page["items"]]
    equal(ids, [world.api])
    paths = [
        found["path"]
        for page in gateway.get_paginator("get_resources").paginate(restApiId=world.api, PaginationConfig={"PageSize": 1})
        for found in page["items"]
    ]
    equal(paths, ["/", "/items"])


def called(world):
    equal(world.request("/items")[0], 403)
    equal(world.request("/items", "a-key-that-nobody-was-given")[0], 403)
    status, body = world.request("/items", world.key, {"operation": "echo", "payload": {"hello": "boto"}})
    equal(status, 200)
    if BOOTSTRAP.exists():
        assert "boto" in body, body
    else:
        equal(body, "shell")
    if BOOTSTRAP.exists():
        item = {"operation": "create", "tableName": "items", "payload": {"Item": {"id": "by-http", "number": 5}}}
        status, body = world.request("/items", world.key, item)
        equal((status, world.resource("dynamodb").Table("items").get_item(Key={"id": "by-http"})["Item"]["number"]), (200, 5))


def usage(world):
    gateway = world.client("apigateway")
    today = time.strftime("%Y-%m-%d", time.gmtime())
    used = gateway.get_usage(usagePlanId=world.plan, startDate=today, endDate=today)["items"][world.key_id]
    assert used[0][0] >= 1 and used[0][0] + used[0][1] == 1000, used


def invoked(world):
    client = world.client("lambda")
    event = {"body": json.dumps({"operation": "echo", "payload": {}}), "httpMethod": "POST", "path": "/items"}
    answer = client.invoke(FunctionName="demo", LogType="Tail", Payload=json.dumps(event))
    equal((answer["StatusCode"], answer["ExecutedVersion"]), (200, "$LATEST"))
    assert json.loads(answer["Payload"].read()), "an answer"
    assert "REPORT RequestId" in base64.b64decode(answer["LogResult"]).decode()


STREAMER = r"""#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
HEAD=$(mktemp)
while true; do
  curl -sS -D "$HEAD" -o /dev/null "$API/invocation/next" || exit 9
  ID=$(grep -i lambda-runtime-aws-request-id "$HEAD" | tr -d '\r' | cut -d' ' -f2)
  (printf 'one '; sleep 1; printf 'two') | curl -sS -o /dev/null -X POST -T - -H 'Transfer-Encoding: chunked' \
    -H 'Content-Type: text/plain' -H 'Lambda-Runtime-Function-Response-Mode: streaming' "$API/invocation/$ID/response"
done
"""


def streamed(world):
    client = world.client("lambda")
    client.create_function(
        FunctionName="streamer",
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=world.role,
        Code={"ZipFile": archive(STREAMER.encode())},
    )
    client.get_waiter("function_active_v2").wait(FunctionName="streamer", WaiterConfig={"Delay": 1})
    answer = client.invoke_with_response_stream(FunctionName="streamer", LogType="Tail")
    began = time.monotonic()
    events = []
    for event in answer["EventStream"]:
        if not events:
            first = time.monotonic() - began
        events.append(event)
    chunks = [event["PayloadChunk"]["Payload"] for event in events[:-1]]
    equal(b"".join(chunks), b"one two")
    assert first < 0.9 < time.monotonic() - began, "the first piece comes before the last is written"
    log = base64.b64decode(events[-1]["InvokeComplete"]["LogResult"]).decode()
    assert "REPORT RequestId" in log, log


def url(world):
    client = world.client("lambda")
    made = client.create_function_url_config(FunctionName="streamer", AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    address = made["FunctionUrl"]

    def curl():
        command = ["curl", "-sS", "-w", " %{http_code}", address]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout

    assert curl().endswith(" 403"), "no permission yet"
    client.add_permission(
        FunctionName="streamer",
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    client.add_permission(
        FunctionName="streamer",
        StatementId="invoke",
        Action="lambda:InvokeFunction",
        Principal="*",
        InvokedViaFunctionUrl=True,
    )
    equal(curl(), "one two 200")
    listed = client.list_function_url_configs(FunctionName="streamer")["FunctionUrlConfigs"]
    equal([found["FunctionUrl"] for found in listed], [address])
    client.delete_function_url_config(FunctionName="streamer")
    refused("ResourceNotFoundException", client.get_function_url_config, FunctionName="streamer")
    # The report of the last request is written after its last piece.
    time.sleep(1)
    client.delete_function(FunctionName="streamer")
    world.client("logs").delete_log_group(logGroupName="/aws/lambda/streamer")


def logged(world):
    logs = world.client("logs")
    until = time.time() + 10
    while True:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName="/aws/lambda/demo", filterPattern="REPORT", PaginationConfig={"PageSize": 1}
        )
        try:
            events = [event for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            events = []
        if events:
            break
        assert time.time() < until, "no report"
        time.sleep(0.2)
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    equal(groups, ["/aws/lambda/demo"])
    refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="/aws/lambda/demo")


def assumed(world):
    iam = world.client("iam")
    trust = json.loads(json.dumps(TRUST))
    trust["Statement"][0]["Principal"] = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    arn = iam.create_role(RoleName="person", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    given = world.client("sts").assume_role(RoleArn=arn, RoleSessionName="boto")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_session_token": given["SessionToken"],
        "endpoint_url": world.url,
    }
    sts = world.session.client("sts", aws_secret_access_key=given["SecretAccessKey"], **keys)
    equal(sts.get_caller_identity()["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/person/boto")
    forged = world.session.client("sts", aws_secret_access_key="another", **keys)
    refused("SignatureDoesNotMatch", forged.get_caller_identity)
    iam.delete_role(RoleName="person")


def cli_identity(world):
    equal(world.cli("sts", "get-caller-identity")["Account"], ACCOUNT)


def cli_roles(world):
    roles = world.cli("iam", "list-roles")["Roles"]
    equal([(found["RoleName"], found["AssumeRolePolicyDocument"]) for found in roles], [("demo-role", TRUST)])


def cli_scan(world):
    found = world.cli("dynamodb", "scan", "--table-name", "items", "--page-size", "10")
    assert found["Count"] >= 30, found["Count"]
    got = world.cli("dynamodb", "get-item", "--table-name", "items", "--key", '{"id": {"S": "n03"}}')
    equal(got["Item"], {"id": {"S": "n03"}, "count": {"N": "3"}})


def cli_invoke(world):
    out = world.folder / "answer.json"
    event = json.dumps({"body": '{"operation": "echo", "payload": {}}', "httpMethod": "POST", "path": "/items"})
    answer = world.cli("lambda", "invoke", "--function-name", "demo", "--payload", event, str(out))
    equal(answer["StatusCode"], 200)
    assert json.loads(out.read_text()), "an answer"
    world.cli("lambda", "wait", "function-active-v2", "--function-name", "demo")


def cli_apis(world):
    apis = world.cli("apigateway", "get-rest-apis")["items"]
    equal([found["id"] for found in apis], [world.api])
    stages = world.cli("apigateway", "get-stages", "--rest-api-id", world.api)["item"]
    equal([stage["stageName"] for stage in stages], ["Prod"])


def cli_logs(world):
    found = world.cli("logs", "filter-log-events", "--log-group-name", "/aws/lambda/demo", "--filter-pattern", "REPORT")
    assert found["events"], found


def cli_refusals(world):
    cases = [
        ("NoSuchEntity", ["iam", "get-role", "--role-name", "nobody"]),
        ("ResourceNotFoundException", ["lambda", "get-function", "--function-name", "nowhere"]),
        ("ResourceNotFoundException", ["dynamodb", "describe-table", "--table-name", "nowhere"]),
        ("NotFoundException", ["apigateway", "get-rest-api", "--rest-api-id", "nowhere"]),
        ("ResourceNotFoundException", ["logs", "get-log-events", "--log-group-name", "x", "--log-stream-name", "y"]),
    ]
    for code, arguments in cases:
        done = world.run_cli(*arguments)
        assert done.returncode != 0 and f"({code})" in done.stderr, f"{arguments}: {done.stderr}"


def torn_down(world):
    gateway = world.client("apigateway")
    gateway.delete_usage_plan_key(usagePlanId=world.plan, keyId=world.key_id)
    refused("BadRequestException", gateway.delete_usage_plan, usagePlanId=world.plan)
    operation = {"op": "remove", "path": "/apiStages", "value": f"{world.api}:Prod"}
    gateway.update_usage_plan(usagePlanId=world.plan, patchOperations=[operation])
    gateway.delete_usage_plan(usagePlanId=world.plan)
    gateway.delete_api_key(apiKey=world.key_id)
    gateway.delete_rest_api(restApiId=world.api)
    world.client("lambda").delete_function(FunctionName="demo")
    found = world.resource("dynamodb").Table("items")
    found.delete()
    found.wait_until_not_exists()
    iam = world.resource("iam").Role("demo-role")
    refused("DeleteConflict", iam.delete)
    iam.Policy("rights").delete()
    iam.delete()
    world.client("logs").delete_log_group(logGroupName="/aws/lambda/demo")

    equal(gateway.get_rest_apis()["items"], [])
    equal(gateway.get_api_keys()["items"], [])
    equal(gateway.get_usage_plans()["items"], [])
    equal(world.client("lambda").list_functions()["Functions"], [])
    equal(world.client("dynamodb").list_tables()["TableNames"], [])
    equal(world.client("iam").list_roles()["Roles"], [])
    equal(world.client("logs").describe_log_groups()["logGroups"], [])


TESTS = [
    identity,
    role,
    role_resource,
    table,
    streams,
    function,
    api,
    called,
    usage,
    invoked,
    streamed,
    url,
    logged,
    assumed,
    cli_identity,
    cli_roles,
    cli_scan,
    cli_invoke,
    cli_apis,
    cli_logs,
    cli_refusals,
    torn_down,
]
