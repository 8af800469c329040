//! The console: results on stdout, everything else on stderr.

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;

use crate::args::Global;
use crate::diagnostics::Diagnostic;
use crate::environment::Environment;
use crate::github::{self, GitHub};
use crate::paint::Paint;
use crate::ui::broken_pipe::broken_pipe;
use crate::ui::live_area::LiveArea;
use crate::ui::screen::{Listener, Screen};
use crate::ui::stdin;
use crate::ui::terminal::{TerminalSettings, Terminals};
use provision_engine::events::Events;
use provision_engine::secret::Secret;

/// The two output streams. A stream that is closed or full never stops a run in the middle.
#[derive(Clone, Debug)]
pub struct Console {
    capture: Option<Capture>,
    /// The command by which this program was called.
    program: String,
    terminal: TerminalSettings,
    level: Level,
    json: bool,
    github: Option<GitHub>,
    /// The lines that are redrawn at the end of the terminal.
    live_area: Arc<Mutex<LiveArea>>,
    /// Why a result could not be written.
    lost: Arc<Mutex<Option<io::Error>>>,
}

/// Amount of text beside results and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
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
    pub(crate) fn new(global: &Global, program: String, environment: &Environment) -> Self {
        Self {
            capture: None,
            program,
            terminal: TerminalSettings::new(global, Terminals::of_this_process(), environment),
            level: Level::new(global),
            json: global.json,
            github: GitHub::from_environment(environment),
            live_area: Arc::new(Mutex::new(LiveArea::new())),
            lost: Arc::default(),
        }
    }

    /// Returns a console that keeps its output in memory, as a run without a terminal would print it, and the memory.
    pub fn captured(global: &Global) -> (Self, Capture) {
        let capture = Capture::default();
        let console = Self {
            capture: Some(capture.clone()),
            program: "provision".to_owned(),
            terminal: TerminalSettings::none(),
            level: Level::new(global),
            json: global.json,
            github: None,
            live_area: Arc::new(Mutex::new(LiveArea::new())),
            lost: Arc::default(),
        };
        (console, capture)
    }

    fn out(&self, text: &str) {
        match &self.capture {
            Some(capture) => capture.add(|printed| &mut printed.stdout, text),
            None => {
                if let Err(error) = io::stdout().write_all(text.as_bytes()) {
                    self.lost().get_or_insert(error);
                }
            }
        }
    }

    fn lost(&self) -> MutexGuard<'_, Option<io::Error>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error if a result could not be written; a reader who has left wanted no more of it.
    pub(crate) fn written(&self) -> Result<()> {
        let lost = self.lost().take();
        match lost.filter(|error| error.kind() != ErrorKind::BrokenPipe) {
            Some(error) => Err(error).context("writing the result"),
            None => Ok(()),
        }
    }

    /// `work` that shows something; `None` if its reader leaves first.
    pub(crate) async fn while_read<T>(
        &self,
        work: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        if self.capture.is_some() {
            return work.await.map(Some);
        }
        tokio::select! {
            outcome = work => outcome.map(Some),
            () = broken_pipe() => Ok(None),
        }
    }

    /// Returns true if a result could not be written.
    pub(crate) fn has_lost(&self) -> bool {
        self.lost().is_some()
    }

    fn err(&self, text: &str) {
        let text = &self.as_called(text);
        match &self.capture {
            Some(capture) => capture.add(|printed| &mut printed.stderr, text),
            None if self.is_live() => self.live_area().above(text),
            None => {
                let _ = io::stderr().write_all(text.as_bytes());
            }
        }
    }

    /// `text` with each command in it as this program was called: whoever runs it by cargo has no `provision` to paste.
    pub(crate) fn as_called(&self, text: &str) -> String {
        text.replace("`provision ", &format!("`{} ", self.program))
    }

    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    fn live_area(&self) -> MutexGuard<'_, LiveArea> {
        self.live_area
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows `lines` below all else that is said, in place of the last ones.
    pub(crate) fn redraw(&self, lines: Vec<String>) {
        self.live_area().show(lines);
    }

    /// Prints a line before the process ends at once.
    pub(crate) fn last_words(&self, text: &str) {
        self.live_area().let_go();
        self.say(text);
    }

    pub(crate) fn level(&self) -> Level {
        self.level
    }

    pub(crate) fn is_live(&self) -> bool {
        self.terminal.live
    }

    pub(crate) fn is_interactive(&self) -> bool {
        self.terminal.interactive
    }

    /// Returns true if a secret may be part of a result.
    pub(crate) fn may_show_secrets(&self) -> bool {
        self.terminal.private
    }

    pub(crate) fn stdout_paint(&self) -> Paint {
        self.terminal.stdout
    }

    pub(crate) fn stderr_paint(&self) -> Paint {
        self.terminal.stderr
    }

    /// A result, whatever `-q` says.
    pub(crate) fn result(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.out(&format!("{}\n", text.trim_end_matches('\n')));
    }

    pub(crate) fn say(&self, text: &str) {
        if self.level > Level::Quiet {
            self.err(&format!("{}\n", text.trim_end_matches('\n')));
        }
    }

    pub(crate) fn error(&self, error: &anyhow::Error) {
        let diagnostic = Diagnostic::of(error);
        self.err(&format!("{}\n", diagnostic.text(self.terminal.stderr)));
        if self.github.is_some() {
            self.err(&github::error(&diagnostic));
        }
    }

    /// Prints a warning.
    pub(crate) fn warn(&self, text: &str) {
        self.say(text);
        if self.github.is_some() {
            self.err(&github::warning(text.trim()));
        }
    }

    /// Has the runner's log hide `secret`, if a runner keeps one.
    pub(crate) fn mask(&self, secret: &Secret) {
        if self.github.is_some() {
            self.err(&github::mask(secret));
        }
    }

    /// Folds what is said until the returned value is dropped, where the log can do that.
    pub(crate) fn group(&self, title: &str) -> Group<'_> {
        let is_open = self.github.is_some() && self.level > Level::Quiet;
        if is_open {
            self.err(&github::group(title));
        }
        Group(is_open.then_some(self))
    }

    /// Passes on to GitHub what `write` does, where this runs in a workflow. A file that cannot be written fails nothing.
    pub(crate) fn pass_on(&self, write: impl FnOnce(&GitHub) -> io::Result<()>) {
        if let Some(Err(error)) = self.github.as_ref().map(write) {
            self.warn(&format!("the workflow's files cannot be written: {error}"));
        }
    }

    /// Adds GitHub Actions: workflow commands on stderr, and results in the files of `github`.
    pub fn in_workflow(mut self, github: GitHub) -> Self {
        self.github = Some(github);
        self
    }

    /// The end of a command that has printed no result: an error, and with `--json` the document that says so.
    pub(crate) fn fail(&self, error: &anyhow::Error) {
        self.error(error);
        self.without_result(error);
    }

    /// With `--json`, a document instead of the result that does not come.
    pub(crate) fn without_result(&self, error: &anyhow::Error) {
        if self.json {
            let document = json!({ "schema": 1, "errors": [Diagnostic::of(error)] });
            self.result(&document.to_string());
        }
    }

    /// Asks a question that only `y` or `yes` answers with yes.
    pub(crate) async fn confirm(&self, question: &str) -> bool {
        self.live_area().hold(true);
        self.err(&format!("{question} [y/N] "));
        let answer = stdin::line().await.unwrap_or_default();
        self.live_area().hold(false);
        if !answer.ends_with('\n') {
            self.end_line();
        }
        matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// After a question that was left without an answer.
    pub(crate) fn end_line(&self) {
        self.err("\n");
    }

    /// Prints a part of a question, with `-q` as well.
    pub(crate) fn insist(&self, text: &str) {
        self.err(&format!("{}\n", text.trim_end_matches('\n')));
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.level == Level::Quiet
    }

    /// Starts showing events as they come.
    pub(crate) fn listen(&self) -> (Events, Listener) {
        let (sender, receiver) = unbounded_channel();
        (
            Events::default().observed_by(move |event| {
                let _ = sender.send(event.clone());
            }),
            Listener::start(Screen::new(self.clone()), receiver),
        )
    }
}

/// Lines that belong together.
#[derive(Debug)]
#[must_use = "what is said until it is dropped belongs to it"]
pub(crate) struct Group<'a>(Option<&'a Console>);

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if let Some(console) = self.0 {
            console.err(github::END_GROUP);
        }
    }
}

/// The output of a captured console. Cheap to clone; all clones share it.
#[derive(Clone, Debug, Default)]
pub struct Capture(Arc<Mutex<Printed>>);

/// The text of both output streams.
#[derive(Clone, Debug, Default)]
pub struct Printed {
    /// The results, as a pipe would get them.
    pub stdout: String,
    /// The plan, progress, questions, warnings and errors.
    pub stderr: String,
}

impl Capture {
    fn add(&self, stream: impl Fn(&mut Printed) -> &mut String, text: &str) {
        let mut printed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream(&mut printed).push_str(text);
    }

    /// Returns a copy of the text so far.
    pub fn printed(&self) -> Printed {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
