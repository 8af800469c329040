//! One of a local AWS's accounts, from outside.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::LocalAws;

/// The number of the first fresh account of a process.
const FIRST: u64 = 200_000_000_000;

/// An account. It needs no making: whoever signs with its number as the access key is in it.
#[derive(Clone)]
pub struct Account {
    aws: LocalAws,
    /// Of the listener.
    url: Option<String>,
    id: String,
    region: String,
}

impl Account {
    pub(crate) fn fresh(aws: LocalAws, url: Option<String>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(FIRST);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self::of(aws, url, &id.to_string())
    }

    pub(crate) fn of(aws: LocalAws, url: Option<String>, id: &str) -> Self {
        let is_number = id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
        assert!(is_number, "an account's number has twelve digits: {id}");
        Self {
            aws,
            url,
            id: id.to_owned(),
            region: "eu-west-1".to_owned(),
        }
    }

    /// Returns its number, which is also its access key; any secret fits it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the AWS that it is an account of.
    pub fn aws(&self) -> &LocalAws {
        &self.aws
    }

    /// Returns the listener's URL, if that AWS listens.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Returns its region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns it in another region than `eu-west-1`.
    pub fn in_region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
