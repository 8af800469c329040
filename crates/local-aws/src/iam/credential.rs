//! Service-specific credentials of users: kept and shown; the services that take them are not here.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::user::{self, User};
use super::{Work, input, role};
use crate::answer::Refusal;
use crate::clock::{self, Moment};
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

/// AWS: "Service-specific credentials for IAM users".
const SERVICES: [&str; 3] = [
    "bedrock.amazonaws.com",
    "cassandra.amazonaws.com",
    "codecommit.amazonaws.com",
];

/// Of one user, for each service.
const MOST: usize = 2;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Credential {
    /// The unique id of the user.
    user: String,
    id: String,
    service: String,
    service_user: String,
    password: String,
    is_active: bool,
    created: Moment,
}

impl Record for Credential {
    const KIND: &'static str = "iam-service-credential";

    fn key(&self) -> String {
        key(&self.user, &self.id)
    }
}

fn key(user: &str, id: &str) -> String {
    format!("{user}/{id}")
}

/// Those of `user`.
pub(super) fn of(tx: &Tx, place: &Place, user: &User) -> Result<Vec<Credential>, Refusal> {
    tx.list(place, &key(&user.id, ""))
}

fn check_service(name: &str) -> Result<(), Refusal> {
    if SERVICES.contains(&name) {
        return Ok(());
    }
    Err(role::no_such_entity(format!(
        "No such service {name} is supported for Service Specific Credentials"
    )))
}

pub(super) fn create(work: &Work) -> Result<Value, Refusal> {
    input::refuse(work.call, &["CredentialAgeDays"])?;
    let user = user::named(work)?;
    let service = input::required(work.call, "ServiceName")?;
    check_service(service)?;
    let all = of(work.tx, &work.place, &user)?;
    let same = all.iter().filter(|one| one.service == service).count();
    if same >= MOST {
        return Err(role::limit_exceeded(format!(
            "Cannot exceed quota for ServiceSpecificCredentialsPerUser: {MOST}"
        )));
    }
    let number = if same == 0 {
        String::new()
    } else {
        format!("+{same}")
    };
    let credential = Credential {
        user: user.id.clone(),
        id: format!("ACCA{}", ids::upper(17)),
        service: service.to_owned(),
        service_user: format!("{}{number}-at-{}", user.name, work.place.account),
        password: format!("{}=", ids::mixed(43)),
        is_active: true,
        created: work.cloud.now(),
    };
    work.tx.put(&work.place, &credential)?;
    Ok(json!({ "ServiceSpecificCredential": whole(&user, &credential) }))
}

pub(super) fn list(work: &Work) -> Result<Value, Refusal> {
    input::refuse(work.call, &["AllUsers"])?;
    let service = work.call.parameter("ServiceName");
    let user = user::told(work)?;
    if let Some(service) = service {
        check_service(service)?;
    }
    let shown = of(work.tx, &work.place, &user)?
        .into_iter()
        .filter(|one| service.is_none_or(|service| one.service == service))
        .map(|one| (one.id.clone(), brief(&user, &one)))
        .collect();
    input::page(work.call, "ServiceSpecificCredentials", shown)
}

/// The user and the credential that the call names.
fn named(work: &Work) -> Result<(User, Credential), Refusal> {
    let id = input::required(work.call, "ServiceSpecificCredentialId")?;
    input::check_length(id, "ServiceSpecificCredentialId", 20, 128)?;
    if !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(input::broken(
            "ServiceSpecificCredentialId",
            r"Member must satisfy regular expression pattern: [\w]+",
        ));
    }
    let user = user::told(work)?;
    let credential = work
        .tx
        .get(&work.place, &key(&user.id, id))?
        .ok_or_else(|| role::no_such_entity(format!("No such credential {id} exists")))?;
    Ok((user, credential))
}

pub(super) fn update(work: &Work) -> Result<Value, Refusal> {
    let status = input::required(work.call, "Status")?;
    input::one_of(status, "Status", &["Active", "Inactive", "Expired"])?;
    let (_, mut credential) = named(work)?;
    credential.is_active = status == "Active";
    work.tx.put(&work.place, &credential)?;
    Ok(Value::Null)
}

pub(super) fn reset(work: &Work) -> Result<Value, Refusal> {
    let (user, mut credential) = named(work)?;
    credential.password = format!("{}=", ids::mixed(43));
    work.tx.put(&work.place, &credential)?;
    Ok(json!({ "ServiceSpecificCredential": whole(&user, &credential) }))
}

pub(super) fn delete(work: &Work) -> Result<Value, Refusal> {
    let (_, credential) = named(work)?;
    work.tx
        .remove::<Credential>(&work.place, &credential.key())?;
    Ok(Value::Null)
}

fn brief(user: &User, credential: &Credential) -> Value {
    let status = if credential.is_active {
        "Active"
    } else {
        "Inactive"
    };
    json!({
        "UserName": user.name,
        "Status": status,
        "ServiceUserName": credential.service_user,
        "CreateDate": clock::iso(credential.created),
        "ServiceSpecificCredentialId": credential.id,
        "ServiceName": credential.service,
    })
}

/// With the password, which is shown when it is made and not again.
fn whole(user: &User, credential: &Credential) -> Value {
    let mut shown = brief(user, credential);
    shown["ServicePassword"] = credential.password.as_str().into();
    shown
}
