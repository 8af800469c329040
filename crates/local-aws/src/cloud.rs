//! What all services share.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use tokio::sync::Notify;

use crate::apigateway::Gateway;
use crate::call::{Call, Caller};
use crate::clock::{Clock, Moment};
use crate::cors::Cors;
use crate::dynamodb::Databases;
use crate::faults::Faults;
use crate::iam::Document;
use crate::lambda::Environments;
use crate::place::Place;
use crate::quotas::Quotas;
use crate::store::Store;
use crate::tagging::Index;
use crate::{Enforcement, Options, RequestLog, signature};

/// One AWS.
pub(crate) struct Cloud {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// Where files are kept; `None` in memory.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) enforcement: Enforcement,
    pub(crate) quotas: Quotas,
    pub(crate) databases: Databases,
    pub(crate) environments: Environments,
    pub(crate) gateway: Gateway,
    pub(crate) tag_index: Index,
    /// Whoever serves is to stop.
    pub(crate) stop: Notify,
    /// Where it can be reached, once it listens; for the environment of functions.
    pub(crate) endpoint: OnceLock<String>,
    pub(crate) request_log: Option<RequestLog>,
    pub(crate) cors: Cors,
    /// What an earlier process has left goes on with the first request.
    pub(crate) resumed: Once,
    faults: Mutex<Faults>,
    sessions: Mutex<HashMap<String, Session>>,
}

/// Temporary credentials that were given out.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) place: Place,
    pub(crate) caller: Caller,
    /// True if Lambda gave them to a function.
    pub(crate) is_function: bool,
    pub(crate) access_key: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) expires: Moment,
    pub(crate) grant: Grant,
}

/// The settings that a session was opened with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grant {
    /// Of which one has to allow what is done; empty if nothing limits the session.
    pub(crate) policies: Vec<Document>,
    pub(crate) tags: BTreeMap<String, String>,
    /// The keys of tags that sessions opened by this one inherit.
    pub(crate) transitive: BTreeSet<String>,
    pub(crate) source_identity: Option<String>,
}

impl Cloud {
    pub(crate) fn new(options: Options, store: Store) -> Self {
        Self {
            store,
            clock: options.clock,
            folder: options.folder.clone(),
            enforcement: options.enforcement,
            quotas: Quotas::default(),
            databases: Databases::new(options.folder),
            environments: Environments::new(options.runner),
            gateway: Gateway::default(),
            tag_index: Index::default(),
            stop: Notify::new(),
            endpoint: OnceLock::new(),
            request_log: options.request_log,
            cors: Cors::default(),
            resumed: Once::new(),
            faults: Mutex::new(options.faults),
            sessions: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// As they are now.
    pub(crate) fn faults(&self) -> Faults {
        self.with_faults(|faults| faults.clone())
    }

    pub(crate) fn with_faults<T>(&self, work: impl FnOnce(&mut Faults) -> T) -> T {
        work(&mut self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns true if what was made at `made` can be read yet.
    pub(crate) fn is_visible(&self, made: Moment) -> bool {
        let lag = self.with_faults(|faults| faults.visibility_ms);
        made.saturating_add(lag) <= self.now()
    }

    /// New credentials for a role, valid for `seconds`.
    pub(crate) fn open_session(
        &self,
        place: &Place,
        role: &str,
        session: &str,
        is_function: bool,
        seconds: u64,
    ) -> Session {
        let caller = Caller::Role {
            name: role.to_owned(),
            session: session.to_owned(),
        };
        self.open(place, caller, is_function, seconds, Grant::default())
    }

    /// New credentials for `caller`, valid for `seconds`.
    pub(crate) fn open(
        &self,
        place: &Place,
        caller: Caller,
        is_function: bool,
        seconds: u64,
        grant: Grant,
    ) -> Session {
        let session = Session {
            place: place.clone(),
            caller,
            is_function,
            grant,
            access_key: format!("ASIA{}", crate::ids::upper(16)),
            secret: crate::ids::mixed(40),
            token: crate::ids::mixed(200),
            expires: self.now() + seconds * 1000,
        };
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(session.access_key.clone(), session.clone());
        session
    }

    pub(crate) fn session(&self, access_key: &str) -> Option<Session> {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(access_key)
            .cloned()
    }

    /// What the session that signed `call` was opened with.
    pub(crate) fn grant(&self, call: &Call) -> Option<Grant> {
        let access_key = signature::access_key(call)?;
        self.session(&access_key).map(|session| session.grant)
    }

    pub(crate) fn close_session(&self, access_key: &str) {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(access_key);
    }
}
