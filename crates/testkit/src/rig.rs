//! A program on an account of its own behind an endpoint.

use std::path::PathBuf;

use crate::account::Account;
use crate::census::Census;
use crate::cli::Cli;
use crate::emulator::Emulator;
use crate::mutation::{Mutation, Target, take_name};
use crate::proxy::{Options, Proxy};

/// A program that runs as a process, and everybody else who acts on the same account of [`Emulator::shared`].
pub struct Rig {
    /// The program; its calls alone go through `proxy`.
    pub cli: Cli,
    /// The way of the program to the endpoint.
    pub proxy: Proxy,
    /// Everybody else.
    pub account: Account,
    _behind: Proxy,
}

impl Rig {
    /// Connects `binary` to the account `id`, which holds nothing if nobody has used it.
    pub async fn new(binary: impl Into<PathBuf>, id: &str) -> Self {
        let options = Options {
            account: Some(id.to_owned()),
            strict: true,
            exact: Emulator::is_ours(),
            ..Options::default()
        };
        let emulator = Emulator::shared();
        let proxy = Proxy::start(emulator.url(), options.clone());
        let behind = Proxy::start(emulator.url(), options);
        Self {
            cli: Cli::new(binary, &proxy.url(), id),
            account: Account::connect(&behind.url(), id).await,
            proxy,
            _behind: behind,
        }
    }

    /// Reads everything the account contains.
    pub async fn census(&self) -> Census {
        Census::take(&self.account).await
    }

    /// Applies `mutation` to the resources of `target`; panics if that fails.
    pub async fn apply(&self, mutation: Mutation, target: &Target) {
        let applied = Box::pin(mutation.apply(&self.account, target)).await;
        applied.unwrap_or_else(|error| panic!("{mutation:?}: {error:?}"));
    }

    /// Makes a resource of somebody else that has this name of `target`; panics if that fails.
    pub async fn take_name(&self, target: &Target, name: &str) {
        let taken = Box::pin(take_name(&self.account, target, name)).await;
        taken.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}
