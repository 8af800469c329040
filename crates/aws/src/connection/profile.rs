//! The profiles in `~/.aws`.

use anyhow::{Result, bail};
use aws_config::profile::load;
use aws_types::os_shim_internal::{Env, Fs};

use provision_engine::fault::Code;

/// Refuses a name that no profile has: the SDK would take credentials from elsewhere, or miss a region.
#[expect(
    deprecated,
    reason = "what the alias stands for is in a crate that nothing else here needs"
)]
pub(super) async fn check(name: &str) -> Result<()> {
    let files = aws_config::profile::profile_file::ProfileFiles::default();
    let Ok(profiles) = load(&Fs::real(), &Env::real(), &files, None).await else {
        // What cannot be read is told by the SDK, with the line.
        return Ok(());
    };
    if profiles.get_profile(name).is_some() {
        return Ok(());
    }
    let mut known: Vec<&str> = profiles.profiles().collect();
    known.sort_unstable();
    let fault = Code::NoCredentials.fault(format!("there is no profile `{name}`"));
    if known.is_empty() {
        bail!(fault.remedy("`aws configure` makes one, or leave `--profile` away"));
    }
    bail!(fault.remedy(format!("one of {}", known.join(", "))))
}
