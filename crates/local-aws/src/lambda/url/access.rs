//! Who may use a URL (AWS: "Control access to Lambda function URLs").
//!
//! Since October 2025, a request needs both `lambda:InvokeFunctionUrl` and `lambda:InvokeFunction`.

use http::request::Parts;

use super::super::known::Target;
use super::FunctionUrl;
use super::gate::Denied;
use crate::answer::Refusal;
use crate::call::Caller;
use crate::cloud::Cloud;
use crate::door::{self, Signer};
use crate::iam;
use crate::place::Place;
use crate::service::Service;
use crate::signature::Signature;

const ACTIONS: [&str; 2] = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"];

/// Who sent a signed request.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) access_key: String,
    pub(super) account: String,
    pub(super) arn: String,
    /// The role's id and the session's name, or the account.
    pub(super) id: String,
}

/// A request's sender, as the statements of a function's policy name them.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Sender<'a> {
    /// Whoever has not signed.
    Anyone,
    Aws {
        account: &'a str,
        /// All that name the sender exactly: the session and its role.
        arns: &'a [String],
    },
}

/// Refuses a request that may not reach the function; tells who sent one that has to be signed.
pub(super) fn check(
    cloud: &Cloud,
    place: &Place,
    url: &FunctionUrl,
    target: &Target,
    parts: &Parts,
    body: &bytes::Bytes,
) -> Result<Option<Identity>, Denied> {
    if url.auth_type == "NONE" {
        let allows = ACTIONS
            .iter()
            .all(|action| policy_allows(cloud, target, action, url, Sender::Anyone));
        return if allows {
            Ok(None)
        } else {
            Err(Denied::forbidden())
        };
    }
    let signature = Signature::of(&parts.headers).map_err(|_| Denied::forbidden())?;
    if signature.service != Service::Lambda.name() {
        return Err(Denied::signature(
            "Credential should be scoped to correct service: 'lambda'. ",
        ));
    }
    if signature.region != place.region {
        return Err(Denied::signature(
            "Credential should be scoped to a valid region. ",
        ));
    }
    let signer = door::signer(cloud, Service::Lambda, &signature, parts, body)
        .map_err(|refusal| Denied::from(&refusal))?;
    let identity = identity(cloud, &signer, &signature)?;
    if is_allowed(cloud, place, url, target, &signer, &identity)? {
        Ok(Some(identity))
    } else {
        Err(Denied::forbidden())
    }
}

/// Within an account, either side's policies suffice; across accounts, both have to allow it.
fn is_allowed(
    cloud: &Cloud,
    place: &Place,
    url: &FunctionUrl,
    target: &Target,
    signer: &Signer,
    identity: &Identity,
) -> Result<bool, Refusal> {
    let is_own = signer.place.account == place.account;
    let mut arns = vec![identity.arn.clone()];
    if let Caller::Role { name, .. } = &signer.caller {
        let role = cloud
            .store
            .transact(|tx| iam::role(tx, &signer.place, name))?;
        arns.extend(role.map(|role| role.arn));
    }
    let sender = Sender::Aws {
        account: &signer.place.account,
        arns: &arns,
    };
    for action in ACTIONS {
        let context = [
            ("lambda:FunctionUrlAuthType", url.auth_type.as_str()),
            ("lambda:InvokedViaFunctionUrl", "true"),
        ];
        let by_identity = iam::decide(
            cloud,
            &signer.place,
            &signer.caller,
            signer.is_function,
            action,
            &target.arn,
            &context,
        )?;
        let by_policy = policy_allows(cloud, target, action, url, sender);
        let allows = match by_identity {
            iam::Decision::Allowed => is_own || by_policy,
            iam::Decision::NotAllowed => is_own && by_policy,
            // Denied, or out of what limits the role.
            _ => false,
        };
        if !allows {
            return Ok(false);
        }
    }
    Ok(true)
}

fn policy_allows(
    cloud: &Cloud,
    target: &Target,
    action: &str,
    url: &FunctionUrl,
    sender: Sender,
) -> bool {
    let own_account = &target.key.0.account;
    target.statements.iter().any(|statement| {
        statement.allows_url(action, &url.auth_type, own_account, sender)
            && statement.is_effective(cloud)
    })
}

fn identity(cloud: &Cloud, signer: &Signer, signature: &Signature) -> Result<Identity, Refusal> {
    let id = match &signer.caller {
        Caller::Account => signer.place.account.clone(),
        Caller::Role { name, session } => {
            let role = cloud
                .store
                .transact(|tx| iam::role(tx, &signer.place, name))?;
            let id = role.map(|role| role.id).unwrap_or_default();
            format!("{id}:{session}")
        }
    };
    Ok(Identity {
        access_key: signature.access_key.clone(),
        account: signer.place.account.clone(),
        arn: signer.caller.arn(&signer.place),
        id,
    })
}
