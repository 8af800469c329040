//! A function's resource policy: who may invoke it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::alias::Alias;
use super::change;
use super::checks::{Checks, is_word};
use super::function::{self, key};
use super::layer_policy::is_organisation;
use super::name::{LATEST, Named};
use super::refusals::{conflict, invalid, not_found, nothing_there, stale};
use super::url::Sender;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::ids;
use crate::store::{Record, Tx};

/// AWS: "Function resource-based policy: 20 KB".
const LARGEST: usize = 20_480;

/// The policy of a function, or of one of its versions or aliases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Policy {
    function: String,
    /// Empty for the function itself.
    pub(super) qualifier: String,
    pub(super) statements: Vec<Statement>,
    /// New with every change of the policy, apart from the function's own (localstack,
    /// `test_lambda_permission_fn_versioning`, 25-11-2025).
    #[serde(default)]
    revision: String,
}

impl Record for Policy {
    const KIND: &'static str = "lambda-policy";

    fn key(&self) -> String {
        key(&self.function, &self.qualifier)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Statement {
    sid: String,
    action: String,
    principal: Principal,
    resource: String,
    source_arn: Option<String>,
    source_account: Option<String>,
    organisation: Option<String>,
    event_source_token: Option<String>,
    url_auth_type: Option<String>,
    via_url: Option<bool>,
    made: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Principal {
    Anyone,
    Service(String),
    Aws(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Add {
    statement_id: Option<String>,
    action: Option<String>,
    principal: Option<String>,
    source_arn: Option<String>,
    source_account: Option<String>,
    event_source_token: Option<String>,
    revision_id: Option<String>,
    #[serde(rename = "PrincipalOrgID")]
    principal_org_id: Option<String>,
    function_url_auth_type: Option<String>,
    invoked_via_function_url: Option<bool>,
}

impl Add {
    fn check(&self) -> Result<(), Refusal> {
        let mut checks = Checks::default();
        match &self.statement_id {
            None => checks.missing("statementId"),
            Some(sid) => {
                checks.length(sid, "statementId", 1, 100);
                checks.pattern(sid, "statementId", "([a-zA-Z0-9-_]+)", is_word(sid));
            }
        }
        match &self.action {
            None => checks.missing("action"),
            Some(action) => {
                let name = action.strip_prefix("lambda:").unwrap_or(action);
                let letters = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic());
                let fits = name == "*" || (name != action && letters);
                checks.pattern(action, "action", r"(lambda:[*]|lambda:[a-zA-Z]+|[*])", fits);
            }
        }
        match &self.principal {
            None => checks.missing("principal"),
            Some(principal) => {
                let fits = !principal.is_empty() && !principal.contains(char::is_whitespace);
                checks.pattern(principal, "principal", r"[^\s]+", fits);
            }
        }
        if let Some(arn) = &self.source_arn {
            let fits = arn.starts_with("arn:aws") && arn.splitn(6, ':').count() == 6;
            checks.pattern(
                arn,
                "sourceArn",
                r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)",
                fits,
            );
        }
        if let Some(account) = &self.source_account {
            checks.pattern(account, "sourceAccount", r"\d{12}", is_account(account));
        }
        if let Some(token) = &self.event_source_token {
            checks.length(token, "eventSourceToken", 0, 256);
            let fits = !token.is_empty()
                && token
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            checks.pattern(token, "eventSourceToken", r"[a-zA-Z0-9._\-]+", fits);
        }
        if let Some(id) = &self.principal_org_id {
            let fits = is_organisation(id);
            checks.pattern(id, "principalOrgID", "o-[a-z0-9]{10,32}", fits);
        }
        if let Some(kind) = &self.function_url_auth_type {
            checks.one_of(kind, "functionUrlAuthType", &["NONE", "AWS_IAM"]);
        }
        checks.finish()?;
        // Reported in RJPearson94/terraform-aws-open-next#73.
        if self.function_url_auth_type.is_some()
            && self.action.as_deref() != Some("lambda:InvokeFunctionUrl")
        {
            return Err(invalid(
                "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
            ));
        }
        Ok(())
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Principal {
    fn read(text: &str, call: &Call) -> Result<Self, Refusal> {
        let is_service = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        };
        if text == "*" {
            Ok(Self::Anyone)
        } else if is_account(text) {
            let partition = call.place.partition();
            Ok(Self::Aws(format!("arn:{partition}:iam::{text}:root")))
        } else if text.starts_with("arn:aws") && text.splitn(6, ':').count() == 6 {
            Ok(Self::Aws(text.to_owned()))
        } else if text
            .strip_suffix(".cn")
            .unwrap_or(text)
            .strip_suffix(".amazonaws.com")
            .is_some_and(is_service)
        {
            Ok(Self::Service(text.to_owned()))
        } else {
            Err(invalid(
                "The provided principal was invalid. Please check the principal and try again.",
            ))
        }
    }
}

impl Statement {
    fn document(&self) -> Value {
        let mut out = json!({
            "Sid": self.sid,
            "Effect": "Allow",
            "Principal": match &self.principal {
                Principal::Anyone => json!("*"),
                Principal::Service(name) => json!({ "Service": name }),
                Principal::Aws(arn) => json!({ "AWS": arn }),
            },
            "Action": self.action,
            "Resource": self.resource,
        });
        let equal = [
            ("AWS:SourceAccount", &self.source_account),
            ("lambda:FunctionUrlAuthType", &self.url_auth_type),
            ("aws:PrincipalOrgID", &self.organisation),
            ("lambda:EventSourceToken", &self.event_source_token),
        ];
        let equal: Map<String, Value> = equal
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))))
            .collect();
        let mut condition = Map::new();
        if !equal.is_empty() {
            condition.insert("StringEquals".to_owned(), Value::Object(equal));
        }
        if let Some(arn) = &self.source_arn {
            let like = json!({ "AWS:SourceArn": arn });
            condition.insert("ArnLike".to_owned(), like);
        }
        if let Some(via) = self.via_url {
            let bool = json!({ "lambda:InvokedViaFunctionUrl": via.to_string() });
            condition.insert("Bool".to_owned(), bool);
        }
        if !condition.is_empty() {
            out["Condition"] = Value::Object(condition);
        }
        out
    }

    /// Returns true if it lets the service `principal` invoke the function on behalf of `source_arn`.
    pub(super) fn allows(&self, principal: &str, source_arn: &str) -> bool {
        let is_invoke = ["*", "lambda:*", "lambda:InvokeFunction"]
            .iter()
            .any(|action| action.eq_ignore_ascii_case(&self.action));
        let is_principal = match &self.principal {
            Principal::Anyone => true,
            Principal::Service(name) => name == principal,
            Principal::Aws(_) => false,
        };
        let account = source_arn.split(':').nth(4).unwrap_or_default();
        is_invoke
            && is_principal
            && self
                .source_arn
                .as_ref()
                .is_none_or(|pattern| arn_like(pattern, source_arn))
            && self.source_account.as_ref().is_none_or(|it| it == account)
            // A service brings none of these.
            && self.organisation.is_none()
            && self.event_source_token.is_none()
            && self.url_auth_type.is_none()
            && self.via_url != Some(true)
    }

    /// Returns true if it lets `sender` do `action` through a URL of this auth type; `account` is the function's.
    pub(super) fn allows_url(
        &self,
        action: &str,
        auth_type: &str,
        account: &str,
        sender: Sender,
    ) -> bool {
        let is_action = ["*", "lambda:*", action]
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(&self.action));
        let is_sender = match (&self.principal, sender) {
            (Principal::Anyone, _) => true,
            (Principal::Aws(arn), Sender::Aws { account: of, arns }) => {
                // A whole account is let in from outside only: within its own, its policies decide.
                let is_root = arn.ends_with(":root") && arn.split(':').nth(4) == Some(of);
                arns.contains(arn) || (is_root && of != account)
            }
            (Principal::Aws(_), Sender::Anyone) | (Principal::Service(_), _) => false,
        };
        is_action
            && is_sender
            && self.url_auth_type.as_ref().is_none_or(|it| it == auth_type)
            && self.via_url != Some(false)
            // Services bring the first two, and nobody the others.
            && self.source_account.is_none()
            && self.source_arn.is_none()
            && self.organisation.is_none()
            && self.event_source_token.is_none()
    }

    /// Returns true if a change of the policy has reached those who ask.
    pub(super) fn is_effective(&self, cloud: &Cloud) -> bool {
        let lag = cloud.with_faults(|faults| faults.permission_propagation_ms);
        self.made.saturating_add(lag) <= cloud.now()
    }
}

/// `*` and `?` within each of the six parts of an ARN (IAM: "Amazon Resource Name (ARN) condition operators").
fn arn_like(pattern: &str, arn: &str) -> bool {
    let pattern: Vec<&str> = pattern.splitn(6, ':').collect();
    let arn: Vec<&str> = arn.splitn(6, ':').collect();
    pattern.len() == arn.len()
        && pattern
            .iter()
            .zip(&arn)
            .all(|(pattern, part)| like(pattern.as_bytes(), part.as_bytes()))
}

/// In the time of pattern times text at most, whatever the pattern.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut of) = (0, 0);
    let mut star = None;
    while at < text.len() {
        match pattern.get(of) {
            Some(b'*') => {
                star = Some((of, at));
                of += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[at] => {
                of += 1;
                at += 1;
            }
            _ => match &mut star {
                Some((after, from)) => {
                    *from += 1;
                    at = *from;
                    of = *after + 1;
                }
                None => return false,
            },
        }
    }
    pattern[of..].iter().all(|byte| *byte == b'*')
}

impl Policy {
    fn document(&self) -> String {
        let statements: Vec<Value> = self.statements.iter().map(Statement::document).collect();
        json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements }).to_string()
    }
}

fn qualifier(named: &Named) -> Result<&str, Refusal> {
    match named.qualifier.as_deref() {
        Some(LATEST) => Err(invalid(
            "We currently do not support adding policies for $LATEST.",
        )),
        qualifier => Ok(qualifier.unwrap_or_default()),
    }
}

/// The revision that a caller may name: the policy's, or that of what has none yet.
fn check_revision(
    cloud: &Cloud,
    tx: &Tx,
    call: &Call,
    named: &Named,
    policy: Option<&Policy>,
    asked: Option<&str>,
) -> Result<(), Refusal> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Ok(());
    };
    if policy.is_some_and(|policy| policy.revision == asked) {
        return Ok(());
    }
    let function = function::resolve(cloud, tx, &call.place, named)?;
    let alias = tx.get::<Alias>(&call.place, &key(&named.name, named.version()))?;
    let own = match &alias {
        Some(alias) => alias.revision.as_str(),
        None => function.revision(cloud.now()),
    };
    if policy.is_none() && own == asked {
        return Ok(());
    }
    Err(stale("GetPolicy"))
}

pub(super) fn add(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let input: Add = call.input()?;
    input.check()?;
    let qualifier = qualifier(&named)?;
    let statement = Statement {
        principal: Principal::read(input.principal.as_deref().unwrap_or_default(), call)?,
        sid: input.statement_id.unwrap_or_default(),
        action: input.action.unwrap_or_default(),
        resource: named.arn(&call.place),
        source_arn: input.source_arn,
        source_account: input.source_account,
        organisation: input.principal_org_id,
        event_source_token: input.event_source_token,
        url_auth_type: input.function_url_auth_type,
        via_url: input.invoked_via_function_url,
        made: cloud.now(),
    };
    let document = statement.document().to_string();
    change(cloud, |tx| {
        // The version or alias has to be there.
        function::to_change(cloud, tx, &call.place, &named)?;
        function::resolve_alias(cloud, tx, &call.place, &named)?;
        let found = tx.get::<Policy>(&call.place, &key(&named.name, qualifier))?;
        let asked = input.revision_id.as_deref();
        check_revision(cloud, tx, call, &named, found.as_ref(), asked)?;
        let mut policy = found.unwrap_or_else(|| Policy {
            function: named.name.clone(),
            qualifier: qualifier.to_owned(),
            statements: Vec::new(),
            revision: String::new(),
        });
        if policy.statements.iter().any(|it| it.sid == statement.sid) {
            return Err(conflict(format!(
                "The statement id ({}) provided already exists. Please provide a new statement id, or remove the \
                 existing statement.",
                statement.sid
            )));
        }
        policy.statements.push(statement);
        let size = policy.document().len();
        if size > LARGEST {
            return Err(Refusal::new(
                400,
                "PolicyLengthExceededException",
                format!("The final policy size ({size}) is bigger than the limit ({LARGEST})."),
            ));
        }
        policy.revision = ids::uuid();
        tx.put(&call.place, &policy)
    })?;
    Ok(Answer::json(201, json!({ "Statement": document })))
}

pub(super) fn remove(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let qualifier = qualifier(&named)?;
    let sid = call.label("StatementId");
    change(cloud, |tx| {
        if function::latest(cloud, tx, &call.place, &named.name)?.is_none() {
            let arn = named.arn(&call.place);
            return Err(not_found(format!("No policy found for: {arn}")));
        }
        function::resolve_alias(cloud, tx, &call.place, &named)?;
        let policy = tx.get::<Policy>(&call.place, &key(&named.name, qualifier))?;
        let Some(mut policy) = policy else {
            return Err(not_found(
                "No policy is associated with the given resource.",
            ));
        };
        let Some(at) = policy.statements.iter().position(|it| it.sid == sid) else {
            let message = format!("Statement {sid} is not found in resource policy.");
            return Err(not_found(message));
        };
        let asked = call.parameter("RevisionId");
        check_revision(cloud, tx, call, &named, Some(&policy), asked)?;
        policy.statements.remove(at);
        policy.revision = ids::uuid();
        if policy.statements.is_empty() {
            tx.remove::<Policy>(&call.place, &policy.key())?;
        } else {
            tx.put(&call.place, &policy)?;
        }
        Ok(())
    })?;
    Ok(Answer::empty(204))
}

/// Of what is not there, as of what has no policy, AWS says the same.
pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let named = Named::of(call)?;
    let policy = cloud.store.transact(|tx| {
        match function::read(cloud, tx, &call.place, &named) {
            Err(refusal) if refusal.status == 404 => return Err(nothing_there()),
            outcome => outcome?,
        };
        let qualifier = named.qualifier.as_deref().filter(|name| *name != LATEST);
        let key = key(&named.name, qualifier.unwrap_or_default());
        tx.get::<Policy>(&call.place, &key)?
            .ok_or_else(nothing_there)
    })?;
    Ok(Answer::ok(
        json!({ "Policy": policy.document(), "RevisionId": policy.revision }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement {
            sid: "s".into(),
            action: "lambda:InvokeFunction".into(),
            principal: Principal::Service("apigateway.amazonaws.com".into()),
            resource: "arn:aws:lambda:eu-west-1:000000000000:function:f".into(),
            source_arn: Some(
                "arn:aws:execute-api:eu-west-1:000000000000:abc/*/POST/DynamoDBManager".into(),
            ),
            source_account: None,
            organisation: None,
            event_source_token: None,
            url_auth_type: None,
            via_url: None,
            made: 0,
        }
    }

    #[test]
    fn a_document_has_awss_form() {
        assert_eq!(
            statement().document().to_string(),
            "{\"Sid\":\"s\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"apigateway.amazonaws.com\"},\
             \"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:eu-west-1:000000000000:function:f\",\
             \"Condition\":{\"ArnLike\":{\"AWS:SourceArn\":\
             \"arn:aws:execute-api:eu-west-1:000000000000:abc/*/POST/DynamoDBManager\"}}}"
        );
    }

    #[test]
    fn only_the_source_that_it_names_is_let_in() {
        let from = |api: &str, account: &str| {
            let arn =
                format!("arn:aws:execute-api:eu-west-1:{account}:{api}/Prod/POST/DynamoDBManager");
            statement().allows("apigateway.amazonaws.com", &arn)
        };
        assert!(from("abc", "000000000000"));
        assert!(!from("abd", "000000000000"));
        assert!(!from("abc", "111111111111"));
        let arn = "arn:aws:execute-api:eu-west-1:000000000000:abc/Prod/POST/DynamoDBManager";
        assert!(!statement().allows("events.amazonaws.com", arn));
        let other = Statement {
            source_account: Some("111111111111".into()),
            ..statement()
        };
        assert!(!other.allows("apigateway.amazonaws.com", arn));
    }

    #[test]
    fn wildcards_stay_within_their_part() {
        assert!(arn_like("arn:aws:x:*:0:a/*/c", "arn:aws:x:eu:0:a/b/b/c"));
        assert!(arn_like("arn:aws:x:eu:0:*", "arn:aws:x:eu:0:a:b"));
        assert!(arn_like("arn:aws:x:eu:0:a?c", "arn:aws:x:eu:0:abc"));
        assert!(!arn_like("arn:aws:x:*:a", "arn:aws:x:eu:0:a"));
        assert!(!arn_like("arn:aws:x:eu:0:a", "arn:aws:x:eu:0:ab"));
    }
}
