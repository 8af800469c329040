//! A stage's deployment as a definition.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::document::Version;
use super::export_method::{self, Form};
use super::{joined, schema, yaml};
use crate::answer::{Answer, Refusal};
use crate::apigateway::authorizer::Authorizer;
use crate::apigateway::deployment::{self, Snapshot};
use crate::apigateway::refusal::{bad_request, no_deployment, no_stage};
use crate::apigateway::rest_api::{self, RestApi};
use crate::apigateway::stage::Stage;
use crate::call::Call;
use crate::clock;
use crate::cloud::Cloud;

/// A version may have any text; a file's name may not.
const UNSAFE: &AsciiSet = &CONTROLS.add(b'"').add(b'\\').add(b'/');

/// What is in an export beside the methods' own form.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extensions {
    pub(super) integrations: bool,
    pub(super) authorizers: bool,
    /// What is said of the API as a whole.
    pub(super) api: bool,
}

impl Extensions {
    fn of(call: &Call) -> Result<Self, Refusal> {
        let mut extensions = Self::default();
        let named = call
            .parameters("extensions")
            .flat_map(|names| names.split(','))
            .map(str::trim)
            .filter(|name| !name.is_empty());
        for name in named {
            match name {
                "integrations" => extensions.integrations = true,
                "authorizers" => extensions.authorizers = true,
                "apigateway" => {
                    extensions = Self {
                        integrations: true,
                        authorizers: true,
                        api: true,
                    }
                }
                name => {
                    return Err(bad_request(format!(
                        "The local AWS does not support the extension '{name}' of exports"
                    )));
                }
            }
        }
        Ok(extensions)
    }
}

pub(in crate::apigateway) fn export(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let kind = call.label("export_type");
    let version = match kind {
        "swagger" => Version::Swagger2,
        "oas30" => Version::OpenApi3,
        _ => return Err(bad_request(format!("No API exporter for type '{kind}'"))),
    };
    let extensions = Extensions::of(call)?;
    let accepted = call
        .headers
        .get("accept")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_yaml = accepted.to_ascii_lowercase().contains("yaml");
    let (api, stage, snapshot) = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        let key = format!("{}/{}", api.id, call.label("stage_name"));
        let stage: Stage = tx.get(&call.place, &key)?.ok_or_else(no_stage)?;
        let deployment = deployment::named(tx, call, &api.id, &stage.deployment_id)?
            .ok_or_else(no_deployment)?;
        Ok((api, stage, deployment.snapshot))
    })?;
    let export = Export {
        call,
        api: &api,
        stage: &stage.name,
        snapshot: &snapshot,
        form: Form {
            version,
            extensions,
        },
    };
    let definition = export.definition()?;
    let text = if is_yaml {
        yaml::write(&definition)
    } else {
        serde_json::to_string_pretty(&definition).unwrap_or_default()
    };
    let file = format!(
        "attachment; filename=\"{kind}_{}.{}\"",
        utf8_percent_encode(&api.stated_version(), UNSAFE),
        if is_yaml { "yaml" } else { "json" }
    );
    Ok(Answer::bytes(200, text)
        .with_header("content-type", "application/octet-stream")
        .with_header("content-disposition", file))
}

impl RestApi {
    /// Its version, or the time of its creation.
    fn stated_version(&self) -> String {
        self.version
            .clone()
            .unwrap_or_else(|| clock::iso(self.created_date))
    }
}

struct Export<'a> {
    call: &'a Call,
    api: &'a RestApi,
    stage: &'a str,
    snapshot: &'a Snapshot,
    form: Form,
}

impl Export<'_> {
    fn definition(&self) -> Result<Value, Refusal> {
        let mut out = Map::new();
        let host = format!(
            "{}.execute-api.{}.amazonaws.com",
            self.api.id, self.call.place.region
        );
        let mut info = Map::new();
        if let Some(description) = &self.api.description {
            info.insert("description".to_owned(), description.as_str().into());
        }
        info.insert("version".to_owned(), self.api.stated_version().into());
        info.insert("title".to_owned(), self.api.name.as_str().into());
        let mut components = Map::new();
        let schemas = self.schemas();
        let schemes = self.schemes();
        match self.form.version {
            Version::Swagger2 => {
                out.insert("swagger".to_owned(), "2.0".into());
                out.insert("info".to_owned(), info.into());
                out.insert("host".to_owned(), host.into());
                out.insert("basePath".to_owned(), format!("/{}", self.stage).into());
                out.insert("schemes".to_owned(), json!(["https"]));
                out.insert("paths".to_owned(), self.paths()?.into());
                if !schemes.is_empty() {
                    out.insert("securityDefinitions".to_owned(), schemes.into());
                }
                if !schemas.is_empty() {
                    out.insert("definitions".to_owned(), schemas.into());
                }
            }
            Version::OpenApi3 => {
                out.insert("openapi".to_owned(), "3.0.1".into());
                out.insert("info".to_owned(), info.into());
                let server = json!({
                    "url": format!("https://{host}/{{basePath}}"),
                    "variables": { "basePath": { "default": self.stage } },
                });
                out.insert("servers".to_owned(), json!([server]));
                out.insert("paths".to_owned(), self.paths()?.into());
                if !schemas.is_empty() {
                    components.insert("schemas".to_owned(), schemas.into());
                }
                if !schemes.is_empty() {
                    components.insert("securitySchemes".to_owned(), schemes.into());
                }
                out.insert("components".to_owned(), components.into());
            }
        }
        if self.form.extensions.api {
            self.about(&mut out)?;
        }
        Ok(out.into())
    }

    fn paths(&self) -> Result<Map<String, Value>, Refusal> {
        let tree = &self.snapshot.tree;
        let mut resources: Vec<_> = tree
            .resources
            .values()
            .filter(|resource| !resource.methods.is_empty())
            .collect();
        resources.sort_by(|a, b| a.path.cmp(&b.path));
        let mut paths = Map::new();
        for resource in resources {
            let mut item = Map::new();
            for (verb, method) in &resource.methods {
                let name = if verb == "ANY" {
                    "x-amazon-apigateway-any-method".to_owned()
                } else {
                    verb.to_lowercase()
                };
                let authorizer = method.authorizer_id.as_ref().and_then(|id| {
                    let mut all = self.snapshot.authorizers.iter();
                    all.find(|authorizer| authorizer.id == *id)
                });
                let record = method.shown()?;
                let operation = export_method::operation(
                    &self.form,
                    &record,
                    authorizer.map(|authorizer| authorizer.name.as_str()),
                    &resource.id,
                    &tree.validators,
                );
                item.insert(name, operation);
            }
            paths.insert(resource.path.clone(), item.into());
        }
        Ok(paths)
    }

    fn schemas(&self) -> Map<String, Value> {
        let models = &self.snapshot.tree.models;
        let mut used = std::collections::BTreeSet::new();
        let methods = self
            .snapshot
            .tree
            .resources
            .values()
            .flat_map(|resource| resource.methods.values());
        for method in methods {
            used.extend(method.request_models.iter().flat_map(|it| it.values()));
            for response in method.responses.values() {
                used.extend(response.response_models.iter().flat_map(|it| it.values()));
            }
        }
        models
            .iter()
            // The models that every API has are only in an export that needs them.
            .filter(|(name, _)| !["Empty", "Error"].contains(&name.as_str()) || used.contains(name))
            .filter_map(|(name, model)| {
                let to = self.form.schemas();
                Some((name.clone(), schema::exported(&model.parsed()?, to)))
            })
            .collect()
    }

    /// The security schemes that methods use, and with their extension all authorizers.
    fn schemes(&self) -> Map<String, Value> {
        let mut schemes = Map::new();
        let methods = self
            .snapshot
            .tree
            .resources
            .values()
            .flat_map(|resource| resource.methods.values());
        let mut used = Vec::new();
        for method in methods {
            if method.api_key_required {
                let scheme = json!({ "type": "apiKey", "name": "x-api-key", "in": "header" });
                schemes.insert("api_key".to_owned(), scheme);
            }
            if method.authorization_type == "AWS_IAM" {
                let scheme = json!({
                    "type": "apiKey", "name": "Authorization", "in": "header",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                });
                schemes.insert("sigv4".to_owned(), scheme);
            }
            used.extend(&method.authorizer_id);
        }
        for authorizer in &self.snapshot.authorizers {
            if used.contains(&&authorizer.id) || self.form.extensions.authorizers {
                schemes.insert(authorizer.name.clone(), self.scheme(authorizer));
            }
        }
        schemes
    }

    fn scheme(&self, authorizer: &Authorizer) -> Value {
        // A scheme has one header; what identifies a request may be elsewhere.
        let header = authorizer
            .identity_sources()
            .find_map(|source| source.strip_prefix("method.request.header."))
            .unwrap_or("Unused");
        let mut scheme = json!({
            "type": "apiKey",
            "name": header,
            "in": "header",
            "x-amazon-apigateway-authtype": authorizer.auth_type,
        });
        if self.form.extensions.authorizers {
            let mut extension = Map::new();
            for (name, value) in [
                ("type", json!(authorizer.kind.to_lowercase())),
                ("authorizerUri", json!(authorizer.uri)),
                ("authorizerCredentials", json!(authorizer.credentials)),
                ("authorizerResultTtlInSeconds", json!(authorizer.result_ttl)),
                (
                    "identityValidationExpression",
                    json!(authorizer.identity_validation_expression),
                ),
                (
                    "identitySource",
                    json!(
                        authorizer
                            .identity_source
                            .as_ref()
                            .filter(|_| authorizer.kind == "REQUEST")
                    ),
                ),
            ] {
                if !value.is_null() {
                    extension.insert(name.to_owned(), value);
                }
            }
            scheme["x-amazon-apigateway-authorizer"] = extension.into();
        }
        scheme
    }

    fn about(&self, out: &mut Map<String, Value>) -> Result<(), Refusal> {
        let tree = &self.snapshot.tree;
        let mut extend = |name: &str, value: Value| {
            out.insert(format!("x-amazon-apigateway-{name}"), value);
        };
        let responses = joined::exported_responses(tree)?;
        if !responses.is_empty() {
            extend("gateway-responses", responses.into());
        }
        let validators = joined::exported_validators(tree);
        if !validators.is_empty() {
            extend("request-validators", validators.into());
        }
        if let Some(policy) = &self.snapshot.policy
            && let Ok(policy) = serde_json::from_str(policy)
        {
            extend("policy", policy);
        }
        if !self.snapshot.binary_media_types.is_empty() {
            extend(
                "binary-media-types",
                json!(self.snapshot.binary_media_types),
            );
        }
        if let Some(size) = self.api.minimum_compression_size {
            extend("minimum-compression-size", size.into());
        }
        if self.snapshot.key_source != "HEADER" {
            extend("api-key-source", self.snapshot.key_source.as_str().into());
        }
        Ok(())
    }
}
