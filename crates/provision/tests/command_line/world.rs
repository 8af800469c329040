//! One account of a local AWS in this process, and command lines run on it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use local_aws::{Clock, Enforcement, Faults, LocalAws, Options, Runner};
use provision::App;
use provision_aws::connection::{Transport, config_at, from_transport};
use provision_cli::Host;
use provision_cli::args::parse;
use provision_cli::environment::Environment;
use provision_cli::exit::Exit;
use provision_cli::github::GitHub;
use provision_cli::interrupt::Interrupt;
use provision_cli::record::Runs;
use provision_cli::ui::console::{Console, Printed};
use provision_engine::aws::Aws;
use provision_engine::events::Events;
use provision_engine::interrupt::Signal;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use testkit::mutation::{Mutation, take_name};
use testkit::{Account, Call, Census, InProcess};
use tokio::sync::{Notify, watch};

use crate::application::{Application, LAB};

pub(crate) const ACCOUNT: &str = "123456789012";

/// Command lines of an application, run in this process on a local AWS without a socket.
///
/// The conformance tests have a `World` of their own, whose program is a process and whose endpoint may be anybody's. Here
/// time is paused, a run can be killed between two calls, and thousands of cases take minutes. What does not depend on that
/// is shared: the clients of [`Account`], the catalogue of [`Mutation`]s, and the [`Census`].
pub(crate) struct World {
    /// The way of the tool: what goes over it can be disturbed, and is recorded.
    pub(crate) way: InProcess,
    /// Everybody else.
    pub(crate) account: Account,
    config: testkit::sdk::SdkConfig,
    pub(crate) keeps_pace: bool,
    /// The files of a workflow, if the tool is to run in one.
    pub(crate) github: Option<GitHub>,
    /// Where its runs leave their records, if they leave any.
    pub(crate) runs: Option<PathBuf>,
    /// The application whose command lines run, with what is given to them and changed of its stack.
    application: &'static Application,
    /// The program that runs: the application's, but for tests that give it another stack.
    pub(crate) app: fn() -> App,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if it was killed.
    pub(crate) exit: Option<Exit>,
    pub(crate) printed: Printed,
    pub(crate) calls: Vec<Call>,
}

/// What can be done to a run from outside.
#[derive(Clone)]
pub(crate) struct Hands {
    signal: watch::Sender<Option<Signal>>,
    kill: Arc<Notify>,
}

impl Hands {
    pub(crate) fn new() -> Self {
        Self {
            signal: watch::Sender::new(None),
            kill: Arc::new(Notify::new()),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.signal.send_replace(Some(signal));
    }

    /// Nothing of it happens any more from the next moment on.
    pub(crate) fn kill(&self) {
        self.kill.notify_one();
    }
}

/// In memory; functions answer every request alike.
pub(crate) fn local_aws(faults: Faults) -> LocalAws {
    LocalAws::open(Options {
        folder: None,
        clock: Clock::runtime(),
        runner: Runner::Inline(Arc::new(|_, _| {
            Ok(br#"{"statusCode": 200, "body": "\"pong\""}"#.as_slice().into())
        })),
        faults,
        enforcement: Enforcement::All,
        request_log: None,
    })
    .expect("a state in memory")
}

/// What names of saved plans end with.
pub(crate) const PLAN_FILE: &str = ".plan";

impl World {
    /// The tool's own; a word that nothing else says.
    pub(crate) const SECRET_ACCESS_KEY: &str = "canary/of+the+tool/wJalrXUtnFEMIK7MDENG";

    /// An account that holds nothing, for the lab.
    pub(crate) async fn new(faults: Faults) -> Self {
        Self::of(&LAB, faults).await
    }

    /// An account that holds nothing.
    pub(crate) async fn of(application: &'static Application, faults: Faults) -> Self {
        let aws = local_aws(faults);
        aws.set_endpoint(InProcess::URL);
        let way = InProcess::new(aws.clone());
        let behind = InProcess::new(aws);
        Self {
            config: config_at(
                InProcess::URL,
                Account::REGION.to_owned(),
                ACCOUNT,
                way.client(),
            )
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                ACCOUNT,
                Self::SECRET_ACCESS_KEY,
                None,
                None,
                "engine",
            )))
            .build(),
            account: Account::in_process(&behind, ACCOUNT).await,
            way,
            keeps_pace: false,
            github: None,
            runs: None,
            application,
            app: application.app,
        }
    }

    /// An account after one `up` of the lab.
    pub(crate) async fn deployed(faults: Faults) -> Self {
        Self::deployed_of(&LAB, faults).await
    }

    /// An account after one `up`.
    pub(crate) async fn deployed_of(application: &'static Application, faults: Faults) -> Self {
        let world = Self::of(application, faults).await;
        world.run(&["up", "--yes"]).await.expect(Exit::Done);
        world
    }

    /// From now on the tool has the rights of `policy` and no others, in a session of a role of its own.
    pub(crate) async fn act_by(&mut self, policy: &Value) {
        const PIPELINE: &str = "pipeline";
        let iam = &self.account.iam;
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "AWS": ACCOUNT }, "Action": "sts:AssumeRole",
        }] });
        let create = iam.create_role().role_name(PIPELINE);
        let create = create.assume_role_policy_document(trust.to_string());
        let role = create.send().await.expect("a role").role;
        let made = iam.create_policy().policy_name(PIPELINE);
        let made = made.policy_document(policy.to_string()).send().await;
        let policy = made.expect("a policy that IAM takes").policy.expect("it");
        let attach = iam.attach_role_policy().role_name(PIPELINE);
        let attach = attach.set_policy_arn(policy.arn).send().await;
        attach.expect("attached");
        let assume = self.account.sts.assume_role().role_session_name("engine");
        let assumed = assume.set_role_arn(role.map(|role| role.arn)).send().await;
        let credentials = assumed.expect("assumed").credentials.expect("credentials");
        let credentials = Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            None,
            "engine",
        );
        self.config = self
            .config
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
    }

    /// Runs `provision` with these arguments.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_by(&Hands::new(), arguments).await
    }

    pub(crate) async fn run_by(&self, hands: &Hands, arguments: &[&str]) -> Ended {
        let mut line = vec!["provision"];
        line.extend(arguments);
        let wants_binary = ["up", "plan"].contains(&arguments[0])
            && !arguments.contains(&"--bootstrap")
            && !arguments
                .iter()
                .any(|argument| argument.ends_with(PLAN_FILE));
        let given = self.application.given(1);
        if wants_binary {
            line.extend(given.iter().map(String::as_str));
        }
        let runs = self.runs.as_ref().map(|folder| Runs {
            folder: folder.clone(),
            command: line.iter().map(|&word| word.to_owned()).collect(),
        });
        let environment = environment();
        let app = (self.app)();
        let cli = parse::read(&app, line, &environment).expect("the arguments are right");
        let (mut console, capture) = Console::captured(&cli.global);
        if let Some(github) = &self.github {
            console = console.in_workflow(github.clone());
        }
        let host = Host {
            console,
            interrupt: Interrupt::by(hands.signal.subscribe()),
            transport: Some(self.transport()),
            runs,
            environment,
        };
        let exit = tokio::select! {
            biased;
            () = hands.kill.notified() => None,
            exit = app.run_on(&cli, host) => Some(exit),
        };
        Ended {
            exit,
            printed: capture.printed(),
            calls: self.way.take_calls(),
        }
    }

    fn transport(&self) -> Transport {
        Transport {
            config: self.config.clone(),
            public: self.way.connector(),
            keeps_pace: self.keeps_pace,
        }
    }

    /// The engine's own connection, for stacks that no command knows.
    pub(crate) fn connect(&self, events: Events) -> Aws {
        from_transport(&self.transport(), events).expect("a configuration with a region")
    }

    pub(crate) async fn census(&self) -> Census {
        Census::take(&self.account).await
    }

    /// Somebody changes something behind the tool's back.
    pub(crate) async fn apply(&self, mutation: Mutation) {
        let applied = Box::pin(mutation.apply(&self.account, &self.application.target)).await;
        applied.unwrap_or_else(|error| panic!("{mutation:?}: {error:?}"));
    }

    /// Somebody else has a resource with this name of the stack.
    pub(crate) async fn take_name(&self, name: &str) {
        let taken = take_name(&self.account, &self.application.target, name).await;
        taken.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn expect(self, exit: Exit) -> Self {
        assert_eq!(
            self.exit,
            Some(exit),
            "--- stdout\n{}\n--- stderr\n{}",
            self.printed.stdout,
            self.printed.stderr
        );
        self
    }

    /// Its calls of AWS's APIs that change something.
    pub(crate) fn writes(&self) -> usize {
        self.calls.iter().filter(|call| call.write).count()
    }
}

/// The variables of every run here: those of whoever runs the tests change nothing, nor do the ports and folders of a local
/// AWS of theirs.
fn environment() -> Environment {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/no-local-aws");
    [
        ("PROVISION_LOCAL_DIR", folder),
        ("PROVISION_LOCAL_PORT", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into_iter()
    .collect()
}

/// The path of a function's binary; each number is another one. It is the header of an ELF file and nothing to run.
pub(crate) fn binary(number: u8) -> String {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("engine");
        fs::create_dir_all(&folder).expect("the target folder can be written");
        folder
    });
    let path = folder.join(format!("bootstrap-{number}-{}", std::process::id()));
    if !path.exists() {
        let mut elf = vec![0; 80];
        elf[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        // An executable for x86-64.
        elf[16] = 2;
        elf[18] = 62;
        elf[20] = 1;
        elf[52] = 64;
        elf[79] = number;
        // Tests beside this one may want the same: it is there as a whole or not at all.
        let mut made = NamedTempFile::new_in(folder).expect("the target folder can be written");
        made.write_all(&elf)
            .expect("the target folder can be written");
        fs::set_permissions(made.path(), fs::Permissions::from_mode(0o755))
            .expect("the file is ours");
        made.persist(&path).expect("the file is ours");
    }
    path.display().to_string()
}
