// The AWS SDK for Go v2 against the local AWS: `clients ENDPOINT PACKAGE`. Prints `ok NAME` or `FAILED NAME` a test.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	api "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	db "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	roles "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	functions "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	account = "700000000084"
	region  = "eu-west-1"
	trust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	within  = 20 * time.Second
)

type world struct {
	endpoint string
	code     []byte
	config   aws.Config
	role     string
}

func same(left, right any) error {
	if left != right {
		return fmt.Errorf("%v is not %v", left, right)
	}
	return nil
}

func (w *world) identity(ctx context.Context) error {
	me, err := sts.NewFromConfig(w.config).GetCallerIdentity(ctx, nil)
	if err != nil {
		return err
	}
	return same(*me.Arn, "arn:aws:iam::"+account+":root")
}

func (w *world) aRole(ctx context.Context) error {
	client := iam.NewFromConfig(w.config)
	made, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("go"), AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		return err
	}
	w.role = *made.Role.Arn
	_, err = client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("nobody")})
	var missing *roles.NoSuchEntityException
	return same(errors.As(err, &missing), true)
}

func (w *world) table(ctx context.Context) error {
	client := dynamodb.NewFromConfig(w.config)
	name := aws.String("go-items")
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            name,
		AttributeDefinitions: []db.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: db.ScalarAttributeTypeS}},
		KeySchema:            []db.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: db.KeyTypeHash}},
		BillingMode:          db.BillingModePayPerRequest,
	})
	if err != nil {
		return err
	}
	err = dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: name}, within)
	if err != nil {
		return err
	}
	key := map[string]db.AttributeValue{"id": &db.AttributeValueMemberS{Value: "a"}}
	one := map[string]db.AttributeValue{":one": &db.AttributeValueMemberN{Value: "1.50"}}
	update := &dynamodb.UpdateItemInput{
		TableName: name, Key: key, UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: one,
		ReturnValues: db.ReturnValueUpdatedNew,
	}
	updated, err := client.UpdateItem(ctx, update)
	if err != nil {
		return err
	}
	if err := same(updated.Attributes["n"].(*db.AttributeValueMemberN).Value, "1.5"); err != nil {
		return err
	}
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: name, Item: key, ConditionExpression: aws.String("attribute_not_exists(id)"),
	})
	var failed *db.ConditionalCheckFailedException
	return same(errors.As(err, &failed), true)
}

func (w *world) function(ctx context.Context) error {
	client := lambda.NewFromConfig(w.config)
	name := aws.String("go")
	_, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: name, Role: &w.role, Runtime: "provided.al2023", Handler: aws.String("bootstrap"),
		Code: &functions.FunctionCode{ZipFile: w.code},
	})
	if err != nil {
		return err
	}
	configuration := &lambda.GetFunctionConfigurationInput{FunctionName: name}
	if err := lambda.NewFunctionActiveWaiter(client).Wait(ctx, configuration, within); err != nil {
		return err
	}
	invoked, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, Payload: []byte("{}")})
	if err != nil {
		return err
	}
	if err := same(string(invoked.Payload), `{"statusCode":200,"body":"shell"}`); err != nil {
		return err
	}
	_, err = client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("nowhere")})
	var missing *functions.ResourceNotFoundException
	return same(errors.As(err, &missing), true)
}

func (w *world) anAPI(ctx context.Context) error {
	client := apigateway.NewFromConfig(w.config)
	made, err := client.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: aws.String("go")})
	if err != nil {
		return err
	}
	resources, err := client.GetResources(ctx, &apigateway.GetResourcesInput{RestApiId: made.Id})
	if err != nil {
		return err
	}
	root, get := resources.Items[0].Id, aws.String("GET")
	_, err = client.PutMethod(ctx, &apigateway.PutMethodInput{
		RestApiId: made.Id, ResourceId: root, HttpMethod: get, AuthorizationType: aws.String("NONE"),
	})
	if err != nil {
		return err
	}
	function := "arn:aws:lambda:" + region + ":" + account + ":function:go"
	_, err = client.PutIntegration(ctx, &apigateway.PutIntegrationInput{
		RestApiId: made.Id, ResourceId: root, HttpMethod: get, Type: api.IntegrationTypeAwsProxy, IntegrationHttpMethod: aws.String("POST"),
		Uri: aws.String("arn:aws:apigateway:" + region + ":lambda:path/2015-03-31/functions/" + function + "/invocations"),
	})
	if err != nil {
		return err
	}
	_, err = lambda.NewFromConfig(w.config).AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: aws.String("go"), StatementId: aws.String("api"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("apigateway.amazonaws.com"),
	})
	if err != nil {
		return err
	}
	_, err = client.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: made.Id, StageName: aws.String("test")})
	if err != nil {
		return err
	}
	answer, err := http.Get(w.endpoint + "/restapis/" + *made.Id + "/test/_user_request_/")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if err := same(string(body), "shell"); err != nil {
		return err
	}
	_, err = client.GetRestApi(ctx, &apigateway.GetRestApiInput{RestApiId: aws.String("nowhere")})
	var missing *api.NotFoundException
	if err := same(errors.As(err, &missing), true); err != nil {
		return err
	}
	_, err = client.DeleteRestApi(ctx, &apigateway.DeleteRestApiInput{RestApiId: made.Id})
	return err
}

func (w *world) tornDown(ctx context.Context) error {
	if _, err := lambda.NewFromConfig(w.config).DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("go")}); err != nil {
		return err
	}
	if _, err := dynamodb.NewFromConfig(w.config).DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String("go-items")}); err != nil {
		return err
	}
	_, err := iam.NewFromConfig(w.config).DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("go")})
	return err
}

func main() {
	code, err := os.ReadFile(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	endpoint := strings.TrimSuffix(os.Args[1], "/")
	everywhere := func(string, string, ...any) (aws.Endpoint, error) {
		return aws.Endpoint{URL: endpoint, HostnameImmutable: true, SigningRegion: region}, nil
	}
	w := &world{endpoint: endpoint, code: code, config: aws.Config{
		Region:                      region,
		Credentials:                 credentials.NewStaticCredentialsProvider(account, "secret", ""),
		EndpointResolverWithOptions: aws.EndpointResolverWithOptionsFunc(everywhere),
	}}
	tests := []struct {
		name string
		run  func(context.Context) error
	}{
		{"identity", w.identity}, {"role", w.aRole}, {"table", w.table}, {"function", w.function}, {"api", w.anAPI},
		{"torn_down", w.tornDown},
	}
	for _, test := range tests {
		if err := test.run(context.Background()); err != nil {
			fmt.Println("FAILED", test.name)
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		fmt.Println("ok", test.name)
	}
}
