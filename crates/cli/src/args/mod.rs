//! The command line as clap reads it; `options` checks it.

pub mod parse;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The end of the help and the manual.
const NOTES: &str = "\
Exit codes:
  0         done, or nothing to do
  1         failed, or declined
  2         there are differences (plan --detailed-exitcode, drift)
  3         partly done: some steps failed; run it again
  64        wrong usage
  130, 143  interrupted by SIGINT or SIGTERM; run it again

Environment:
  PROVISION_ENV, PROVISION_BOOTSTRAP, PROVISION_PROGRESS
            in place of the options of these names
  PROVISION_LOCAL_PORT, PROVISION_LOCAL_DIR, PROVISION_LOCAL_AWS
            port, folder and program of the local AWS
  PROVISION_RUNS_DIR
            where up and down leave their records
  AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and all others of the AWS SDK
  CI, NO_COLOR, CLICOLOR_FORCE, TERM
            whether to ask, to colour and to redraw";

/// A command line.
#[derive(Debug, Parser)]
#[command(
    name = "provision",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = NOTES
)]
/// A command line: the options of every command, and one command. Made by [`parse::read`].
pub struct Cli {
    /// The options that every command takes, before or after its name.
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
/// The options that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options everywhere")]
pub struct Global {
    /// A second, separate copy of the stack: its names carry this one
    #[arg(long, global = true, value_name = "NAME", env = "PROVISION_ENV")]
    pub(crate) env: Option<String>,
    /// The AWS region [default: as the SDK finds it]
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// The profile in ~/.aws to take credentials and region from
    #[arg(long, global = true)]
    pub(crate) profile: Option<String>,
    /// Use the local AWS on this machine, started if need be; no account is needed
    #[arg(long, global = true, conflicts_with = "profile")]
    pub(crate) local: bool,
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Progress display: redrawn (live), or a line as each step ends (plain)
    #[arg(long, global = true, value_name = "HOW", env = "PROVISION_PROGRESS")]
    #[arg(value_enum, default_value_t = Progress::Auto)]
    pub(crate) progress: Progress,
    /// Go ahead where a question would be asked
    #[arg(short, long, global = true, visible_alias = "auto-approve")]
    pub(crate) yes: bool,
    /// Show each call to AWS; twice: with its attempts and request ids
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show errors and results only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Live on a terminal, plain elsewhere and in a pipeline
    Auto,
    Plain,
    Live,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build the functions, create or change what differs, and wait until the endpoint answers
    #[command(visible_aliases = ["deploy", "apply"])]
    Up(Up),
    /// Show what `up` would do; only reads
    #[command(visible_aliases = ["diff", "preview"])]
    Plan(Plan),
    /// Show changes made outside of `provision` since the last `up`; exits with 2 if there are any
    Drift(Drift),
    /// Delete everything of the stack, in reverse order
    #[command(visible_aliases = ["destroy", "remove"])]
    Down(Down),
    /// Print the deployed stack's URL, ids and ARNs
    Outputs(Outputs),
    /// Send one request to the deployed stack
    Invoke(Invoke),
    /// Replace an API key
    #[command(subcommand)]
    Key(Key),
    /// Print the functions' log lines: `>` a request begins, `<` it has ended, with its time, memory and cold start
    Logs(Logs),
    /// Make a workspace of your own: contract, functions, stack, tests
    New(New),
    /// Write the files of a pipeline
    #[command(subcommand)]
    Ci(Ci),
    /// Check what this machine and the account lack, and say how to get it
    Doctor(Doctor),
    /// Run the stack on the local AWS, and rebuild its functions as their sources change
    Dev(Dev),
    /// Write the last run of `up` or `down` as one self-contained page
    Report(Report),
    /// Draw the stack's graph, as text or as a picture, without asking AWS
    Graph(Graph),
    /// Start, stop or inspect the local AWS by itself
    #[command(subcommand)]
    Local(Local),
    /// Explain an error's cause and remedy, by its code
    Explain(Explain),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual page, or write all of them with --out
    Man(Man),
    /// Print the least rights that the commands need, as an IAM policy, or the trust policy of a pipeline's role
    Policy(Policy),
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The name of the folder, the package and the stack
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The folder with the sources of provision [default: those that this program was built from]
    #[arg(long, value_name = "DIR", conflicts_with = "git")]
    pub(crate) path: Option<PathBuf>,
    /// The git repository to take provision from
    #[arg(long, value_name = "URL")]
    pub(crate) git: Option<String>,
    /// The template
    #[arg(long, value_enum, default_value_t = Template::Api)]
    pub(crate) template: Template,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// Two functions and a table behind three routes
    Api,
    /// The lab: one function and a table behind one route
    Lab,
}

/// Options of a deployment.
#[derive(Clone, Debug, Args)]
pub(crate) struct Deploy {
    /// Deploy this function binary instead of building it; of several functions, the one called BIN (repeatable)
    #[arg(long, value_name = "[BIN=]PATH", env = "PROVISION_BOOTSTRAP")]
    pub(crate) bootstrap: Vec<String>,
    /// Build functions with the release profile, as for AWS, on the local AWS too
    #[arg(long)]
    pub(crate) release: bool,
    #[command(flatten)]
    pub(crate) declare: Declare,
    /// Adopt an existing resource with this name by tagging it (repeatable, or with commas)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) adopt: Vec<String>,
}

/// Options of a declaration.
#[derive(Clone, Debug, Args)]
pub(crate) struct Declare {
    /// The functions' processor architecture
    #[arg(long, value_name = "ARCH", default_value = "x86_64")]
    #[arg(value_parser = ["x86_64", "arm64"])]
    pub(crate) arch: String,
    /// Set a parameter of the stack (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::parameter)]
    pub(crate) set: Vec<(String, String)>,
}

/// A part of the plan.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Select {
    /// Do nothing but this, by id or name (repeatable, or with commas)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Leave this as it is, by id or name (repeatable, or with commas)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Drift {
    #[command(flatten)]
    pub(crate) declare: Declare,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Do what this file says, as `plan --out FILE` wrote it, or nothing if the account has moved since
    #[arg(value_name = "FILE", conflicts_with_all = ["arch", "set", "adopt", "only", "skip"])]
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) deploy: Deploy,
    #[command(flatten)]
    pub(crate) select: Select,
    /// Maximum number of resources to work on at the same time [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) parallelism: Option<std::num::NonZeroUsize>,
    /// State to wait for: none, AWS's own states (ready), or an answer of the endpoint (live)
    #[arg(long, value_enum, default_value_t = Wait::Live)]
    pub(crate) wait: Wait,
    /// Give up after this time, such as 90s, 10m or 1h
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) timeout: Option<std::time::Duration>,
    /// Write a page about this run: the plan, a waterfall of the calls, before and after
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wait {
    None,
    Ready,
    Live,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) deploy: Deploy,
    #[command(flatten)]
    pub(crate) select: Select,
    /// Save the plan, with the functions' packages, for `up FILE`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Exit with 2 when there is something to do
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    #[command(flatten)]
    pub(crate) select: Select,
    /// Maximum number of resources to work on at the same time [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) parallelism: Option<std::num::NonZeroUsize>,
    /// Leave resources that hold data, such as tables and their items
    #[arg(long)]
    pub(crate) keep_data: bool,
    /// Write a page about this run: the plan, a waterfall of the calls, what there was before
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Outputs {
    /// Print only this one
    pub(crate) name: Option<String>,
    /// Print the API key's value as well
    #[arg(long)]
    pub(crate) show_secrets: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Invoke {
    /// The endpoint, such as `POST /orders`, or the function; and the request as JSON, `@FILE` for a file's text, or `-` for
    /// standard input
    #[arg(value_name = "[TARGET] [REQUEST]", num_args = 0..=2)]
    pub(crate) words: Vec<String>,
    /// Through Lambda's own API instead of the public endpoint
    #[arg(long)]
    pub(crate) direct: bool,
    /// The API key to send, by id or name, where several would do
    #[arg(long, value_name = "KEY", conflicts_with = "direct")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Put a new key into the usage plan, try it, and then delete the old one
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The key, by id or name; of one key it need not be given
    pub(crate) key: Option<String>,
    /// Leave the old key valid beside the new one for so long first, such as 90s, 10m or 1h
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "0s")]
    pub(crate) grace: std::time::Duration,
    /// Print the new key's value
    #[arg(long)]
    pub(crate) show_secrets: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The functions, by id or name [default: all]
    pub(crate) functions: Vec<String>,
    /// Go on showing lines as they come
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) follow: bool,
    /// Age of the oldest line to show, such as 90s, 10m, 1h or 1d
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "10m")]
    pub(crate) since: std::time::Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ci {
    /// Write a workflow for GitHub Actions and the policies of its roles; nothing is written over
    Init(CiInit),
}

#[derive(Debug, Args)]
pub(crate) struct CiInit {
    /// Write over files that differ
    #[arg(long)]
    pub(crate) force: bool,
    /// The repository's folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// The repository on GitHub [default: that of the remote `origin`]
    #[arg(long, value_name = "OWNER/REPO")]
    pub(crate) repo: Option<crate::ci::trust::Repository>,
    /// The branch whose runs deploy
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) branch: String,
    /// The account, where there are no credentials to ask with
    #[arg(long, value_name = "ID", value_parser = values::account)]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Check this function binary instead of the tools that build one; of several functions, the one called BIN (repeatable)
    #[arg(long, value_name = "[BIN=]PATH", env = "PROVISION_BOOTSTRAP")]
    pub(crate) bootstrap: Vec<String>,
    /// The functions' processor architecture
    #[arg(long, value_name = "ARCH", default_value = "x86_64")]
    #[arg(value_parser = ["x86_64", "arm64"])]
    pub(crate) arch: String,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    #[command(flatten)]
    pub(crate) deploy: Deploy,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The page to write
    #[arg(value_name = "FILE.html")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// Format of the graph [default: by the file's name, else a tree]
    #[arg(long, value_enum)]
    pub(crate) format: Option<GraphFormat>,
    /// Write it to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Tree,
    Dot,
    Mermaid,
    Svg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    /// Start it, in the background unless said otherwise
    Start(LocalStart),
    /// Stop it; what it holds stays
    Stop,
    /// Show its URL, process, folder and number of resources
    Status,
}

#[derive(Debug, Args)]
pub(crate) struct LocalStart {
    /// Its port on 127.0.0.1 [default: the one it had, else 4566, else a free one]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Stay, and show each request
    #[arg(long)]
    pub(crate) foreground: bool,
    /// Faults to inject, as JSON: see docs/local.md
    #[arg(long, value_name = "JSON")]
    pub(crate) faults: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// As an error names it, such as P0017; all of them without it
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write one page a command into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Policy {
    /// The role to print the policy for: the deployer (up), the reader (plan), or the deployer of previews `pr-N` (preview)
    #[arg(long, value_enum, value_name = "ROLE", default_value_t = PolicyFor::Up)]
    pub(crate) r#for: PolicyFor,
    /// The account, where there are no credentials to ask with
    #[arg(long, value_name = "ID", value_parser = values::account)]
    pub(crate) account: Option<String>,
    /// The trust policy instead: who of this repository on GitHub may have the role
    #[arg(long, value_name = "OWNER/REPO")]
    pub(crate) trust: Option<crate::ci::trust::Repository>,
    /// The branch whose runs deploy
    #[arg(long, value_name = "NAME", requires = "trust", default_value = "main")]
    pub(crate) branch: String,
    /// The GitHub environment of the jobs, which stands in place of branch and pull request
    #[arg(
        long,
        value_name = "NAME",
        requires = "trust",
        conflicts_with = "branch"
    )]
    pub(crate) environment: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyFor {
    Up,
    Plan,
    Preview,
}
