//! Where functions run: environments, reused while they are warm, as many at once as the concurrency allows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Runner;
use super::code::Code;
use super::delivery::Delivery;
use super::environment::{END_WITHIN, Environment};
use super::known::{Known, Target};
use super::name::Named;
use super::sandbox::Sandbox;
use super::tracing::Sampler;
use super::url::Urls;
use crate::answer::Refusal;
use crate::cloud::Cloud;
use crate::place::Place;

const IDLE: Duration = Duration::from_mins(10);
/// Well before its credentials expire.
const OLDEST: Duration = Duration::from_hours(6);

/// Extensions have two seconds for their end.
const EXTENSIONS_WITHIN: Duration = Duration::from_millis(2200);

/// Everything that runs, and what it runs from.
#[derive(Debug)]
pub(crate) struct Environments {
    pub(super) runner: Runner,
    pub(super) code: Code,
    pub(super) known: Known,
    pub(super) delivery: Delivery,
    pub(super) sampler: Sampler,
    pub(super) urls: Urls,
    pools: Mutex<HashMap<Arc<(Place, String)>, Pool>>,
    /// All that have a process.
    running: Mutex<Vec<Weak<Environment>>>,
    /// All that have processes, among them those of environments that are no more.
    sandboxes: Mutex<Vec<Arc<Sandbox>>>,
    is_closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Pool {
    busy: u32,
    /// True if the function runs on what it has reserved, and not on what the account's other functions share.
    is_reserved: bool,
    /// The last one is the one used last.
    idle: Vec<Idle>,
    /// The stream of the last one that ran.
    stream: Option<String>,
}

#[derive(Debug)]
struct Idle {
    environment: Arc<Environment>,
    since: Instant,
}

/// One of the invocations that a function may have at once.
pub(super) struct Turn {
    cloud: Arc<Cloud>,
    target: Arc<Target>,
}

impl Environments {
    pub(crate) fn new(runner: Runner) -> Self {
        Self {
            runner,
            code: Code::default(),
            known: Known::default(),
            delivery: Delivery::default(),
            sampler: Sampler::default(),
            urls: Urls::default(),
            pools: Mutex::default(),
            running: Mutex::default(),
            sandboxes: Mutex::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Returns when all that functions have logged so far can be read.
    pub(crate) async fn delivered(&self) {
        self.delivery.flush().await;
    }

    /// Ends every process, and delivers what they have logged.
    pub(crate) async fn end_all(&self) {
        self.is_closed.store(true, Ordering::Release);
        let running: Vec<Weak<Environment>> = std::mem::take(&mut *locked(&self.running));
        let idle: Vec<Idle> = self
            .pools()
            .values_mut()
            .flat_map(|pool| std::mem::take(&mut pool.idle))
            .collect();
        drop(idle);
        for environment in running.iter().filter_map(Weak::upgrade) {
            if let Some(process) = &environment.process {
                process.output.drain();
                process.kill();
            }
        }
        // Invocations under way see the end of their process, and say so in the log.
        for _ in 0..100 {
            if running
                .iter()
                .all(|environment| environment.strong_count() == 0)
            {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        let sandboxes = std::mem::take(&mut *locked(&self.sandboxes));
        let until = Instant::now() + EXTENSIONS_WITHIN;
        for sandbox in &sandboxes {
            sandbox
                .gone(until.saturating_duration_since(Instant::now()))
                .await;
            sandbox.kill();
        }
        for sandbox in &sandboxes {
            sandbox.gone(END_WITHIN).await;
        }
        self.delivery.flush().await;
    }

    /// Processes that are to be gone with everything.
    pub(super) fn watch(&self, sandbox: &Arc<Sandbox>) {
        let mut sandboxes = locked(&self.sandboxes);
        sandboxes.retain(|sandbox| !sandbox.is_gone());
        sandboxes.push(Arc::clone(sandbox));
    }

    /// Ends those that have had nothing to do for some minutes.
    pub(crate) fn end_idle(&self) {
        let mut ended = Vec::new();
        self.pools().retain(|_, pool| {
            let (keep, end) = std::mem::take(&mut pool.idle)
                .into_iter()
                .partition(|idle| idle.since.elapsed() < IDLE && idle.environment.is_alive());
            pool.idle = keep;
            ended.push(end);
            pool.busy > 0 || !pool.idle.is_empty() || pool.stream.is_some()
        });
        drop::<Vec<Vec<Idle>>>(ended);
        locked(&self.running).retain(|environment| environment.strong_count() > 0);
    }

    /// Ends what a deleted function has; the stream that it logged to last, if it ever ran.
    pub(super) fn forget(&self, place: &Place, name: &str) -> Option<String> {
        let key = (place.clone(), name.to_owned());
        let mut pools = self.pools();
        let pool = pools.get_mut(&key)?;
        let idle = std::mem::take(&mut pool.idle);
        let stream = pool.stream.take();
        if pool.busy == 0 {
            pools.remove(&key);
        }
        drop(pools);
        drop(idle);
        stream
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<Arc<(Place, String)>, Pool>> {
        locked(&self.pools)
    }
}

impl Turn {
    /// A function that has as many invocations as it may have gets no more: AWS refuses, and does not queue.
    pub(super) fn take(cloud: &Arc<Cloud>, target: &Arc<Target>) -> Result<Self, Refusal> {
        let mut pools = cloud.environments.pools();
        let (most, busy, reason) = if let Some(reserved) = target.reserved_concurrency {
            let busy = pools.get(&target.key).map_or(0, |pool| pool.busy);
            let reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
            (reserved, busy, reason)
        } else {
            let place = &target.key.0;
            let sharing = pools
                .iter()
                .filter(|(key, pool)| key.0 == *place && !pool.is_reserved);
            let busy = sharing.map(|(_, pool)| pool.busy).sum();
            (target.unreserved, busy, "ConcurrentInvocationLimitExceeded")
        };
        if busy >= most {
            return Err(
                Refusal::new(429, "TooManyRequestsException", "Rate Exceeded.")
                    .with_member("Reason", reason),
            );
        }
        let pool = pools.entry(Arc::clone(&target.key)).or_default();
        pool.busy += 1;
        pool.is_reserved = target.reserved_concurrency.is_some();
        drop(pools);
        Ok(Self {
            cloud: Arc::clone(cloud),
            target: Arc::clone(target),
        })
    }

    /// The environment used last of those that fit; what is of an earlier configuration ends.
    pub(super) fn warm(&self) -> Option<Arc<Environment>> {
        let function = &self.target.function;
        let mut ended = Vec::new();
        let mut pools = self.cloud.environments.pools();
        let idle = &mut pools.get_mut(&self.target.key)?.idle;
        let mut found = None;
        for at in (0..idle.len()).rev() {
            let environment = &idle[at].environment;
            if environment.version != function.version {
                continue;
            }
            let fits = environment.generation == function.generation
                && environment.is_alive()
                && environment.made.elapsed() < OLDEST;
            if fits {
                found = Some(idle.remove(at).environment);
                break;
            }
            ended.push(idle.remove(at));
        }
        drop(pools);
        drop(ended);
        found
    }

    /// A new environment is one of those that end with everything.
    pub(super) fn register(&self, environment: &Arc<Environment>) {
        let environments = &self.cloud.environments;
        let mut running = locked(&environments.running);
        running.push(Arc::downgrade(environment));
        drop(running);
        if environments.is_closed.load(Ordering::Acquire)
            && let Some(process) = &environment.process
        {
            process.kill();
        }
    }

    /// An environment is free again; if the function has changed meanwhile, it ends.
    pub(super) fn give_back(&self, environment: Arc<Environment>) {
        let environments = &self.cloud.environments;
        let named = Named {
            name: self.target.function.name.clone(),
            qualifier: Some(environment.version.clone()),
        };
        let is_current = environments
            .known
            .target(&self.cloud, &self.target.key.0, named)
            .is_ok_and(|target| target.function.generation == environment.generation);
        if !is_current || environments.is_closed.load(Ordering::Acquire) {
            return;
        }
        let mut pools = environments.pools();
        let pool = pools.entry(Arc::clone(&self.target.key)).or_default();
        if pool.stream.as_deref() != Some(environment.journal.stream.name.as_str()) {
            pool.stream = Some(environment.journal.stream.name.clone());
        }
        pool.idle.push(Idle {
            environment,
            since: Instant::now(),
        });
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut pools = self.cloud.environments.pools();
        if let Some(pool) = pools.get_mut(&self.target.key) {
            pool.busy = pool.busy.saturating_sub(1);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
