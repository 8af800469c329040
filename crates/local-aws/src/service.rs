//! The services, and what is common to each one's protocol.

/// One service, by its name in the signing scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    Iam,
    Sts,
    Lambda,
    ApiGateway,
    DynamoDb,
    Logs,
    Ssm,
    Tagging,
}

/// How requests, answers and errors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Form parameters in, XML out.
    Query,
    Json10,
    Json11,
    RestJson,
}

impl Service {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "iam" => Self::Iam,
            "sts" => Self::Sts,
            "lambda" => Self::Lambda,
            "apigateway" => Self::ApiGateway,
            "dynamodb" => Self::DynamoDb,
            "logs" => Self::Logs,
            "ssm" => Self::Ssm,
            "tagging" => Self::Tagging,
            _ => return None,
        })
    }

    /// Its name in ARNs and signing scopes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::Lambda => "lambda",
            Self::ApiGateway => "apigateway",
            Self::DynamoDb => "dynamodb",
            Self::Logs => "logs",
            Self::Ssm => "ssm",
            Self::Tagging => "tagging",
        }
    }

    /// Its name in messages.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Iam => "IAM",
            Self::Sts => "STS",
            Self::Lambda => "Lambda",
            Self::ApiGateway => "API Gateway",
            Self::DynamoDb => "DynamoDB",
            Self::Logs => "CloudWatch Logs",
            Self::Ssm => "SSM",
            Self::Tagging => "the Resource Groups Tagging API",
        }
    }

    /// Its prefix in actions of policies.
    pub(crate) fn action_prefix(self) -> &'static str {
        match self {
            Self::Tagging => "tag",
            _ => self.name(),
        }
    }

    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Self::Iam | Self::Sts => Protocol::Query,
            Self::DynamoDb => Protocol::Json10,
            Self::Logs | Self::Ssm | Self::Tagging => Protocol::Json11,
            Self::Lambda | Self::ApiGateway => Protocol::RestJson,
        }
    }

    pub(crate) fn xml_namespace(self) -> &'static str {
        match self {
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            _ => "https://iam.amazonaws.com/doc/2010-05-08/",
        }
    }

    /// The code by which this service refuses: with `Exception` at its end, except under the query protocol.
    pub(crate) fn code(self, name: &str) -> String {
        match self.protocol() {
            Protocol::Query => name.to_owned(),
            _ => format!("{name}Exception"),
        }
    }
}

impl Protocol {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Query => "text/xml",
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::RestJson => "application/json",
        }
    }
}
