//! Whether a call may be made: the rights of whoever makes it, and AWS's words if they do not suffice.

use super::attached;
use super::document::{Document, Kind};
use super::evaluate::{Context, Decision, Policies};
use super::rights::{self, Need};
use super::role::Role;
use super::{inline, managed};
use crate::Enforcement;
use crate::answer::Refusal;
use crate::call::{Call, Caller};
use crate::clock;
use crate::cloud::{Cloud, Grant};
use crate::door;
use crate::place::Place;
use crate::service::Protocol;
use crate::store::{Record, Tx};

/// What a role may do at this moment.
pub(crate) struct Rights {
    pub(super) policies: Policies,
    context: Context,
}

impl Rights {
    /// Those of the role `name`, in a session of it if one is named. A role that is gone has none.
    pub(crate) fn of(
        cloud: &Cloud,
        tx: &Tx,
        place: &Place,
        name: &str,
        session: Option<&str>,
    ) -> Result<Self, Refusal> {
        let Some(role) = super::role(tx, place, name)? else {
            return Ok(Self {
                policies: Policies::default(),
                context: Context::default(),
            });
        };
        let policies = policies(cloud, tx, place, &role.key(), role.boundary.as_deref())?;
        let context = context(cloud, place, &role, session);
        Ok(Self { policies, context })
    }

    /// The same within what a session was opened with.
    fn within(mut self, grant: Option<&Grant>) -> Self {
        let Some(grant) = grant else {
            return self;
        };
        self.policies.session.clone_from(&grant.policies);
        for (key, value) in &grant.tags {
            let key = format!("aws:PrincipalTag/{key}");
            self.context = self.context.without(&key).with(&key, value.as_str());
        }
        if let Some(identity) = &grant.source_identity {
            self.context = self.context.with("aws:SourceIdentity", identity.as_str());
        }
        self
    }

    pub(crate) fn allow(&self, action: &str, resource: &str, context: &[(&str, &str)]) -> bool {
        let context = context
            .iter()
            .fold(self.context.clone(), |all, (key, value)| {
                all.with(key, *value)
            });
        self.policies.decide(action, &[resource], &context) == Decision::Allowed
    }

    fn decide(&self, need: &Need) -> Decision {
        let context = need
            .context
            .iter()
            .fold(self.context.clone(), |all, (key, value)| {
                all.with(key, value.as_str())
            });
        let resources: Vec<&str> = need.resources.iter().map(String::as_str).collect();
        self.policies.decide(&need.action, &resources, &context)
    }
}

/// The policies in force of the role, user or group with the key `holder`.
pub(super) fn policies(
    cloud: &Cloud,
    tx: &Tx,
    place: &Place,
    holder: &str,
    boundary: Option<&str>,
) -> Result<Policies, Refusal> {
    let lag = cloud.with_faults(|faults| faults.policy_propagation_ms);
    let now = cloud.now();
    let global = place.global();
    let mut policies = Policies::default();
    for policy in inline::of(tx, &global, holder)? {
        if let Some(text) = policy.in_force(now, lag) {
            policies.identity.push(Document::parse(text, Kind::Inline)?);
        }
    }
    for attachment in attached::of(tx, &global, holder)? {
        if attachment.since.saturating_add(lag) <= now {
            policies
                .identity
                .extend(managed::document(tx, &global, &attachment.arn)?);
        }
    }
    if let Some(arn) = boundary {
        let nothing = Document { statements: vec![] };
        let boundary = managed::document(tx, &global, arn)?;
        policies.boundary = Some(boundary.unwrap_or(nothing));
    }
    Ok(policies)
}

/// AWS: "AWS global condition context keys".
fn context(cloud: &Cloud, place: &Place, role: &Role, session: Option<&str>) -> Context {
    let now = cloud.now();
    let mut context = Context::default()
        .with("aws:PrincipalArn", role.arn.as_str())
        .with("aws:PrincipalAccount", place.account.as_str())
        .with("aws:PrincipalType", "AssumedRole")
        .with("aws:PrincipalIsAWSService", "false")
        .with("aws:ResourceAccount", place.account.as_str())
        .with("aws:CurrentTime", clock::iso(now))
        .with("aws:EpochTime", clock::seconds(now).to_string())
        .with("aws:SourceIp", "127.0.0.1")
        // As it would be: AWS's endpoints are reached by TLS.
        .with("aws:SecureTransport", "true");
    if !place.region.is_empty() {
        context = context.with("aws:RequestedRegion", place.region.as_str());
    }
    if let Some(session) = session {
        context = context.with("aws:userid", format!("{}:{session}", role.id));
    }
    for (key, value) in &role.tags {
        context = context.with(&format!("aws:PrincipalTag/{key}"), value.as_str());
    }
    context
}

/// Refuses a call that the policies of its role do not allow.
pub(crate) fn authorize(cloud: &Cloud, call: &Call) -> Result<(), Refusal> {
    let Some((name, session)) = checked(cloud, call) else {
        return Ok(());
    };
    let grant = cloud.grant(call);
    cloud.store.transact(|tx| {
        let needs = rights::needs(call, tx)?;
        let rights =
            Rights::of(cloud, tx, &call.place, name, Some(session))?.within(grant.as_ref());
        for need in needs {
            let decision = rights.decide(&need);
            if decision != Decision::Allowed {
                let resource = need.resources.first().map_or("*", String::as_str);
                return Err(refusal(call, &need.action, resource, decision));
            }
        }
        Ok(())
    })
}

/// What the identity policies of `caller` say of `action` on `resource`; those that are not checked allow everything.
pub(crate) fn decide(
    cloud: &Cloud,
    place: &Place,
    caller: &Caller,
    is_function: bool,
    action: &str,
    resource: &str,
    context: &[(&str, &str)],
) -> Result<Decision, Refusal> {
    let Some((name, session)) = counting(cloud, caller, is_function) else {
        return Ok(Decision::Allowed);
    };
    let rights = cloud
        .store
        .transact(|tx| Rights::of(cloud, tx, place, name, Some(session)))?;
    let need = Need {
        action: action.to_owned(),
        resources: vec![resource.to_owned()],
        context: context
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    };
    Ok(rights.decide(&need))
}

/// What AWS would answer to `action` on `resource`, a right that a part of the answer needs and the call does not.
pub(crate) fn may(
    cloud: &Cloud,
    tx: &Tx,
    call: &Call,
    action: &str,
    resource: &str,
) -> Result<Option<Refusal>, Refusal> {
    let Some((name, session)) = checked(cloud, call) else {
        return Ok(None);
    };
    let grant = cloud.grant(call);
    let rights = Rights::of(cloud, tx, &call.place, name, Some(session))?.within(grant.as_ref());
    let decision = rights.policies.decide(action, &[resource], &rights.context);
    Ok((decision != Decision::Allowed).then(|| refusal(call, action, resource, decision)))
}

/// The role and the session that a call is made by, if their rights count here.
fn checked<'a>(cloud: &Cloud, call: &'a Call) -> Option<(&'a str, &'a str)> {
    counting(cloud, &call.caller, call.is_function)
}

fn counting<'a>(
    cloud: &Cloud,
    caller: &'a Caller,
    is_function: bool,
) -> Option<(&'a str, &'a str)> {
    let Caller::Role { name, session } = caller else {
        return None;
    };
    let counts = match cloud.enforcement {
        Enforcement::Off => false,
        Enforcement::All => true,
        Enforcement::Functions => is_function,
    };
    counts.then_some((name, session))
}

/// AWS's words to a caller without the right.
pub(crate) fn denied(call: &Call, resource: &str) -> Refusal {
    let action = rights::action(call);
    refusal(call, &action, resource, Decision::NotAllowed)
}

fn refusal(call: &Call, action: &str, resource: &str, decision: Decision) -> Refusal {
    let code = match call.service.protocol() {
        Protocol::Query => "AccessDenied",
        _ => "AccessDeniedException",
    };
    let why = match decision {
        Decision::Denied => "with an explicit deny in an identity-based policy".to_owned(),
        Decision::DeniedByBoundary => "with an explicit deny in a permissions boundary".to_owned(),
        Decision::OutOfBounds => {
            format!("because no permissions boundary allows the {action} action")
        }
        Decision::DeniedBySession => "with an explicit deny in a session policy".to_owned(),
        Decision::OutOfSession => format!("because no session policy allows the {action} action"),
        Decision::NotAllowed | Decision::Allowed => {
            format!("because no identity-based policy allows the {action} action")
        }
    };
    let message = format!(
        "User: {} is not authorized to perform: {action} on resource: {resource} {why}",
        call.caller.arn(&call.place)
    );
    Refusal::new(door::client_status(call.service), code, message)
}
