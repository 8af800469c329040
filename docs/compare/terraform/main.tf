terraform {
  required_providers {
    archive = { source = "hashicorp/archive" }
    aws     = { source = "hashicorp/aws" }
  }
}

locals {
  functions = {
    reader = ["dynamodb:GetItem", "dynamodb:Scan"]
    writer = ["dynamodb:PutItem"]
  }
  routes = {
    "GET /notes"      = { resource = aws_api_gateway_resource.notes.id, function = "reader" }
    "GET /notes/{id}" = { resource = aws_api_gateway_resource.note.id, function = "reader" }
    "POST /notes"     = { resource = aws_api_gateway_resource.notes.id, function = "writer" }
  }
}

resource "aws_dynamodb_table" "notes" {
  name         = "notes"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_cloudwatch_log_group" "function" {
  for_each          = local.functions
  name              = "/aws/lambda/notes-${each.key}"
  retention_in_days = 14
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  for_each           = local.functions
  name               = "notes-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "function" {
  for_each = local.functions
  statement {
    actions   = each.value
    resources = [aws_dynamodb_table.notes.arn]
  }
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function[each.key].arn}:*"]
  }
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions
  role     = aws_iam_role.function[each.key].id
  policy   = data.aws_iam_policy_document.function[each.key].json
}

data "archive_file" "functions" {
  type        = "zip"
  source_dir  = "${path.module}/functions"
  output_path = "${path.module}/functions.zip"
}

resource "aws_lambda_function" "function" {
  for_each         = local.functions
  function_name    = "notes-${each.key}"
  runtime          = "nodejs22.x"
  handler          = "${each.key}.handler"
  filename         = data.archive_file.functions.output_path
  source_code_hash = data.archive_file.functions.output_base64sha256
  role             = aws_iam_role.function[each.key].arn
  memory_size      = 256
  timeout          = 10

  environment {
    variables = { TABLE = aws_dynamodb_table.notes.name }
  }

  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.function]
}

resource "aws_lambda_permission" "api" {
  for_each      = local.functions
  function_name = aws_lambda_function.function[each.key].function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.notes.execution_arn}/*"
}

resource "aws_api_gateway_rest_api" "notes" {
  name           = "notes"
  api_key_source = "HEADER"

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_resource" "notes" {
  rest_api_id = aws_api_gateway_rest_api.notes.id
  parent_id   = aws_api_gateway_rest_api.notes.root_resource_id
  path_part   = "notes"
}

resource "aws_api_gateway_resource" "note" {
  rest_api_id = aws_api_gateway_rest_api.notes.id
  parent_id   = aws_api_gateway_resource.notes.id
  path_part   = "{id}"
}

resource "aws_api_gateway_method" "route" {
  for_each         = local.routes
  rest_api_id      = aws_api_gateway_rest_api.notes.id
  resource_id      = each.value.resource
  http_method      = split(" ", each.key)[0]
  authorization    = "NONE"
  api_key_required = true
}

resource "aws_api_gateway_integration" "route" {
  for_each                = local.routes
  rest_api_id             = aws_api_gateway_rest_api.notes.id
  resource_id             = each.value.resource
  http_method             = aws_api_gateway_method.route[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.function[each.value.function].invoke_arn
}

resource "aws_api_gateway_deployment" "notes" {
  rest_api_id = aws_api_gateway_rest_api.notes.id
  triggers    = { configuration = filesha1("${path.module}/main.tf") }
  depends_on  = [aws_api_gateway_integration.route]

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "live" {
  rest_api_id   = aws_api_gateway_rest_api.notes.id
  deployment_id = aws_api_gateway_deployment.notes.id
  stage_name    = "live"
}

resource "aws_api_gateway_api_key" "notes" {
  name = "notes"
}

resource "aws_api_gateway_usage_plan" "notes" {
  name = "notes"

  api_stages {
    api_id = aws_api_gateway_rest_api.notes.id
    stage  = aws_api_gateway_stage.live.stage_name
  }

  throttle_settings {
    rate_limit  = 50
    burst_limit = 20
  }
}

resource "aws_api_gateway_usage_plan_key" "notes" {
  key_id        = aws_api_gateway_api_key.notes.id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.notes.id
}

output "url" {
  value = "${aws_api_gateway_stage.live.invoke_url}/notes"
}

output "api_key" {
  value     = aws_api_gateway_api_key.notes.value
  sensitive = true
}
