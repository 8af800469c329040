terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "package" { type = string }

# What the second round changes.
variable "memory" {
  type    = number
  default = 128
}
variable "message" {
  type    = string
  default = "first"
}
variable "actions" {
  type    = list(string)
  default = ["dynamodb:GetItem"]
}
variable "rate" {
  type    = number
  default = 10
}
variable "days" {
  type    = number
  default = 7
}

provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "700000000082"
  secret_key                  = "secret"
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_credentials_validation = false

  default_tags {
    tags = { stack = "terraform" }
  }

  endpoints {
    apigateway               = var.endpoint
    cloudwatchlogs           = var.endpoint
    dynamodb                 = var.endpoint
    iam                      = var.endpoint
    lambda                   = var.endpoint
    resourcegroupstaggingapi = var.endpoint
    ssm                      = var.endpoint
    sts                      = var.endpoint
  }
}

data "aws_caller_identity" "me" {}
data "aws_region" "here" {}
data "aws_partition" "this" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "rights" {
  statement {
    actions   = var.actions
    resources = [aws_dynamodb_table.items.arn]
  }
}

resource "aws_iam_role" "function" {
  name               = "tf-function"
  description        = "of the function"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_policy" "rights" {
  name        = "tf-rights"
  description = "read items"
  policy      = data.aws_iam_policy_document.rights.json
}

resource "aws_iam_role_policy_attachment" "rights" {
  role       = aws_iam_role.function.name
  policy_arn = aws_iam_policy.rights.arn
}

resource "aws_iam_role_policy" "logs" {
  name = "logs"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "logs:*", Resource = "*" }]
  })
}

resource "aws_dynamodb_table" "items" {
  name         = "tf-items"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  range_key    = "at"

  attribute {
    name = "id"
    type = "S"
  }
  attribute {
    name = "at"
    type = "N"
  }
  attribute {
    name = "owner"
    type = "S"
  }
  global_secondary_index {
    name            = "by-owner"
    hash_key        = "owner"
    projection_type = "ALL"
  }
  ttl {
    attribute_name = "expires"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/tf-function"
  retention_in_days = var.days
}

resource "aws_ssm_parameter" "greeting" {
  name  = "/tf/greeting"
  type  = "String"
  value = var.message
}

resource "aws_lambda_function" "function" {
  function_name = "tf-function"
  role          = aws_iam_role.function.arn
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  filename      = var.package
  memory_size   = var.memory
  timeout       = 10
  publish       = true

  source_code_hash = filebase64sha256(var.package)

  environment {
    variables = { MESSAGE = var.message }
  }

  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy_attachment.rights]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "what is called"
  function_name    = aws_lambda_function.function.function_name
  function_version = aws_lambda_function.function.version
}

resource "aws_lambda_function_url" "live" {
  function_name      = aws_lambda_function.function.function_name
  qualifier          = aws_lambda_alias.live.name
  authorization_type = "NONE"

  cors {
    allow_origins = ["https://example.com"]
    allow_methods = ["GET", "POST"]
    max_age       = 600
  }
}

resource "aws_lambda_function_event_invoke_config" "live" {
  function_name                = aws_lambda_function.function.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_event_age_in_seconds = 600
  maximum_retry_attempts       = 1
}

resource "aws_lambda_permission" "api" {
  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.api.execution_arn}/*/POST/items"
}

resource "aws_api_gateway_rest_api" "api" {
  name        = "tf-api"
  description = "of items"

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_resource" "items" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  parent_id   = aws_api_gateway_rest_api.api.root_resource_id
  path_part   = "items"
}

resource "aws_api_gateway_model" "item" {
  rest_api_id  = aws_api_gateway_rest_api.api.id
  name         = "Item"
  description  = "an item"
  content_type = "application/json"
  schema = jsonencode({
    "$schema"  = "http://json-schema.org/draft-04/schema#"
    type       = "object"
    required   = ["id"]
    properties = { id = { type = "string" } }
  })
}

resource "aws_api_gateway_request_validator" "body" {
  rest_api_id           = aws_api_gateway_rest_api.api.id
  name                  = "body"
  validate_request_body = true
}

resource "aws_api_gateway_method" "post" {
  rest_api_id          = aws_api_gateway_rest_api.api.id
  resource_id          = aws_api_gateway_resource.items.id
  http_method          = "POST"
  authorization        = "NONE"
  api_key_required     = true
  request_validator_id = aws_api_gateway_request_validator.body.id
  request_models       = { "application/json" = aws_api_gateway_model.item.name }
  request_parameters   = { "method.request.header.X-Tenant" = false }
}

resource "aws_api_gateway_integration" "post" {
  rest_api_id             = aws_api_gateway_rest_api.api.id
  resource_id             = aws_api_gateway_resource.items.id
  http_method             = aws_api_gateway_method.post.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_alias.live.invoke_arn
}

resource "aws_api_gateway_method" "options" {
  rest_api_id   = aws_api_gateway_rest_api.api.id
  resource_id   = aws_api_gateway_resource.items.id
  http_method   = "OPTIONS"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "options" {
  rest_api_id       = aws_api_gateway_rest_api.api.id
  resource_id       = aws_api_gateway_resource.items.id
  http_method       = aws_api_gateway_method.options.http_method
  type              = "MOCK"
  request_templates = { "application/json" = "{\"statusCode\": 204}" }
}

resource "aws_api_gateway_method_response" "options" {
  rest_api_id         = aws_api_gateway_rest_api.api.id
  resource_id         = aws_api_gateway_resource.items.id
  http_method         = aws_api_gateway_method.options.http_method
  status_code         = "204"
  response_parameters = { "method.response.header.Access-Control-Allow-Origin" = true }
}

resource "aws_api_gateway_integration_response" "options" {
  rest_api_id         = aws_api_gateway_rest_api.api.id
  resource_id         = aws_api_gateway_resource.items.id
  http_method         = aws_api_gateway_method.options.http_method
  status_code         = aws_api_gateway_method_response.options.status_code
  response_parameters = { "method.response.header.Access-Control-Allow-Origin" = "'*'" }
  depends_on          = [aws_api_gateway_integration.options]
}

resource "aws_api_gateway_gateway_response" "bad_request" {
  rest_api_id         = aws_api_gateway_rest_api.api.id
  response_type       = "BAD_REQUEST_BODY"
  status_code         = "422"
  response_templates  = { "application/json" = "{\"told\":$context.error.messageString}" }
  response_parameters = { "gatewayresponse.header.X-Told" = "'${var.message}'" }
}

resource "aws_api_gateway_deployment" "api" {
  rest_api_id = aws_api_gateway_rest_api.api.id

  triggers = {
    shape = sha1(jsonencode([
      aws_api_gateway_method.post.request_models, aws_api_gateway_integration.post.uri,
      aws_api_gateway_integration.options.request_templates, aws_api_gateway_integration_response.options.response_parameters,
      aws_api_gateway_gateway_response.bad_request.response_parameters, aws_api_gateway_model.item.schema,
    ]))
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "prod" {
  rest_api_id   = aws_api_gateway_rest_api.api.id
  deployment_id = aws_api_gateway_deployment.api.id
  stage_name    = "Prod"
  variables     = { message = var.message }
}

resource "aws_api_gateway_method_settings" "all" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  stage_name  = aws_api_gateway_stage.prod.stage_name
  method_path = "*/*"

  settings {
    throttling_rate_limit  = 50
    throttling_burst_limit = 25
  }
}

resource "aws_api_gateway_api_key" "key" {
  name = "tf-key"
}

resource "aws_api_gateway_usage_plan" "plan" {
  name = "tf-plan"

  api_stages {
    api_id = aws_api_gateway_rest_api.api.id
    stage  = aws_api_gateway_stage.prod.stage_name
  }
  throttle_settings {
    rate_limit  = var.rate
    burst_limit = 5
  }
  quota_settings {
    limit  = 1000
    period = "DAY"
  }
}

resource "aws_api_gateway_usage_plan_key" "key" {
  key_id        = aws_api_gateway_api_key.key.id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.plan.id
}

output "api" { value = aws_api_gateway_rest_api.api.id }
output "account" { value = data.aws_caller_identity.me.account_id }
output "url" { value = aws_lambda_function_url.live.function_url }
output "version" { value = aws_lambda_alias.live.function_version }
output "key" {
  value     = aws_api_gateway_api_key.key.value
  sensitive = true
}
