//! Function URLs: addresses at which functions answer HTTP requests (AWS: "Creating and managing Lambda function URLs").
//!
//! `config` is the control plane. A request goes from `target` (which URL it is for) through `gate` (whether it may pass)
//! and `event` (what the function gets) to the function, and back through `reply`.

mod access;
mod config;
mod cors;
mod event;
mod gate;
mod reply;
mod target;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::function::key;
use super::name::Named;
use crate::answer::Refusal;
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::{Record, Tx};

pub(super) use access::Sender;
pub(super) use config::{create, delete, get, list, update};
use cors::Cors;
pub(crate) use gate::answer;
pub(crate) use target::target;

/// The URL of a function or of an alias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FunctionUrl {
    /// The first label of its host name.
    id: String,
    function: String,
    /// The alias; empty for the function itself.
    qualifier: String,
    auth_type: String,
    cors: Option<Cors>,
    /// `None` until somebody has asked for one: `BUFFERED`.
    invoke_mode: Option<String>,
    made: Moment,
    modified: Moment,
}

impl Record for FunctionUrl {
    const KIND: &'static str = "lambda-url";

    fn key(&self) -> String {
        key(&self.function, &self.qualifier)
    }
}

impl FunctionUrl {
    fn streams(&self) -> bool {
        self.invoke_mode.as_deref() == Some("RESPONSE_STREAM")
    }
}

/// What an id leads to. It stays when the URL goes: AWS tells a former URL from one that never was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    id: String,
    function: String,
    qualifier: String,
}

impl Record for Address {
    const KIND: &'static str = "lambda-url-address";

    fn key(&self) -> String {
        self.id.clone()
    }
}

/// Removes the URL of an alias, or of the function itself if `qualifier` is empty.
pub(super) fn remove(tx: &Tx, place: &Place, name: &str, qualifier: &str) -> Result<bool, Refusal> {
    tx.remove::<FunctionUrl>(place, &key(name, qualifier))
}

/// Removes all URLs of a function.
pub(super) fn remove_all(tx: &Tx, place: &Place, name: &str) -> Result<(), Refusal> {
    for url in tx.list::<FunctionUrl>(place, &key(name, ""))? {
        remove(tx, place, name, &url.qualifier)?;
    }
    Ok(())
}

/// The auth type of the URL that a call names, if there is one.
pub(crate) fn auth_type(tx: &Tx, call: &Call) -> Result<Option<String>, Refusal> {
    let Ok(named) = Named::of(call) else {
        return Ok(None);
    };
    let qualifier = named.qualifier.as_deref().unwrap_or_default();
    let url = tx.get::<FunctionUrl>(&call.place, &key(&named.name, qualifier))?;
    Ok(url.map(|url| url.auth_type))
}

/// A URL as requests find it.
#[derive(Debug)]
struct Served {
    place: Place,
    /// `None` for a former one.
    url: Option<FunctionUrl>,
}

/// What requests need of URLs, read once and again after every change of functions.
#[derive(Debug, Default)]
pub(super) struct Urls(RwLock<HashMap<String, (u64, Arc<Served>)>>);

impl Urls {
    /// `None` for an id that was never given out.
    fn served(&self, cloud: &Cloud, id: &str) -> Result<Option<Arc<Served>>, Refusal> {
        let changes = cloud.environments.known.changes();
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((read_at, served)) = kept.get(id)
            && *read_at == changes
        {
            return Ok(Some(Arc::clone(served)));
        }
        drop(kept);
        let found = cloud.store.transact(|tx| {
            let Some((place, address)) = tx.find::<Address>(id)? else {
                return Ok(None);
            };
            let url = tx
                .get::<FunctionUrl>(&place, &key(&address.function, &address.qualifier))?
                .filter(|url| url.id == id);
            Ok(Some(Arc::new(Served { place, url })))
        })?;
        if let Some(served) = &found {
            let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
            kept.retain(|_, (read_at, _)| *read_at == changes);
            kept.insert(id.to_owned(), (changes, Arc::clone(served)));
        }
        Ok(found)
    }
}
