//! The packages of a stack in the making, while AWS is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use futures_util::stream::{self, FuturesUnordered};
use futures_util::{Stream, StreamExt, TryStreamExt};
use provision_engine::asset::{Asset, Code as AssetCode};
use provision_engine::env::Architecture;
use provision_engine::execute::Built;
use provision_engine::fault::Code;
use provision_engine::package::Package;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::binary::{Binary, Fingerprint};
use crate::build::{self, Profile, Wanted};
use crate::directory;
use crate::workspace::Workspace;

/// Binaries that were built elsewhere, for functions that are not built here.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The path of the binary for all functions whose binary has no entry in `by_name`.
    pub any: Option<PathBuf>,
    /// Paths by the name of the binary, as in `Code::Binary`.
    pub by_name: BTreeMap<String, PathBuf>,
}

impl Overrides {
    /// Returns the path of the binary that was given for `name`.
    pub fn find(&self, name: &str) -> Option<&Path> {
        let found = self.by_name.get(name).or(self.any.as_ref());
        found.map(PathBuf::as_path)
    }
}

/// A package, and the binary inside where it was at hand.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The ids of the assets that it is for.
    pub assets: Vec<String>,
    /// The zip with its hash. Assets of the same code and architecture share it.
    pub package: Arc<Package>,
    /// Size and hash of the binary inside; `None` for a zip or a folder, and for packages of a saved plan.
    pub binary: Option<Fingerprint>,
}

/// A package, and what its binary is known by.
type Zipped = (Package, Option<Fingerprint>);

/// One package in the making.
struct Job {
    assets: Vec<String>,
    work: Option<JoinHandle<Result<Zipped>>>,
}

/// The packages of a stack in the making: checked, built and zipped side by side while AWS is asked. Dropping it ends the
/// builds with their processes.
pub struct Preparation {
    /// True if every binary is known to be fit.
    checked: watch::Receiver<Progress>,
    jobs: Vec<Job>,
    prepared: Vec<Prepared>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Building,
    Fit,
}

/// The binaries of one architecture, as soon as they are built.
type Builds = watch::Receiver<Option<Result<Arc<BTreeMap<Wanted, Binary>>, Arc<anyhow::Error>>>>;

impl Preparation {
    /// Checks given binaries at once, and starts building and zipping everything else: sources in the workspace around `folder`, with
    /// `profile`.
    ///
    /// # Errors
    ///
    /// For a given binary that Lambda cannot run, or sources that do not exist.
    pub fn start(
        assets: &[Asset],
        overrides: &Overrides,
        folder: &Path,
        profile: Profile,
    ) -> Result<Self> {
        let (progress, checked) = watch::channel(Progress::Building);
        let progress = Arc::new(progress);
        let mut shared: BTreeMap<(Architecture, &AssetCode), Vec<String>> = BTreeMap::new();
        for asset in assets {
            let key = (asset.architecture, &asset.code);
            shared.entry(key).or_default().push(asset.id.clone());
        }
        let mut given = BTreeMap::new();
        let mut wanted: BTreeMap<Architecture, BTreeSet<Wanted>> = BTreeMap::new();
        let mut workspace = None;
        for (architecture, code) in shared.keys() {
            let AssetCode::Binary { package, name } = code else {
                continue;
            };
            if let Some(path) = overrides.find(name) {
                given.insert((*architecture, *code), Binary::read(path, *architecture)?);
                continue;
            }
            if workspace.is_none() {
                workspace = Some(sources(folder)?);
            }
            let workspace = workspace.as_ref().context("it was just found")?;
            let package = workspace.package_of(name, package.as_deref())?.to_owned();
            let wanted = wanted.entry(*architecture).or_default();
            wanted.insert((package, name.clone()));
        }
        let root = workspace.as_ref().map(|workspace| workspace.root.clone());
        let builds = root.map(|root| start_builds(wanted, &root, profile, &progress));
        let builds = builds.unwrap_or_else(|| {
            progress.send_replace(Progress::Fit);
            BTreeMap::new()
        });
        let jobs = shared.into_iter().map(|((architecture, code), assets)| {
            let work = match code {
                AssetCode::Zip(path) => {
                    let path = path.clone();
                    blocking(move || Ok((directory::read_zip(&path)?, None)))
                }
                AssetCode::Directory(path) => {
                    let path = path.clone();
                    blocking(move || Ok((directory::package(&path)?, None)))
                }
                AssetCode::Binary { package, name } => {
                    if let Some(binary) = given.remove(&(architecture, code)) {
                        blocking(move || zipped(binary))
                    } else {
                        let workspace = workspace.as_ref().context("a build has a workspace")?;
                        let package = workspace.package_of(name, package.as_deref())?;
                        let wanted = (package.to_owned(), name.clone());
                        let built = builds.get(&architecture).cloned();
                        let built = built.context("every architecture is built")?;
                        tokio::spawn(async move {
                            let binary = built_binary(built, &wanted).await?;
                            blocking(move || zipped(binary)).await?
                        })
                    }
                }
            };
            Ok(Job {
                assets,
                work: Some(work),
            })
        });
        Ok(Self {
            checked,
            jobs: jobs.collect::<Result<_>>()?,
            prepared: Vec::new(),
        })
    }

    /// Returns packages that need no work, as a saved plan holds them.
    pub fn done(prepared: Vec<Prepared>) -> Self {
        let (_, checked) = watch::channel(Progress::Fit);
        Self {
            checked,
            jobs: Vec::new(),
            prepared,
        }
    }

    /// Waits until every binary is known to be fit, but no longer than `grace`.
    ///
    /// # Errors
    ///
    /// The error of a build that has failed by then.
    pub async fn checked_within(&mut self, grace: Duration) -> Result<()> {
        let mut checked = self.checked.clone();
        let is_fit = checked.wait_for(|progress| *progress == Progress::Fit);
        match timeout(grace, is_fit).await {
            // The sender is gone before it sent: a build has failed.
            Ok(Err(_)) => self.all().await.map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Waits for all packages, and returns them.
    ///
    /// # Errors
    ///
    /// The first error of a build, a check or a zip.
    pub async fn all(&mut self) -> Result<&[Prepared]> {
        let works = self.jobs.iter_mut().map(async |job| {
            let Some(work) = &mut job.work else {
                return anyhow::Ok(None);
            };
            let (package, binary) = work.await.context("packaging the function")??;
            job.work = None;
            Ok(Some(Prepared {
                assets: job.assets.clone(),
                package: Arc::new(package),
                binary,
            }))
        });
        let prepared = try_join_all(works).await?;
        self.prepared.extend(prepared.into_iter().flatten());
        Ok(&self.prepared)
    }

    /// Returns the packages that are finished.
    pub fn prepared(&self) -> &[Prepared] {
        &self.prepared
    }

    /// Yields each package for each of its assets, as soon as it is finished.
    pub fn built(&mut self) -> impl Stream<Item = Result<Built>> + '_ {
        let done: Vec<Built> = self.prepared.iter().flat_map(Prepared::built).collect();
        let Self { jobs, prepared, .. } = self;
        let works: FuturesUnordered<_> = jobs
            .iter_mut()
            .filter(|job| job.work.is_some())
            .map(async |job| {
                let work = job.work.as_mut().context("it was just there")?;
                let (package, binary) = work.await.context("packaging the function")??;
                job.work = None;
                anyhow::Ok(Prepared {
                    assets: job.assets.clone(),
                    package: Arc::new(package),
                    binary,
                })
            })
            .collect();
        let works = works
            .map_ok(move |finished| {
                let built: Vec<_> = finished.built().collect();
                prepared.push(finished);
                stream::iter(built.into_iter().map(Ok))
            })
            .try_flatten();
        stream::iter(done.into_iter().map(Ok)).chain(works)
    }
}

impl Prepared {
    /// Returns the package once for each of its assets.
    pub fn built(&self) -> impl Iterator<Item = Built> + '_ {
        self.assets.iter().map(|asset| Built {
            asset: asset.clone(),
            package: self.package.clone(),
        })
    }
}

impl Drop for Preparation {
    fn drop(&mut self) {
        for work in self.jobs.iter().filter_map(|job| job.work.as_ref()) {
            work.abort();
        }
    }
}

/// Returns the folders that the binaries among `assets` are built from.
///
/// # Errors
///
/// `Code::NoSources` outside of a workspace that has them.
pub fn source_folders(assets: &[Asset], folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut folders = BTreeSet::new();
    let mut workspace = None;
    for asset in assets {
        match &asset.code {
            AssetCode::Binary { package, name } => {
                if workspace.is_none() {
                    workspace = Some(sources(folder)?);
                }
                let workspace = workspace.as_ref().context("it was just found")?;
                let package = workspace.package_of(name, package.as_deref())?;
                folders.extend(workspace.folders_of(package));
            }
            AssetCode::Directory(path) | AssetCode::Zip(path) => {
                folders.insert(path.clone());
            }
        }
    }
    Ok(folders)
}

fn sources(folder: &Path) -> Result<Workspace> {
    let workspace = Workspace::around(folder)?;
    workspace.with_context(|| {
        Code::NoSources
            .fault("the function's sources were not found")
            .remedy("run it inside the project, or `--bootstrap PATH`")
    })
}

fn start_builds(
    wanted: BTreeMap<Architecture, BTreeSet<Wanted>>,
    root: &Path,
    profile: Profile,
    progress: &Arc<watch::Sender<Progress>>,
) -> BTreeMap<Architecture, Builds> {
    let (sender, mut receivers) = (progress.clone(), BTreeMap::new());
    let mut senders = Vec::new();
    for (architecture, wanted) in wanted {
        let (built, receiver) = watch::channel(None);
        receivers.insert(architecture, receiver);
        senders.push((architecture, wanted, built));
    }
    let root = root.to_owned();
    // One after another: cargo locks the workspace anyway.
    tokio::spawn(async move {
        for (architecture, wanted, built) in senders {
            let closed = built.clone();
            let outcome = tokio::select! {
                outcome = build::build(&root, &wanted, architecture, profile) => outcome,
                () = closed.closed() => return,
            };
            let has_failed = outcome.is_err();
            built.send_replace(Some(outcome.map(Arc::new).map_err(Arc::new)));
            if has_failed {
                return;
            }
        }
        sender.send_replace(Progress::Fit);
    });
    receivers
}

async fn built_binary(mut built: Builds, wanted: &Wanted) -> Result<Binary> {
    let binaries = match built.wait_for(Option::is_some).await {
        Ok(outcome) => match outcome.as_ref() {
            Some(Ok(binaries)) => binaries.clone(),
            Some(Err(error)) => return Err(shared(error)),
            None => unreachable!("it was waited for"),
        },
        Err(_) => anyhow::bail!(Code::BuildFailed.fault("another build has failed before")),
    };
    let binary = binaries.get(wanted).cloned();
    binary.context("every binary that is wanted is built")
}

/// The same error once more, for each function of a build that failed.
fn shared(error: &Arc<anyhow::Error>) -> anyhow::Error {
    let code = Code::of(error);
    let mut fault = code.fault(format!("{error:#}"));
    let remedy = error
        .downcast_ref::<provision_engine::fault::Fault>()
        .and_then(|fault| fault.own_remedy());
    if let Some(remedy) = remedy {
        fault = fault.remedy(remedy.to_owned());
    }
    fault.into()
}

fn zipped(binary: Binary) -> Result<Zipped> {
    let fingerprint = binary.fingerprint();
    Ok((binary.package()?, Some(fingerprint)))
}

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> JoinHandle<Result<T>> {
    tokio::task::spawn_blocking(work)
}
