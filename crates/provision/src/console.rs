//! What the user sees: results on stdout, everything else on stderr.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::cli::{Color, Global};
use crate::events::{Event, Events};
use crate::fault::Told;
use crate::github::{self, GitHub};
use crate::plan::{Action, Plan};
use crate::render::{self, Paint};
use crate::secret::Secret;

/// The two streams and what they can show. A stream that is closed or full never stops a run.
#[derive(Clone, Debug)]
pub struct Console {
    capture: Option<Capture>,
    stdout: Paint,
    stderr: Paint,
    /// Whether lines may be redrawn and questions asked.
    interactive: bool,
    level: Level,
    json: bool,
    github: Option<GitHub>,
}

/// How much is told beside results and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Quiet,
    Steps,
    Calls,
    /// Attempts and request ids as well.
    Details,
}

impl Level {
    fn new(global: &Global) -> Self {
        match global.verbose {
            0 if global.quiet => Self::Quiet,
            0 => Self::Steps,
            1 => Self::Calls,
            _ => Self::Details,
        }
    }
}

impl Console {
    pub fn new(global: &Global) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let paint = |is_terminal: bool| match global.color {
            Color::Always => Paint(true),
            Color::Never => Paint(false),
            Color::Auto if set("NO_COLOR") => Paint(false),
            Color::Auto => Paint(set("CLICOLOR_FORCE") || (is_terminal && !dumb)),
        };
        Self {
            capture: None,
            stdout: paint(io::stdout().is_terminal()),
            stderr: paint(io::stderr().is_terminal()),
            interactive: io::stderr().is_terminal()
                && io::stdin().is_terminal()
                && !dumb
                && !set("CI"),
            level: Level::new(global),
            json: global.json,
            github: GitHub::from_environment(),
        }
    }

    /// Keeps what it is given in memory, as a terminal-less run would print it.
    pub fn captured(global: &Global) -> (Self, Capture) {
        let capture = Capture::default();
        let console = Self {
            capture: Some(capture.clone()),
            stdout: Paint(false),
            stderr: Paint(false),
            interactive: false,
            level: Level::new(global),
            json: global.json,
            github: None,
        };
        (console, capture)
    }

    fn out(&self, text: &str) {
        match &self.capture {
            Some(capture) => capture.add(|printed| &mut printed.stdout, text),
            None => {
                let _ = io::stdout().write_all(text.as_bytes());
            }
        }
    }

    fn err(&self, text: &str) {
        match &self.capture {
            Some(capture) => capture.add(|printed| &mut printed.stderr, text),
            None => {
                let _ = io::stderr().write_all(text.as_bytes());
            }
        }
    }

    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    pub fn stdout_paint(&self) -> Paint {
        self.stdout
    }

    pub fn stderr_paint(&self) -> Paint {
        self.stderr
    }

    /// A result, whatever `-q` says.
    pub fn result(&self, text: &str) {
        self.out(&format!("{}\n", text.trim_end_matches('\n')));
    }

    pub fn say(&self, text: &str) {
        if self.level > Level::Quiet {
            self.err(&format!("{}\n", text.trim_end_matches('\n')));
        }
    }

    pub fn error(&self, error: &anyhow::Error) {
        let told = Told::of(error);
        self.err(&format!("{}\n", told.text(self.stderr)));
        if self.github.is_some() {
            self.err(&github::error(&told));
        }
    }

    /// What the user should look at, though nothing has failed.
    pub fn warn(&self, text: &str) {
        self.say(text);
        if self.github.is_some() {
            self.err(&github::warning(text.trim()));
        }
    }

    /// Has the runner's log hide `secret`, if a runner keeps one.
    fn mask(&self, secret: &Secret) {
        if self.github.is_some() {
            self.err(&github::mask(secret));
        }
    }

    /// Folds what is said until the returned value is dropped, where the log can do that.
    pub fn group(&self, title: &str) -> Group<'_> {
        let is_open = self.github.is_some() && self.level > Level::Quiet;
        if is_open {
            self.err(&github::group(title));
        }
        Group(is_open.then_some(self))
    }

    /// Passes on to GitHub what `write` does, where this runs in a workflow. A file that cannot be written fails nothing.
    pub fn pass_on(&self, write: impl FnOnce(&GitHub) -> io::Result<()>) {
        if let Some(Err(error)) = self.github.as_ref().map(write) {
            self.warn(&format!("the workflow's files cannot be written: {error}"));
        }
    }

    /// Tells GitHub as well, by these files.
    pub fn in_workflow(mut self, github: GitHub) -> Self {
        self.github = Some(github);
        self
    }

    /// The end of a command that has printed no result: an error, and with `--json` the document that says so.
    pub fn fail(&self, error: &anyhow::Error) {
        self.error(error);
        self.without_result(error);
    }

    /// With `--json`, a document instead of the result that does not come.
    pub fn without_result(&self, error: &anyhow::Error) {
        if self.json {
            let document = json!({ "schema": 1, "errors": [Told::of(error)] });
            self.result(&document.to_string());
        }
    }

    /// Asks a question that only `y` or `yes` answers with yes.
    pub fn confirm(&self, question: &str) -> bool {
        self.err(&format!("{question} [y/N] "));
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Starts showing events as they come.
    pub fn listen(&self) -> (Events, Listener) {
        let (sender, receiver) = unbounded_channel();
        let (steps, plans) = unbounded_channel();
        let task = tokio::spawn(Screen::new(self.clone()).show(receiver, plans));
        (Events::to(sender), Listener { task, plans: steps })
    }
}

/// Lines that belong together.
#[derive(Debug)]
#[must_use = "what is said until it is dropped belongs to it"]
pub struct Group<'a>(Option<&'a Console>);

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if let Some(console) = self.0 {
            console.err(github::END_GROUP);
        }
    }
}

/// What a captured console was given.
#[derive(Clone, Debug, Default)]
pub struct Capture(Arc<Mutex<Printed>>);

#[derive(Clone, Debug, Default)]
pub struct Printed {
    pub stdout: String,
    pub stderr: String,
}

impl Capture {
    fn add(&self, stream: impl Fn(&mut Printed) -> &mut String, text: &str) {
        let mut printed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream(&mut printed).push_str(text);
    }

    pub fn printed(&self) -> Printed {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The task that shows events.
#[derive(Debug)]
pub struct Listener {
    task: JoinHandle<()>,
    plans: tokio::sync::mpsc::UnboundedSender<BTreeMap<String, String>>,
}

impl Listener {
    /// Tells how the steps of `plan` are to be called.
    pub fn name_steps(&self, plan: &Plan, paint: Paint) {
        let name = |step: &crate::plan::Step| {
            let symbol = if step.action == Action::Keep {
                " "
            } else {
                step.action.symbol()
            };
            let line = format!(
                "{symbol} {:<28} {}",
                step.resource.type_name(),
                step.resource.name()
            );
            (step.id.clone(), paint.action(step.action, &line))
        };
        let _ = self.plans.send(plan.steps.iter().map(name).collect());
    }

    /// Ends once everything sent so far is shown.
    pub async fn finish(self) {
        drop(self.plans);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.task).await;
    }
}

/// Lines that are redrawn on a terminal, plain lines elsewhere.
struct Screen {
    console: Console,
    bars: MultiProgress,
    steps: BTreeMap<String, Bar>,
    names: BTreeMap<String, String>,
    /// When each wait was last told of, by its line up to the part that changes.
    last_waits: BTreeMap<String, Instant>,
}

struct Bar {
    line: ProgressBar,
}

impl Screen {
    fn new(console: Console) -> Self {
        Self {
            console,
            bars: MultiProgress::new(),
            steps: BTreeMap::new(),
            names: BTreeMap::new(),
            last_waits: BTreeMap::new(),
        }
    }

    async fn show(
        mut self,
        mut events: UnboundedReceiver<Event>,
        mut plans: UnboundedReceiver<BTreeMap<String, String>>,
    ) {
        loop {
            tokio::select! {
                biased;
                Some(names) = plans.recv() => self.names = names,
                event = events.recv() => match event {
                    Some(event) => self.event(event),
                    None => break,
                },
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Started { step } => self.started(&step),
            Event::Waiting { step, reason } => self.waiting(step.as_deref(), &reason),
            Event::Finished { step, took } => self.ended(&step, took, ""),
            Event::Failed { step, took } => {
                let failed = self.console.stderr.error("failed ");
                self.ended(&step, took, &failed);
            }
            Event::Called {
                operation,
                took,
                answer,
            } if self.console.level >= Level::Calls => {
                self.line(&format!(
                    "    {operation} {answer} {}",
                    render::seconds(took)
                ));
            }
            Event::Called { .. } => {}
            Event::Secret(secret) => self.console.mask(&secret),
            Event::Note(text) => self.line(&text),
        }
    }

    fn started(&mut self, step: &str) {
        if !self.console.interactive || self.console.level == Level::Quiet {
            return;
        }
        let style = ProgressStyle::with_template("{spinner} {prefix}  {elapsed}  {wide_msg}");
        let line = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = style {
            line.set_style(style);
        }
        line.set_prefix(self.name(step));
        line.enable_steady_tick(Duration::from_millis(100));
        self.steps.insert(step.to_owned(), Bar { line });
    }

    fn waiting(&mut self, step: Option<&str>, reason: &str) {
        if let Some(bar) = step.and_then(|step| self.steps.get(step)) {
            bar.line.set_message(reason.to_owned());
            return;
        }
        // Without a terminal, a line now and then for each wait is enough to see that it lives.
        let name = step
            .map(|step| format!("{}: ", self.name(step)))
            .unwrap_or_default();
        let wait = format!(
            "{name}{}",
            reason.split([',', ';']).next().unwrap_or_default()
        );
        let is_due = self
            .last_waits
            .get(&wait)
            .is_none_or(|last| last.elapsed() > Duration::from_secs(5));
        if is_due || self.console.level >= Level::Calls {
            self.last_waits.insert(wait, Instant::now());
            self.line(&format!("    {name}{reason}"));
        }
    }

    fn ended(&mut self, step: &str, took: Duration, how: &str) {
        if let Some(bar) = self.steps.remove(step) {
            bar.line.finish_and_clear();
            self.bars.remove(&bar.line);
        }
        self.line(&format!(
            "  {}  {how}{}",
            self.name(step),
            render::seconds(took)
        ));
    }

    fn name(&self, step: &str) -> String {
        self.names
            .get(step)
            .cloned()
            .unwrap_or_else(|| step.to_owned())
    }

    fn line(&self, text: &str) {
        if self.console.level == Level::Quiet {
            return;
        }
        if self.steps.is_empty() {
            self.console.say(text);
        } else {
            let _ = self.bars.println(text);
        }
    }
}
