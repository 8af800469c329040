//! The progress of a run: a list that is redrawn on a terminal, plain lines elsewhere.

mod board;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use console::Term;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::board::{Board, Row, Size, State};
use crate::paint::Paint;
use crate::ui::console::{Console, Level};
use crate::ui::plan_text::label;
use crate::ui::render;
use provision_engine::events::Event;
use provision_engine::plan::{Plan, Step};

/// Interval at which elapsed times are redrawn.
const FRAME: Duration = Duration::from_millis(100);

/// The task that shows events.
#[derive(Debug)]
pub(crate) struct Listener {
    task: JoinHandle<()>,
    plans: UnboundedSender<Vec<Row>>,
}

impl Listener {
    pub(crate) fn start(screen: Screen, events: UnboundedReceiver<Event>) -> Self {
        let (sender, plans) = unbounded_channel();
        Self {
            task: tokio::spawn(screen.show(events, plans)),
            plans: sender,
        }
    }

    /// Tells which steps `plan` has, and how they are to be called.
    pub(crate) fn name_steps(&self, plan: &Plan) {
        let _ = self.plans.send(plan.steps.iter().map(row).collect());
    }

    /// Ends once everything sent so far is shown.
    pub(crate) async fn finish(self) {
        drop(self.plans);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.task).await;
    }
}

fn row(step: &Step) -> Row {
    let symbol = if step.is_kept() {
        " "
    } else {
        step.action.symbol()
    };
    let is_own = !step.is_kept() && step.along_with().is_none();
    Row {
        id: step.id.clone(),
        action: step.action.word(),
        text: format!("{symbol} {}", label(step)),
        state: if is_own {
            State::Waiting
        } else {
            State::Silent
        },
        reason: None,
    }
}

/// The state of a run as it is shown.
pub(crate) struct Screen {
    console: Console,
    board: Board,
    /// True if any lines were redrawn.
    has_drawn: bool,
    /// When each wait was last told of, by its line up to the part that changes.
    last_waits: BTreeMap<String, Instant>,
}

impl Screen {
    pub(crate) fn new(console: Console) -> Self {
        Self {
            console,
            board: Board::default(),
            has_drawn: false,
            last_waits: BTreeMap::new(),
        }
    }

    async fn show(
        mut self,
        mut events: UnboundedReceiver<Event>,
        mut plans: UnboundedReceiver<Vec<Row>>,
    ) {
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                Some(rows) = plans.recv() => self.board = Board { rows, general: None },
                event = events.recv() => match event {
                    Some(event) => self.event(event),
                    None => break,
                },
                _ = frames.tick(), if self.is_live() && self.board.is_running() => self.draw(),
            }
        }
        self.leave();
    }

    fn is_live(&self) -> bool {
        self.console.is_live() && self.console.level() > Level::Quiet
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Started { step } => self.turn(&step, State::Running(Instant::now())),
            Event::Waiting {
                is_noticeable: false,
                ..
            } => {}
            Event::Waiting { step, reason, .. } if self.is_live() => {
                match step.and_then(|step| self.board.row_mut(&step)) {
                    Some(row) => row.reason = Some(reason),
                    None => self.board.general = Some(reason),
                }
                self.draw();
            }
            Event::Waiting { step, reason, .. } => self.waiting(step.as_deref(), &reason),
            Event::Finished { step, took } => self.ended(&step, State::Done(took)),
            Event::Failed { step, took } => self.ended(&step, State::Failed(took)),
            Event::NotRun { step } => self.turn(&step, State::NotRun),
            Event::Called {
                ref step,
                ref pause,
                ..
            } => {
                // What belonged to no step is over when its call is.
                let is_over = step.is_none() && pause.is_none();
                if is_over && self.board.general.take().is_some() && self.is_live() {
                    self.draw();
                }
                if let Some(line) = call(&event, self.console.level()) {
                    self.console.say(&line);
                }
            }
            Event::Secret(secret) => self.console.mask(&secret),
            Event::Note(text) => self.console.say(&text),
        }
    }

    fn turn(&mut self, step: &str, state: State) {
        if let Some(row) = self.board.row_mut(step) {
            row.state = state;
        }
        if self.is_live() {
            self.draw();
        }
    }

    /// Without a terminal, a line now and then for each wait is enough to see that it lives.
    fn waiting(&mut self, step: Option<&str>, reason: &str) {
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
        if is_due || self.console.level() >= Level::Calls {
            self.last_waits.insert(wait, Instant::now());
            self.console.say(&format!("    {name}{reason}"));
        }
    }

    fn ended(&mut self, step: &str, state: State) {
        self.turn(step, state);
        if self.is_live() {
            return;
        }
        let (how, took) = match state {
            State::Failed(took) => (self.paint().error("failed "), took),
            State::Done(took) => (String::new(), took),
            State::Waiting | State::NotRun | State::Running(_) | State::Silent => return,
        };
        self.console.say(&format!(
            "  {}  {how}{}",
            self.name(step),
            render::seconds(took)
        ));
    }

    fn name(&self, step: &str) -> String {
        let row = self.board.rows.iter().find(|row| row.id == step);
        row.map_or_else(
            || step.to_owned(),
            |row| self.paint().action(row.action, &row.text),
        )
    }

    fn paint(&self) -> Paint {
        self.console.stderr_paint()
    }

    fn draw(&mut self) {
        self.has_drawn = true;
        self.console.redraw(self.lines());
    }

    fn lines(&self) -> Vec<String> {
        // Read anew each time: terminals change their size.
        let (rows, columns) = Term::stderr().size();
        let size = Size {
            rows: rows.into(),
            columns: columns.into(),
        };
        self.board.lines(size, Instant::now(), self.paint())
    }

    /// Writes the lines once more, to stay.
    fn leave(mut self) {
        if !self.has_drawn {
            return;
        }
        self.console.redraw(Vec::new());
        self.board.close(Instant::now());
        let (_, columns) = Term::stderr().size();
        let size = Size {
            rows: usize::MAX,
            columns: columns.into(),
        };
        for line in self.board.lines(size, Instant::now(), self.paint()) {
            self.console.say(&line);
        }
    }
}

/// A call as `-v` shows it, and as `-vv` does.
fn call(event: &Event, level: Level) -> Option<String> {
    let Event::Called {
        operation,
        took,
        answer,
        attempt,
        request_id,
        pause,
        ..
    } = event
    else {
        return None;
    };
    if level < Level::Calls {
        return None;
    }
    let mut line = format!("    {operation} {answer} {}", render::seconds(*took));
    if level >= Level::Details {
        let _ = write!(line, " · attempt {attempt}");
        if let Some(id) = request_id {
            let _ = write!(line, " · request {id}");
        }
        if let Some(pause) = pause {
            let _ = write!(line, " · again in {}", render::seconds(*pause));
        }
    }
    Some(line)
}
