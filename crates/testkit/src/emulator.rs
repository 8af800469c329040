//! The AWS emulator of the end-to-end tests, as a child process: `ministack`, or with `PROVISION_TEST_TARGET=local-aws`
//! the local AWS of this project.

use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest time to wait for the emulator to start.
const START: Duration = Duration::from_mins(1);

/// Script that ends the process group `$1` and removes the folder `$2` when its standard input closes, which happens
/// however this process ends.
const WATCHDOG: &str = r#"
read -r _
kill -TERM "-$1"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 "-$1" || break
    sleep 0.1
done
kill -KILL "-$1"
rm -rf -- "$2"
"#;

/// A running emulator, which ends with its functions when this is dropped and when this process ends.
pub struct Emulator {
    url: String,
    process: Child,
    watchdog: Child,
    _folder: TempDir,
}

impl Emulator {
    /// Returns the emulator that all tests of this binary share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Emulator> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Returns true if the emulator is the local AWS, which needs no corrections.
    pub fn is_ours() -> bool {
        std::env::var("PROVISION_TEST_TARGET").is_ok_and(|target| target == "local-aws")
    }

    /// Starts an emulator on a free loopback port and waits until it answers.
    pub fn start() -> Self {
        // Another process may take the free port before the child does.
        (0..3)
            .find_map(|_| Self::try_start())
            .unwrap_or_else(|| panic!("the emulator did not start; its log: {}", tail(&log_path())))
    }

    fn try_start() -> Option<Self> {
        let address = free_address();
        let url = format!("http://{address}");
        let folder = TempDir::with_prefix("emulator-").expect("a temporary folder can be made");
        let log = File::create(log_path()).expect("the emulator's log can be created");
        let mut command = if Self::is_ours() {
            local_aws(address, folder.path())
        } else {
            ministack(address, &url, folder.path())
        };
        let process = command
            .current_dir(folder.path())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file handle can be copied"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; `just conformance` makes it"));
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog", &process.id().to_string()])
            .arg(folder.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh can be started");
        let mut emulator = Self {
            url,
            process,
            watchdog,
            _folder: folder,
        };
        emulator.wait_ready(address).then_some(emulator)
    }

    /// Returns its URL, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn wait_ready(&mut self, address: SocketAddr) -> bool {
        let give_up = Instant::now() + START;
        while Instant::now() < give_up {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return false;
            }
            if answers(address) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // Both may have ended already.
        let _ = self.process.wait();
        let _ = self.watchdog.wait();
    }
}

fn ministack(address: SocketAddr, url: &str, folder: &Path) -> Command {
    let mut command = Command::new(python());
    command
        .args(["-m", "ministack"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("S3_DATA_DIR", folder.join("s3"))
        .env("GATEWAY_PORT", address.port().to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn local_aws(address: SocketAddr, folder: &Path) -> Command {
    let mut command = Command::new(local_aws_binary());
    command
        .args(["serve", "--port", &address.port().to_string(), "--folder"])
        .arg(folder.join("state"))
        .env_clear()
        .env("TMPDIR", folder);
    command
}

/// Returns the path of the program `local-aws`, in the parent of the folder of test binaries.
fn local_aws_binary() -> PathBuf {
    std::env::var_os("LOCAL_AWS").map_or_else(
        || {
            let own = std::env::current_exe().expect("a running program has a path");
            let folder = own
                .ancestors()
                .nth(2)
                .expect("cargo's folders are two deep");
            folder.join("local-aws")
        },
        PathBuf::from,
    )
}

fn answers(address: SocketAddr) -> bool {
    let path = if Emulator::is_ours() {
        "/_local/health"
    } else {
        "/_ministack/ready"
    };
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        std::io::Write::write_all(
            &mut stream,
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a loopback port is free")
}

fn python() -> PathBuf {
    std::env::var_os("MINISTACK_PYTHON")
        .map_or_else(|| folder().join("venv/bin/python"), PathBuf::from)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/conformance")
}

fn log_path() -> PathBuf {
    let folder = folder();
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let program = std::env::current_exe().unwrap_or_default();
    let name = program
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    folder.join(format!("emulator-{name}.log"))
}

fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let from = text.len().saturating_sub(2000);
    text.get(from..).unwrap_or(&text).to_owned()
}
