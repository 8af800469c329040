//! What authorizers answered, kept for as long as each of them says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::verdict::Verdict;
use crate::clock::Moment;

/// Of more than so many, those that are out of date go.
const LARGEST: usize = 10_000;

/// API, stage, authorizer, and the values that identify the caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) api: String,
    pub(super) stage: String,
    pub(super) authorizer: String,
    pub(super) identity: Vec<String>,
}

#[derive(Debug, Default)]
pub(in crate::apigateway) struct Cache(Mutex<HashMap<Key, (Moment, Arc<Verdict>)>>);

impl Cache {
    pub(super) fn get(&self, key: &Key, now: Moment) -> Option<Arc<Verdict>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key)
            .filter(|(until, _)| now < *until)
            .map(|(_, verdict)| verdict.clone())
    }

    pub(super) fn put(&self, key: Key, verdict: Arc<Verdict>, now: Moment, until: Moment) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= LARGEST {
            kept.retain(|_, (until, _)| now < *until);
        }
        if kept.len() >= LARGEST {
            kept.clear();
        }
        kept.insert(key, (until, verdict));
    }

    pub(super) fn flush(&self, api: &str, stage: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|key, _| key.api != api || key.stage != stage);
    }
}
