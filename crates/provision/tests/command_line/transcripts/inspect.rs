//! `outputs`, `invoke`, `logs` and `policy`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use expect_test::expect;
use local_aws::Faults;
use provision_cli::exit::Exit;
use testkit::{Answer, Decision, masked};

use super::prints;
use crate::world::{World, binary};

#[tokio::test(start_paused = true)]
async fn a_deployed_stack() {
    let world = World::deployed(Faults::default()).await;
    prints(
        &world,
        &["outputs"],
        Exit::Done,
        expect![[r#"
            [11 outputs]
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        "#]],
    )
    .await;
    prints(
        &world,
        &["outputs", "--json"],
        Exit::Done,
        expect![[r#"
            {"schema":1,"stack":"serverless-lab","invoke_url":"http://local-aws.test/restapis/[id]/Prod/_user_request_/DynamoDBManager","api_key":"****","api_key_id":"[id]","rest_api_id":"[id]","stage":"Prod","function_name":"LambdaFunctionOverHttps","function_arn":"arn:aws:lambda:eu-west-1:123456789012:function:LambdaFunctionOverHttps","table_name":"lambda-apigateway","table_arn":"arn:aws:dynamodb:eu-west-1:123456789012:table/lambda-apigateway","role_arn":"arn:aws:iam::123456789012:role/lambda-apigateway-role","log_group":"/aws/lambda/LambdaFunctionOverHttps"}
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        "#]],
    )
    .await;
    prints(
        &world,
        &["outputs", "table_arn"],
        Exit::Done,
        expect![[r#"
            arn:aws:dynamodb:eu-west-1:123456789012:table/lambda-apigateway
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        "#]],
    )
    .await;
    prints(
        &world,
        &["outputs", "-q", "invoke_url"],
        Exit::Done,
        expect![[r#"
            http://local-aws.test/restapis/[id]/Prod/_user_request_/DynamoDBManager
        "#]],
        expect![[""]],
    )
    .await;
    prints(
        &world,
        &["outputs", "nothing"],
        Exit::Failed,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            error[P0004]: there is no output `nothing`
              try: one of invoke_url, api_key, api_key_id, rest_api_id, stage, function_name, function_arn, table_name, table_arn, role_arn, log_group
        "#]],
    )
    .await;
    prints(
        &world,
        &["outputs", "api_key"],
        Exit::Done,
        expect![[r#"
            ****
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            Its value: `provision outputs --show-secrets api_key`.
        "#]],
    )
    .await;
    prints(
        &world,
        &["invoke"],
        Exit::Done,
        expect![[r#"
            "pong"
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            200 in [time], 6 bytes
        "#]],
    )
    .await;
    prints(
        &world,
        &["invoke", "--direct"],
        Exit::Done,
        expect![[r#"
            {"statusCode": 200, "body": "\"pong\""}
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            200 in [time], 39 bytes
        "#]],
    )
    .await;
    prints(
        &world,
        &["invoke", "{"],
        Exit::Usage,
        expect![[""]],
        expect![[r#"
            error[P0003]: the request is not JSON: EOF while parsing an object at line 1 column 1
              try: `provision invoke '{"operation":"ping"}'`, `@FILE`, or `-` for standard input
        "#]],
    )
    .await;
    prints(
        &world,
        &["invoke", "@/nowhere"],
        Exit::Failed,
        expect![[""]],
        expect![[r#"
            error[P0060]: reading the request from `/nowhere`: No such file or directory (os error 2)
              try: check that the path exists, that you may use it, and that the disk has space
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_not_there() {
    let world = World::new(Faults::default()).await;
    prints(
        &world,
        &["outputs"],
        Exit::Failed,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            error[P0032]: the stack `serverless-lab` is not deployed here
              try: `provision up`
        "#]],
    )
    .await;
    prints(
        &world,
        &["invoke"],
        Exit::Failed,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            error[P0032]: the stack `serverless-lab` is not deployed here
              try: `provision up`
        "#]],
    )
    .await;
    prints(
        &world,
        &["logs"],
        Exit::Failed,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            error[P0032]: the stack `serverless-lab` is not deployed here: it has no log group yet
              try: `provision up`
        "#]],
    )
    .await;
    prints(
        &world,
        &["logs", "--json"],
        Exit::Failed,
        expect![[r#"
            {"schema":1,"errors":[{"code":"P0032","message":"the stack `serverless-lab` is not deployed here: it has no log group yet","resource":null,"aws":null,"try":"`provision up`"}]}
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            error[P0032]: the stack `serverless-lab` is not deployed here: it has no log group yet
              try: `provision up`
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn lines_of_the_function() {
    let world = World::deployed(Faults::default()).await;
    write(
        &world,
        &[
            "START RequestId: 11111111-1111-4111-8111-111111111111 Version: $LATEST",
            r#"{"level": "INFO", "operation": "ping"}"#,
            "REPORT RequestId: 11111111-1111-4111-8111-111111111111\tDuration: 1.20 ms\tBilled Duration: 2 ms\t\
             Memory Size: 256 MB\tMax Memory Used: 20 MB\tInit Duration: 9.10 ms\t",
        ],
    )
    .await;
    prints(
        &world,
        &["logs"],
        Exit::Done,
        expect![[r#"
            [clock] > [uuid]
            [clock]   {"level": "INFO", "operation": "ping"}
            [clock] < [uuid] [time], 20 MB, cold start [time]
            [clock] > [uuid]
            [clock] < [uuid] [time], 0 MB
        "#]],
        expect![[r#"
        serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
    "#]],
    )
    .await;
    world.way.decide(|request| {
        if request.operation == "FilterLogEvents" {
            Decision::Answer(Answer::error(400, "AccessDeniedException", "not you"))
        } else {
            Decision::Forward
        }
    });
    prints(
        &world,
        &["logs"],
        Exit::Failed,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            error[P0017]: reading log group `/aws/lambda/LambdaFunctionOverHttps`: FilterLogEvents: AccessDeniedException: not you (request made-by-the-proxy)
              try: `provision policy` prints what is needed; check the account in the first line
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn rights() {
    let world = World::new(Faults::default()).await;
    prints(
        &world,
        &["policy", "--for", "plan"],
        Exit::Done,
        expect![[r#"
            {
              "Version": "2012-10-17",
              "Statement": [
                {
                  "Sid": "Table",
                  "Effect": "Allow",
                  "Action": [
                    "dynamodb:DescribeContinuousBackups",
                    "dynamodb:DescribeTable",
                    "dynamodb:DescribeTimeToLive",
                    "dynamodb:ListTagsOfResource"
                  ],
                  "Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/lambda-apigateway"
                },
                {
                  "Sid": "Tagged",
                  "Effect": "Allow",
                  "Action": [
                    "tag:GetResources"
                  ],
                  "Resource": "*"
                },
                {
                  "Sid": "LogGroups",
                  "Effect": "Allow",
                  "Action": [
                    "logs:DescribeLogGroups"
                  ],
                  "Resource": "*"
                },
                {
                  "Sid": "LogGroup",
                  "Effect": "Allow",
                  "Action": [
                    "logs:ListTagsForResource"
                  ],
                  "Resource": [
                    "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/LambdaFunctionOverHttps",
                    "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/LambdaFunctionOverHttps:*"
                  ]
                },
                {
                  "Sid": "Role",
                  "Effect": "Allow",
                  "Action": [
                    "iam:GetRole",
                    "iam:GetRolePolicy",
                    "iam:ListAttachedRolePolicies",
                    "iam:ListRolePolicies"
                  ],
                  "Resource": "arn:aws:iam::123456789012:role/lambda-apigateway-role"
                },
                {
                  "Sid": "Roles",
                  "Effect": "Allow",
                  "Action": [
                    "iam:ListRoles"
                  ],
                  "Resource": "*"
                },
                {
                  "Sid": "AnyRole",
                  "Effect": "Allow",
                  "Action": [
                    "iam:ListRoleTags"
                  ],
                  "Resource": "arn:aws:iam::123456789012:role/*"
                },
                {
                  "Sid": "Function",
                  "Effect": "Allow",
                  "Action": [
                    "lambda:GetFunction",
                    "lambda:GetPolicy",
                    "lambda:ListAliases",
                    "lambda:ListTags"
                  ],
                  "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:LambdaFunctionOverHttps"
                },
                {
                  "Sid": "EventSourceMappings",
                  "Effect": "Allow",
                  "Action": [
                    "lambda:ListEventSourceMappings"
                  ],
                  "Resource": "*"
                },
                {
                  "Sid": "RestApis",
                  "Effect": "Allow",
                  "Action": [
                    "apigateway:GET"
                  ],
                  "Resource": "arn:aws:apigateway:eu-west-1::/restapis"
                },
                {
                  "Sid": "RestApi",
                  "Effect": "Allow",
                  "Action": [
                    "apigateway:GET"
                  ],
                  "Resource": "arn:aws:apigateway:eu-west-1::/restapis/*"
                },
                {
                  "Sid": "ApiKeys",
                  "Effect": "Allow",
                  "Action": [
                    "apigateway:GET"
                  ],
                  "Resource": "arn:aws:apigateway:eu-west-1::/apikeys"
                },
                {
                  "Sid": "UsagePlans",
                  "Effect": "Allow",
                  "Action": [
                    "apigateway:GET"
                  ],
                  "Resource": "arn:aws:apigateway:eu-west-1::/usageplans"
                },
                {
                  "Sid": "UsagePlan",
                  "Effect": "Allow",
                  "Action": [
                    "apigateway:GET"
                  ],
                  "Resource": "arn:aws:apigateway:eu-west-1::/usageplans/*"
                }
              ]
            }
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        "#]],
    )
    .await;
    let trust = ["policy", "--trust", "owner/repo"];
    prints(&world, &trust, Exit::Done, expect![[r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Sid": "GitHubActions",
              "Effect": "Allow",
              "Principal": {
                "Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
              },
              "Action": "sts:AssumeRoleWithWebIdentity",
              "Condition": {
                "StringEquals": {
                  "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                  "token.actions.githubusercontent.com:sub": "repo:owner/repo:ref:refs/heads/main"
                }
              }
            }
          ]
        }
    "#]], expect![[""]]).await;
}

/// Has the function say `lines` a minute ago: before all that it has said in this run, whose clock may be paused.
async fn write(world: &World, lines: &[&str]) {
    const GROUP: &str = "/aws/lambda/LambdaFunctionOverHttps";
    const STREAM: &str = "2026/01/01/[$LATEST]00000000000000000000000000000000";
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now =
        i64::try_from(since.expect("after 1970").as_millis()).expect("before the year 292,000,000");
    let before = now - 60_000;
    let event = |line: &&str| {
        let event = InputLogEvent::builder().timestamp(before).message(*line);
        event.build().expect("it has both")
    };
    let logs = &world.account.logs;
    let create = logs.create_log_stream().log_group_name(GROUP);
    let create = create.log_stream_name(STREAM).send().await;
    create.expect("a stream");
    let put = logs.put_log_events().log_group_name(GROUP);
    let put = put.log_stream_name(STREAM);
    let put = put.set_log_events(Some(lines.iter().map(event).collect()));
    put.send().await.expect("written");
}

#[tokio::test(start_paused = true)]
async fn a_new_key() {
    let world = World::new(Faults::default()).await;
    let rotate = ["key", "rotate"];
    prints(
        &world,
        &rotate,
        Exit::Failed,
        expect![[""]],
        expect![[r#"
        serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        error[P0032]: the stack `serverless-lab` is not deployed here
          try: `provision up`
    "#]],
    )
    .await;
    world.run(&["up"]).await.expect(Exit::Done);
    prints(
        &world,
        &rotate,
        Exit::Done,
        expect![[r#"
        api_key        ****
        api_key_id     [id]
        replaces       [id]
    "#]],
        expect![[r#"
        serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        Its value: `provision outputs --show-secrets api_key`.
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pipeline() {
    let world = World::new(Faults::default()).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().to_str().expect("its name is text");
    let init = ["ci", "init", "--repo", "owner/repository", "--dir", dir];
    prints(
        &world,
        &init,
        Exit::Done,
        expect![[r#"
        + .github/workflows/provision.yml  written
        + .github/provision/deploy-permissions.json  written
        + .github/provision/deploy-trust.json  written
        + .github/provision/plan-permissions.json  written
        + .github/provision/plan-trust.json  written
        + .github/provision/preview-permissions.json  written
        + .github/provision/preview-trust.json  written
    "#]],
        expect![[r#"
        docs/pipeline.md says how to make the roles.
    "#]],
    )
    .await;
    prints(
        &world,
        &init,
        Exit::Done,
        expect![[r#"
        = .github/workflows/provision.yml  same
        = .github/provision/deploy-permissions.json  same
        = .github/provision/deploy-trust.json  same
        = .github/provision/plan-permissions.json  same
        = .github/provision/plan-trust.json  same
        = .github/provision/preview-permissions.json  same
        = .github/provision/preview-trust.json  same
    "#]],
        expect![[r#"
        docs/pipeline.md says how to make the roles.
    "#]],
    )
    .await;
    std::fs::write(
        folder.path().join(".github/workflows/provision.yml"),
        "mine\n",
    )
    .expect("ours");
    prints(&world, &init, Exit::Failed, expect![[r#"
        ! .github/workflows/provision.yml  differs
            line 1: mine → # Written by `provision ci init`; see docs/pipeline.md for the roles and variables it needs.
        = .github/provision/deploy-permissions.json  same
        = .github/provision/deploy-trust.json  same
        = .github/provision/plan-permissions.json  same
        = .github/provision/plan-trust.json  same
        = .github/provision/preview-permissions.json  same
        = .github/provision/preview-trust.json  same
    "#]], expect![[r#"
        error[P0071]: files that differ were left as they are
          try: `--force` to write over them, then a look at `git diff`
    "#]]).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_of_the_last_run() {
    let mut world = World::new(Faults::default()).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    world.runs = Some(folder.path().to_owned());
    let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join("transcript.html");
    let report = ["report", page.to_str().expect("its name is text")];
    let missing = world.run(&report).await.expect(Exit::Failed);
    assert!(
        missing.printed.stderr.starts_with("error[P0"),
        "{missing:?}"
    );
    world.run(&["up"]).await.expect(Exit::Done);
    prints(
        &world,
        &report,
        Exit::Done,
        expect![[r#"
        [target]/transcript.html
    "#]],
        expect![[r#"
        serverless-lab · its run of [date]
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_and_an_account() {
    let world = World::new(Faults::default()).await;
    let function = binary(1);
    let ended = world.run(&["doctor", "--bootstrap", &function]).await;
    let printed = ended.expect(Exit::Done).printed.stdout;
    expect![[r#"
        ok    function     `[function]` runs on Lambda
        ok    local AWS    starts when needed, on a free port
        ok    region       eu-west-1
        ok    credentials  found
        ok    identity     arn:aws:iam::123456789012:root
        ?     clock        no answer said what time it is
        ok    rights       arn:aws:iam::123456789012:root may do everything
        ok    names        `serverless-lab` is not deployed, and its names are free
        ok    quotas       0 of 600 REST APIs, 0 of 10000 API keys, 0 of 300 usage plans
    "#]]
    .assert_eq(&masked(&printed.replace(&function, "[function]")));
}
