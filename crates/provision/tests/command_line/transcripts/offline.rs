//! `explain`, `graph`, `completions` and `man`: commands that ask nobody.

use expect_test::expect;
use local_aws::Faults;
use provision_cli::exit::Exit;

use super::prints;
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn what_an_error_means() {
    let world = World::new(Faults::default()).await;
    prints(
        &world,
        &["explain", "P0017"],
        Exit::Done,
        expect![[r#"
            P0017  the caller lacks a right

            AWS knows who is asking and refuses the call: no policy allows it, or one
            forbids it. The error names the call, and most messages of AWS the action and
            the resource. This call has changed nothing.

            Try:
            - Add the action that the message names to the caller's policy; `provision
              policy` prints all that are needed.
            - Look for what forbids it: a service control policy, a permissions boundary, a
              session policy.
            - Check that the right account is used: the first line of every command names
              it.
            - Rights that were just given take some seconds to work: run it again.
        "#]],
        expect![[""]],
    )
    .await;
    prints(
        &world,
        &["explain", "P0117"],
        Exit::Usage,
        expect![[""]],
        expect![[r#"
            error[P0005]: there is no error code `P0117`
              try: `provision explain P0017`, or `provision explain` for all of them
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_graph() {
    let world = World::new(Faults::default()).await;
    prints(
        &world,
        &["graph"],
        Exit::Done,
        expect![[r#"
            serverless-lab
            ├─ AWS::Lambda::Permission  apigateway  [permission]
            │  ├─ AWS::Lambda::Function  LambdaFunctionOverHttps  [function]
            │  │  ├─ AWS::Logs::LogGroup  /aws/lambda/LambdaFunctionOverHttps  [logs]
            │  │  └─ AWS::IAM::Role  lambda-apigateway-role  [role]
            │  │     ├─ AWS::DynamoDB::Table  lambda-apigateway  [table]
            │  │     └─ AWS::Logs::LogGroup  /aws/lambda/LambdaFunctionOverHttps  [logs]
            │  └─ AWS::ApiGateway::RestApi  DynamoDBOperations  [api]
            └─ AWS::ApiGateway::UsagePlan  Lambda-dynamoDB-usageplan  [plan]
               ├─ AWS::ApiGateway::RestApi  DynamoDBOperations  [api]
               ├─ AWS::ApiGateway::Stage  Prod  [stage]
               │  ├─ AWS::ApiGateway::RestApi  DynamoDBOperations  [api]
               │  └─ AWS::ApiGateway::Deployment  snapshot  [deployment]
               │     ├─ AWS::ApiGateway::RestApi  DynamoDBOperations  [api]
               │     └─ AWS::ApiGateway::Method  POST /DynamoDBManager  [method]
               │        ├─ AWS::Lambda::Function  LambdaFunctionOverHttps  [function]  (above)
               │        ├─ AWS::ApiGateway::RestApi  DynamoDBOperations  [api]
               │        └─ AWS::ApiGateway::Resource  /DynamoDBManager  [path]
               │           └─ AWS::ApiGateway::RestApi  DynamoDBOperations  [api]
               └─ AWS::ApiGateway::ApiKey  Lambda-key  [key]
        "#]],
        expect![[r#"
        serverless-lab · as it is declared
    "#]],
    )
    .await;
    let mermaid = ["graph", "--format", "mermaid", "--env", "dev"];
    prints(
        &world,
        &mermaid,
        Exit::Done,
        expect![[r#"
        flowchart BT
          table["AWS::DynamoDB::Table<br/>lambda-apigateway-dev"]
          logs["AWS::Logs::LogGroup<br/>/aws/lambda/LambdaFunctionOverHttps-dev"]
          role["AWS::IAM::Role<br/>lambda-apigateway-role-dev"]
          function["AWS::Lambda::Function<br/>LambdaFunctionOverHttps-dev"]
          api["AWS::ApiGateway::RestApi<br/>DynamoDBOperations-dev"]
          path["AWS::ApiGateway::Resource<br/>/DynamoDBManager"]
          method["AWS::ApiGateway::Method<br/>POST /DynamoDBManager"]
          permission["AWS::Lambda::Permission<br/>apigateway"]
          deployment["AWS::ApiGateway::Deployment<br/>snapshot"]
          stage["AWS::ApiGateway::Stage<br/>Prod"]
          key["AWS::ApiGateway::ApiKey<br/>Lambda-key-dev"]
          plan["AWS::ApiGateway::UsagePlan<br/>Lambda-dynamoDB-usageplan-dev"]
          role -->|arn| table
          role -->|arn| logs
          function -.-> logs
          function -->|arn| role
          path -->|id, root| api
          method -->|invoke_arn| function
          method -->|id| api
          method -->|id| path
          permission -->|name| function
          permission -->|execute_arn| api
          deployment -->|id| api
          deployment -->|shape| method
          stage -->|id| api
          stage -->|id| deployment
          plan -->|id| api
          plan -->|served_as| stage
          plan -->|id| key
    "#]],
        expect![[r#"
        serverless-lab-dev · as it is declared
    "#]],
    )
    .await;
    let out = ["graph", "--out", "/nowhere/graph.svg"];
    prints(
        &world,
        &out,
        Exit::Failed,
        expect![[""]],
        expect![[r#"
            serverless-lab · as it is declared
            error[P0060]: writing /nowhere/graph.svg: No such file or directory (os error 2)
              try: check that the path exists, that you may use it, and that the disk has space
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_generated() {
    let world = World::new(Faults::default()).await;
    for (arguments, first) in [
        (["completions", "bash"], "_provision() {"),
        (["completions", "zsh"], "#compdef provision"),
    ] {
        let ended = world.run(&arguments).await.expect(Exit::Done);
        assert_eq!(ended.printed.stdout.lines().next(), Some(first));
        assert_eq!(ended.printed.stderr, "");
    }
    let out = ["man", "--out", "/proc/nowhere"];
    prints(&world, &out, Exit::Failed, expect![[""]], expect![[r#"
        error[P0060]: writing manual pages to `/proc/nowhere`: No such file or directory (os error 2)
          try: check that the path exists, that you may use it, and that the disk has space
    "#]]).await;
}
