//! `up`, `plan`, `drift` and `down`.

use aws_sdk_dynamodb::types::AttributeValue;
use expect_test::expect;
use local_aws::Faults;
use provision_cli::exit::Exit;
use testkit::{Answer, Decision};

use super::{prints, prints_in_full};
use crate::world::World;
use testkit::mutation::Mutation;

#[tokio::test(start_paused = true)]
async fn from_nothing_to_nothing() {
    let world = World::new(Faults::default()).await;
    prints_in_full(
        &world,
        &["plan"],
        Exit::Done,
        expect![[r#"
              + AWS::DynamoDB::Table         lambda-apigateway
              + AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps
              + AWS::IAM::Role               lambda-apigateway-role
              + AWS::Lambda::Function        LambdaFunctionOverHttps
              + AWS::ApiGateway::RestApi     DynamoDBOperations
              + AWS::ApiGateway::Resource    /DynamoDBManager
              + AWS::ApiGateway::Method      POST /DynamoDBManager
              + AWS::Lambda::Permission      apigateway
              + AWS::ApiGateway::Deployment  [hash]
              + AWS::ApiGateway::Stage       Prod
              + AWS::ApiGateway::ApiKey      Lambda-key
              + AWS::ApiGateway::UsagePlan   Lambda-dynamoDB-usageplan
            12 to create
            16 calls to make
            Cost: US$ 0.00 a month idle, about US$ 4.66 per million requests
              list prices of eu-west-1, 2025-11
              each request writes one item of 1 KB, is billed [time] and logs 300 bytes
              no free tier is counted
              stored items (US$ 0.283 per GB and month) and kept logs (US$ 0.03) come on top
        "#]],
        expect![[r#"
        serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
    "#]],
    )
    .await;
    prints_in_full(&world, &["up"], Exit::Done, expect![[r#"
        invoke_url     http://local-aws.test/restapis/[id]/Prod/_user_request_/DynamoDBManager
        api_key        ****
        api_key_id     [id]
        rest_api_id    [id]
        stage          Prod
        function_name  LambdaFunctionOverHttps
        function_arn   arn:aws:lambda:eu-west-1:123456789012:function:LambdaFunctionOverHttps
        table_name     lambda-apigateway
        table_arn      arn:aws:dynamodb:eu-west-1:123456789012:table/lambda-apigateway
        role_arn       arn:aws:iam::123456789012:role/lambda-apigateway-role
        log_group      /aws/lambda/LambdaFunctionOverHttps
    "#]], expect![[r#"
        serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
          + AWS::DynamoDB::Table         lambda-apigateway
          + AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps
          + AWS::IAM::Role               lambda-apigateway-role
          + AWS::Lambda::Function        LambdaFunctionOverHttps
          + AWS::ApiGateway::RestApi     DynamoDBOperations
          + AWS::ApiGateway::Resource    /DynamoDBManager
          + AWS::ApiGateway::Method      POST /DynamoDBManager
          + AWS::Lambda::Permission      apigateway
          + AWS::ApiGateway::Deployment  [hash]
          + AWS::ApiGateway::Stage       Prod
          + AWS::ApiGateway::ApiKey      Lambda-key
          + AWS::ApiGateway::UsagePlan   Lambda-dynamoDB-usageplan
        12 to create
        16 calls to make
          + AWS::ApiGateway::ApiKey      Lambda-key [time]
          + AWS::ApiGateway::Deployment  [hash] [time]
          + AWS::ApiGateway::Method      POST /DynamoDBManager [time]
          + AWS::ApiGateway::Resource    /DynamoDBManager [time]
          + AWS::ApiGateway::RestApi     DynamoDBOperations [time]
          + AWS::ApiGateway::Stage       Prod [time]
          + AWS::ApiGateway::UsagePlan   Lambda-dynamoDB-usageplan [time]
          + AWS::DynamoDB::Table         lambda-apigateway [time]
          + AWS::IAM::Role               lambda-apigateway-role [time]
          + AWS::Lambda::Function        LambdaFunctionOverHttps [time]
          + AWS::Lambda::Permission      apigateway [time]
          + AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps [time]
        Done in [time].
        Try it:
          curl -s http://local-aws.test/restapis/[id]/Prod/_user_request_/DynamoDBManager -H "x-api-key: $(provision -q outputs --show-secrets api_key)" -d '{"operation":"ping"}'
    "#]]).await;
    prints(
        &world,
        &["up"],
        Exit::Done,
        expect![[r#"
            [11 outputs]
        "#]],
        expect![[r#"
        serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        Nothing to do in [time].
    "#]],
    )
    .await;
    prints(
        &world,
        &["up", "-q"],
        Exit::Done,
        expect![[r#"
            [11 outputs]
        "#]],
        expect![[""]],
    )
    .await;
    prints(
        &world,
        &["plan", "--detailed-exitcode"],
        Exit::Done,
        expect![[r#"
            12 unchanged
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        "#]],
    )
    .await;
    prints(
        &world,
        &["drift"],
        Exit::Done,
        expect![[r#"
        No drift: all is as it was last declared.
    "#]],
        expect![[r#"
        serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
    "#]],
    )
    .await;
    prints_in_full(
        &world,
        &["down"],
        Exit::Done,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
              - AWS::ApiGateway::UsagePlan   Lambda-dynamoDB-usageplan
              - AWS::ApiGateway::ApiKey      Lambda-key
              - AWS::ApiGateway::Stage       Prod  (with api)
              - AWS::ApiGateway::Deployment  [hash]  (with api)
              - AWS::Lambda::Permission      apigateway  (with function)
              - AWS::ApiGateway::Method      POST /DynamoDBManager  (with api)
              - AWS::ApiGateway::Resource    /DynamoDBManager  (with api)
              - AWS::ApiGateway::RestApi     DynamoDBOperations
              - AWS::Lambda::Function        LambdaFunctionOverHttps
              - AWS::IAM::Role               lambda-apigateway-role
              - AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps
              - AWS::DynamoDB::Table         lambda-apigateway
            12 to delete
            8 calls to make
              - AWS::ApiGateway::ApiKey      Lambda-key [time]
              - AWS::ApiGateway::RestApi     DynamoDBOperations [time]
              - AWS::ApiGateway::UsagePlan   Lambda-dynamoDB-usageplan [time]
              - AWS::DynamoDB::Table         lambda-apigateway [time]
              - AWS::IAM::Role               lambda-apigateway-role [time]
              - AWS::Lambda::Function        LambdaFunctionOverHttps [time]
              - AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps [time]
            Done in [time].
        "#]],
    )
    .await;
    prints(
        &world,
        &["down"],
        Exit::Done,
        expect![[""]],
        expect![[r#"
        serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        Nothing to do in [time].
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_differs() {
    let world = World::deployed(Faults::default()).await;
    world.apply(Mutation::ChangeMemory).await;
    world.apply(Mutation::ChangeRetention).await;
    prints(
        &world,
        &["drift"],
        Exit::Differences,
        expect![[r#"
              ! AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps
                  retention_days: 14 → 3
              ! AWS::Lambda::Function        LambdaFunctionOverHttps
                  memory_mb: 256 → 1024
            2 changed outside of provision (declared → found); `provision up` puts that right
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        "#]],
    )
    .await;
    prints(
        &world,
        &["drift", "--json"],
        Exit::Differences,
        expect![[r#"
            {"schema":1,"stack":"serverless-lab","target":{"account":"123456789012","region":"eu-west-1","endpoint":"http://local-aws.test"},"steps":[{"id":"logs","type":"AWS::Logs::LogGroup","name":"/aws/lambda/LambdaFunctionOverHttps","action":"update","drift":true,"changes":[{"field":"retention_days","from":14,"to":3,"replaces":false}],"after":[]},{"id":"function","type":"AWS::Lambda::Function","name":"LambdaFunctionOverHttps","action":"update","drift":true,"changes":[{"field":"memory_mb","from":256,"to":1024,"replaces":false}],"after":["logs","role"]}],"summary":{"drift":2,"not_deployed":0},"forecast":{"writes":2,"time":2.5,"waits":2.0},"added":[]}
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        "#]],
    )
    .await;
    let gate = ["plan", "--rate", "50", "--detailed-exitcode"];
    prints(
        &world,
        &gate,
        Exit::Differences,
        expect![[r#"
              ~ AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps
                  ! changed outside of provision
                  retention_days: 3 → 14
              ~ AWS::Lambda::Function        LambdaFunctionOverHttps
                  ! changed outside of provision
                  memory_mb: 1024 → 256
              ~ AWS::ApiGateway::UsagePlan   Lambda-dynamoDB-usageplan
                  throttle.rate: 100.0 → 50.0
            3 to update, 9 unchanged; ! 2 changed outside of provision
            4 calls to make
            Cost: US$ 0.00 a month idle, about US$ 4.66 per million requests
              list prices of eu-west-1, 2025-11
              each request writes one item of 1 KB, is billed [time] and logs 300 bytes
              no free tier is counted
              stored items (US$ 0.283 per GB and month) and kept logs (US$ 0.03) come on top
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        "#]],
    )
    .await;
    let part = ["up", "--only", "logs"];
    prints(&world, &part, Exit::Done, expect![[r#"
        [11 outputs]
    "#]], expect![[r#"
        serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
        warning: `--only` or `--skip` leaves as it is:
          function `LambdaFunctionOverHttps`
        until `provision up --bootstrap [path]`, without either
          ~ AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps
              ! changed outside of provision
              retention_days: 3 → 14
        1 to update, 11 unchanged; ! 1 changed outside of provision
        1 call to make
          ~ AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps [time]
        Done in [time].
        Try it:
          curl -s http://local-aws.test/restapis/[id]/Prod/_user_request_/DynamoDBManager -H "x-api-key: $(provision -q outputs --show-secrets api_key)" -d '{"operation":"ping"}'
    "#]]).await;
    prints(
        &world,
        &["up", "--rate", "50"],
        Exit::Done,
        expect![[r#"
            [11 outputs]
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
              ~ AWS::Lambda::Function        LambdaFunctionOverHttps
                  ! changed outside of provision
                  memory_mb: 1024 → 256
              ~ AWS::ApiGateway::UsagePlan   Lambda-dynamoDB-usageplan
                  throttle.rate: 100.0 → 50.0
            2 to update, 10 unchanged; ! 1 changed outside of provision
            3 calls to make
              ~ AWS::ApiGateway::UsagePlan   Lambda-dynamoDB-usageplan [time]
              ~ AWS::Lambda::Function        LambdaFunctionOverHttps [time]
            Done in [time].
            Try it:
              curl -s http://local-aws.test/restapis/[id]/Prod/_user_request_/DynamoDBManager -H "x-api-key: $(provision -q outputs --show-secrets api_key)" -d '{"operation":"ping"}'
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused() {
    let world = World::new(Faults::default()).await;
    world.way.decide(|request| {
        if request.operation == "CreateRole" {
            Decision::Answer(Answer::query_error(403, "AccessDenied", "not you"))
        } else {
            Decision::Forward
        }
    });
    prints(
        &world,
        &["up"],
        Exit::Partly,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            [12 to create]
            12 to create
            16 calls to make
              + AWS::ApiGateway::ApiKey      Lambda-key [time]
              + AWS::ApiGateway::RestApi     DynamoDBOperations [time]
              + AWS::DynamoDB::Table         lambda-apigateway [time]
              + AWS::IAM::Role               lambda-apigateway-role  failed [time]
              + AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps [time]
            error[P0017]: creating role `lambda-apigateway-role`: CreateRole: AccessDenied: not you
              try: `provision policy` prints what is needed; check the account in the first line
            4 done, 1 failed, 7 not run; `provision up --bootstrap [path]` again goes on from here.
        "#]],
    )
    .await;
    world.way.forward_all();
    prints(
        &world,
        &["down", "--skip", "table"],
        Exit::Done,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            warning: `--only` or `--skip` leaves as it is:
              table `lambda-apigateway`
            until `provision down`, without either
              - AWS::ApiGateway::ApiKey      Lambda-key
              - AWS::ApiGateway::RestApi     DynamoDBOperations
              - AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps
            3 to delete, 1 unchanged
            3 calls to make
              - AWS::ApiGateway::ApiKey      Lambda-key [time]
              - AWS::ApiGateway::RestApi     DynamoDBOperations [time]
              - AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps [time]
            Done in [time].
        "#]],
    )
    .await;
    prints(
        &world,
        &["up", "--only", "stage"],
        Exit::Failed,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            error[P0047]: `stage` cannot go without `api`, which was left out
              try: select both, or neither
        "#]],
    )
    .await;
    prints(
        &world,
        &["plan", "--env", "a b"],
        Exit::Usage,
        expect![[""]],
        expect![[r#"
            error[P0001]: `--env a b` cannot be part of resource names
              try: at most 20 letters, digits and hyphens
        "#]],
    )
    .await;
    prints(
        &world,
        &["drift"],
        Exit::Done,
        expect![[r#"
            No drift: all is as it was last declared.
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            11 declared resources are not deployed: `provision up` makes the stack whole.
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_would_be_lost() {
    let world = World::deployed(Faults::default()).await;
    let put = world.account.dynamodb.put_item();
    let put = put.table_name("lambda-apigateway");
    let put = put.item("id", AttributeValue::S("1".to_owned()));
    put.send().await.expect("an item");
    prints(
        &world,
        &["down"],
        Exit::Failed,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            [12 to delete]
            12 to delete
            8 calls to make
            error[P0033]: this would also delete table `lambda-apigateway` with 1 item
              try: `--yes` to go ahead, or `--keep-data`
        "#]],
    )
    .await;
    prints(
        &world,
        &["down", "--json"],
        Exit::Failed,
        expect![[r#"
            {"schema":1,"errors":[{"code":"P0033","message":"this would also delete table `lambda-apigateway` with 1 item","resource":null,"aws":null,"try":"`--yes` to go ahead, or `--keep-data`"}]}
        "#]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            [12 to delete]
            12 to delete
            8 calls to make
            error[P0033]: this would also delete table `lambda-apigateway` with 1 item
              try: `--yes` to go ahead, or `--keep-data`
        "#]],
    )
    .await;
    prints(
        &world,
        &["down", "--keep-data"],
        Exit::Done,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            [11 to delete]
            11 to delete
            7 calls to make
              - AWS::ApiGateway::ApiKey      Lambda-key [time]
              - AWS::ApiGateway::RestApi     DynamoDBOperations [time]
              - AWS::ApiGateway::UsagePlan   Lambda-dynamoDB-usageplan [time]
              - AWS::IAM::Role               lambda-apigateway-role [time]
              - AWS::Lambda::Function        LambdaFunctionOverHttps [time]
              - AWS::Logs::LogGroup          /aws/lambda/LambdaFunctionOverHttps [time]
            Done in [time].
        "#]],
    )
    .await;
    prints(
        &world,
        &["down", "--yes"],
        Exit::Done,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
              - AWS::DynamoDB::Table         lambda-apigateway
            1 to delete
            1 call to make
              - AWS::DynamoDB::Table         lambda-apigateway [time]
            Done in [time].
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_somebody_elses() {
    let world = World::deployed(Faults::default()).await;
    let role = world
        .account
        .iam
        .untag_role()
        .role_name("lambda-apigateway-role");
    let role = role.tag_keys("provision:stack").tag_keys("provision:id");
    role.send().await.expect("untagged");
    prints(
        &world,
        &["plan"],
        Exit::Failed,
        expect![[""]],
        expect![[r#"
            serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
            error[P0030]: these exist already and are not this stack's; nothing was changed:
                AWS::IAM::Role lambda-apigateway-role: it carries no tag of ours
              try: `provision up --bootstrap [path] --adopt lambda-apigateway-role` to take them over by tagging them, `--env NAME` for a copy under other names, or remove them
        "#]],
    )
    .await;
    let adopt = ["up", "--adopt", "lambda-apigateway-role"];
    prints(&world, &adopt, Exit::Done, expect![[r#"
        [11 outputs]
    "#]], expect![[r#"
        serverless-lab · account 123456789012 · eu-west-1 · http://local-aws.test
          ~ AWS::IAM::Role               lambda-apigateway-role
              ! changed outside of provision
              tags.provision:id: (none) → role
              tags.provision:stack: (none) → serverless-lab
        1 to update, 11 unchanged; ! 1 changed outside of provision
        1 call to make
          ~ AWS::IAM::Role               lambda-apigateway-role [time]
        Done in [time].
        Try it:
          curl -s http://local-aws.test/restapis/[id]/Prod/_user_request_/DynamoDBManager -H "x-api-key: $(provision -q outputs --show-secrets api_key)" -d '{"operation":"ping"}'
    "#]]).await;
}
