//! A local AWS of a test's own, in few words.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{
    Account, Clock, Enforcement, Faults, FunctionError, LocalAws, Options, RequestLog, Runner,
    StoreError,
};

/// The settings of a local AWS; see [`LocalAws::builder`].
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    folder: Option<PathBuf>,
    clock: Option<Clock>,
    runner: Runner,
    faults: Faults,
    enforcement: Enforcement,
    request_log: Option<RequestLog>,
    port: Option<u16>,
}

/// The reason that a local AWS does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state that is kept cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The port cannot be listened on.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[source] io::Error),
}

impl LocalAws {
    /// Returns a local AWS in memory, by tokio's time (paused where the test's is), without faults and without a socket, where functions
    /// run as processes and are checked against their roles' policies. All of that can be told otherwise.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use local_aws::LocalAws;
    ///
    /// let aws = LocalAws::builder().start().await?;
    /// assert!(aws.url().is_none());
    /// # Ok::<(), local_aws::StartError>(()) }).unwrap();
    /// ```
    pub fn builder() -> Builder {
        Builder {
            folder: None,
            clock: None,
            runner: Runner::Processes { shim: None },
            faults: Faults::default(),
            enforcement: Enforcement::Functions,
            request_log: None,
            port: None,
        }
    }
}

impl Builder {
    /// Keeps everything in `folder`, and starts with what is there.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Goes by `clock`. Without this, by the runtime's, from the machine's time on.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Goes wrong so from the start; see [`LocalAws::set_faults`].
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Checks these callers' rights.
    pub fn enforcement(mut self, enforcement: Enforcement) -> Self {
        self.enforcement = enforcement;
        self
    }

    /// Answers all invocations within this process: `answer` takes the function's name and the event, whatever code was deployed.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use local_aws::LocalAws;
    ///
    /// let aws = LocalAws::builder()
    ///     .functions(|name, event| Ok(format!("{{\"{name}\":{}}}", event.len()).into()))
    ///     .start()
    ///     .await?;
    /// # Ok::<(), local_aws::StartError>(()) }).unwrap();
    /// ```
    pub fn functions(
        mut self,
        answer: impl Fn(&str, Bytes) -> Result<Bytes, FunctionError> + Send + Sync + 'static,
    ) -> Self {
        self.runner = Runner::Inline(Arc::new(answer));
        self
    }

    /// Runs functions so.
    pub fn runner(mut self, runner: Runner) -> Self {
        self.runner = runner;
        self
    }

    /// Tells each request, one line each.
    pub fn request_log(mut self, log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.request_log = Some(Box::new(log));
        self
    }

    /// Listens on `port` of 127.0.0.1, or on a free one for 0. Functions that run as processes and call AWS need it.
    pub fn listen(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If the folder's state cannot be opened, or the port is taken.
    pub async fn start(self) -> Result<Running, StartError> {
        let aws = LocalAws::open(Options {
            folder: self.folder,
            clock: self.clock.unwrap_or_else(Clock::runtime),
            runner: self.runner,
            faults: self.faults,
            enforcement: self.enforcement,
            request_log: self.request_log,
        })?;
        let Some(port) = self.port else {
            return Ok(Running {
                aws,
                listening: None,
            });
        };
        let listener = LocalAws::bind(port).await.map_err(StartError::Listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        // Known from the first request on, even if the task has not begun.
        aws.set_endpoint(&format!("http://{address}"));
        let (stop, stopped) = oneshot::channel();
        let served = aws.clone();
        let task = tokio::spawn(async move {
            served
                .serve(listener, async {
                    let _ = stopped.await;
                })
                .await
        });
        Ok(Running {
            aws,
            listening: Some(Listening {
                address,
                stop,
                task,
            }),
        })
    }
}

/// A local AWS that has started. It ends when this is dropped, at once, or in order by [`stop`](Running::stop).
#[must_use = "it ends when this is dropped"]
pub struct Running {
    aws: LocalAws,
    listening: Option<Listening>,
}

struct Listening {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Returns `http://127.0.0.1:PORT`, if it listens.
    pub fn url(&self) -> Option<String> {
        let listening = self.listening.as_ref()?;
        Some(format!("http://{}", listening.address))
    }

    /// Returns an account that nobody else of this process has, with nothing in it.
    pub fn fresh_account(&self) -> Account {
        Account::fresh(self.aws.clone(), self.url())
    }

    /// Returns the account with this number of twelve digits.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let aws = local_aws::LocalAws::builder().start().await?;
    /// assert_eq!(aws.account("123456789012").id(), "123456789012");
    /// # Ok::<(), local_aws::StartError>(()) }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If it is no number of twelve digits.
    pub fn account(&self, id: &str) -> Account {
        Account::of(self.aws.clone(), self.url(), id)
    }

    /// Replaces what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.aws.set_faults(faults);
    }

    /// Returns the AWS itself, for requests of one's own.
    pub fn aws(&self) -> &LocalAws {
        &self.aws
    }

    /// Answers what was asked, ends the functions' processes, and returns when that is done.
    ///
    /// # Errors
    ///
    /// If the listener fails.
    pub async fn stop(mut self) -> io::Result<()> {
        let Some(Listening { stop, task, .. }) = self.listening.take() else {
            self.aws.end_functions().await;
            return Ok(());
        };
        let _ = stop.send(());
        task.await.map_err(io::Error::other)?
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}
